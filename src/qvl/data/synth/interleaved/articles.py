"""Drawn articles: paragraphs with pictures that belong to them, or with one known defect.

Owns: the order of an article, its defects, which qualities each defect harms. Does not own: what an
article is about (``subjects``), judging it (``filters.interleaved``).

    rng -> subjects -> nodes in order -> perhaps a defect -> interleaved_sample() -> Sample

An article without a defect is training data of the interleaved kind. With defects they are a
labelled set on which the four scores are measured: ``facts["good"]`` says for each score whether an
article deserves a high one, and leaves out what the defect makes arguable.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qvl.data.interleaved import Document, Node, Paragraph, Picture, sample_of
from qvl.data.records import Provenance, Sample
from qvl.data.synth.interleaved.subjects import MOST_SUBJECTS, TOWNS, Subject, draw_subjects
from qvl.errors import ConfigError
from qvl.options import nearest

_OPENINGS = (
    "It takes a slow walk to notice what has changed in {town}, and most of those who live here "
    "never take one.",
    "We asked the people of {town} what a stranger should see first, and these are the answers "
    "that came up more than once.",
    "This is the {number}th part of our notes from {town}, written down over a week of rain.",
    "Nothing about {town} seems remarkable from the train, yet there are stories behind almost "
    "every door.",
    "For a long time nobody thought of keeping a record of such things, and so much of what "
    "follows comes from memory.",
)
_LINKS = (
    "From there it is only a short way to the next stop.",
    "What comes next could hardly be more different.",
    "Some of this may sound made up, but there are papers to prove it.",
    "Let us go on before the light fails.",
    "The same family turns up again a little later, as we shall see.",
    "Not far from it there is something else that deserves a look.",
)
_CLOSINGS = (
    "That is all we could find out before the last bus left, though there must be more.",
    "If you know better, write to us, and we will put it right in the next issue.",
    "Whether any of it will still be there in ten years is a question that nobody wanted to "
    "answer.",
    "We thank everyone who opened a drawer, a door or an old box for us.",
)
_SPAM = (
    "BEST price {town} CHEAP deal buy now", "click here free offer {town} shop online sale",
    "hotel {town} hotel cheap {town} booking hotel", "Tags: {town}, offers, 2019, cars, loans",
    "Share Tweet Pin Email Print Login Register", ">>> {town} <<< $$$ 100% !!! www deals",
)  # fmt: skip

Change = Callable[[np.random.Generator, list[Node], list[Subject]], list[Node]]


def _shuffled(rng: np.random.Generator, nodes: list[Node], _: list[Subject]) -> list[Node]:
    """Every picture stands where another belongs."""
    pictures = [node for node in nodes if isinstance(node, Picture)]
    turned = int(rng.integers(1, len(pictures)))
    rest = iter([*pictures[turned:], *pictures[:turned]])
    return [next(rest) if isinstance(node, Picture) else node for node in nodes]


def _unrelated(rng: np.random.Generator, nodes: list[Node], known: list[Subject]) -> list[Node]:
    """The pictures of another article, known as well as those were."""
    names = {subject.name for subject in known}
    others = draw_subjects(rng, len(known))
    while any(other.name in names for other in others):
        others = draw_subjects(rng, len(known))
    rest = iter(others)
    return [_known_as(node, next(rest)) if isinstance(node, Picture) else node for node in nodes]


def _known_as(picture: Picture, subject: Subject) -> Picture:
    other = _picture(subject)
    return replace(
        other,
        alt=other.alt if picture.alt else "",
        words=other.words if picture.words else "",
    )


def _repeated(rng: np.random.Generator, nodes: list[Node], _: list[Subject]) -> list[Node]:
    """One picture in place of all."""
    first = next(node for node in nodes if isinstance(node, Picture))
    return [first if isinstance(node, Picture) else node for node in nodes]


def _parroting(rng: np.random.Generator, nodes: list[Node], known: list[Subject]) -> list[Node]:
    """The text says what the pictures show, and nothing else."""
    pictures = iter([node for node in nodes if isinstance(node, Picture)])
    changed: list[Node] = []
    for subject in known:
        order = rng.permutation(len(subject.shown)).tolist()
        changed += [Paragraph(text=" ".join(subject.shown[i] for i in order)), next(pictures)]
    return changed


def _empty(rng: np.random.Generator, nodes: list[Node], _: list[Subject]) -> list[Node]:
    """Surfaces, with the noise or the shade of a camera, in place of the pictures."""
    changed: list[Node] = []
    for node in nodes:
        if isinstance(node, Picture):
            height, width = node.source.shape[:2]
            shade = rng.integers(20, 236, 3) * np.ones((height, width, 1))
            slope = np.linspace(0, float(rng.uniform(0, 25)), width)[None, :, None]
            noise = rng.normal(0, float(rng.uniform(0, 2.5)), (height, width, 1))
            pixels = (shade + slope + noise).clip(0, 255).astype(np.uint8)
            node = replace(node, source=pixels, words="")
        changed.append(node)
    return changed


def _low_quality(rng: np.random.Generator, nodes: list[Node], _: list[Subject]) -> list[Node]:
    """Advertising, words in any order, capitals, or one sentence again and again."""
    kind = int(rng.integers(4))
    texts = [node.text for node in nodes if isinstance(node, Paragraph)]
    changed: list[Node] = []
    for node in nodes:
        if isinstance(node, Paragraph):
            if kind == 0:
                lines = [_one(rng, _SPAM).format(town=_one(rng, TOWNS)) for _ in range(4)]
                node = Paragraph(text=" ".join(lines))
            elif kind == 1:
                words = node.text.split()
                node = Paragraph(text=" ".join(words[i] for i in rng.permutation(len(words))))
            elif kind == 2:
                node = Paragraph(text=node.text.upper().replace(".", "!!!"))
            else:
                node = Paragraph(text=texts[0])
        changed.append(node)
    return changed


def _unbalanced(rng: np.random.Generator, nodes: list[Node], _: list[Subject]) -> list[Node]:
    """Many pictures with hardly a word, or a long text with one picture."""
    if rng.random() < 0.5:
        gallery: list[Node] = []
        for number in range(int(rng.integers(8, 15))):
            gallery.append(Paragraph(text=f"Picture {number + 1} of the series."))
            gallery.append(_picture(draw_subjects(rng, 1)[0]))
        return gallery
    first = next(node for node in nodes if isinstance(node, Picture))
    long: list[Node] = [first]
    words = 0
    while words < 1100:
        for more in draw_subjects(rng, MOST_SUBJECTS):
            text = " ".join(more.told[i] for i in rng.permutation(len(more.told)))
            long.append(Paragraph(text=text))
            words += len(text.split())
    return long


DEFECTS: dict[str, tuple[Change, dict[str, bool]]] = {
    "shuffled": (_shuffled, {"text_quality": True, "relevance": False, "balance": True}),
    "unrelated": (_unrelated, {"text_quality": True, "relevance": False, "balance": True}),
    "repeated": (_repeated, {"text_quality": True, "complementarity": False}),
    "parroting": (_parroting, {"relevance": True, "complementarity": False}),
    "empty": (
        _empty,
        {"text_quality": True, "complementarity": False, "balance": False},
    ),
    "low quality": (_low_quality, {"text_quality": False}),
    "unbalanced": (_unbalanced, {"balance": False}),
}
"""Name -> how an article gets the defect, and which qualities it then has."""

SCORES = ("text_quality", "relevance", "complementarity", "balance")


def interleaved_sample(
    rng: np.random.Generator,
    *,
    seed: tuple[int, ...],
    most_pictures: int = MOST_SUBJECTS,
    defect: str = "",
    defects: float = 0.0,
    alts: float = 0.75,
    read: float = 0.5,
) -> Sample:
    """Returns an article of paragraphs and pictures that belong together, or one with a defect.

    Args:
        rng: source of randomness.
        seed: recorded in the sample.
        most_pictures: from 2 to this many, at most 4.
        defect: one of `DEFECTS`; "" for none, or one by chance.
        defects: share of articles with any defect.
        alts: share of articles whose pictures are described, as on web pages.
        read: share of articles in which somebody read the words of the pictures.

    Raises:
        ConfigError: there is no such defect, or too few or too many pictures are wanted.
    """
    if not 2 <= most_pictures <= MOST_SUBJECTS or (defect and defect not in DEFECTS):
        raise ConfigError(
            f"article of {most_pictures} pictures with the defect {defect!r}, expected 2 to "
            f"{MOST_SUBJECTS}, and a known defect or none",
            hint=nearest(defect, DEFECTS),
        )
    subjects = draw_subjects(rng, int(rng.integers(2, most_pictures + 1)))
    nodes = _article(rng, subjects)
    if rng.random() >= alts:
        nodes = [replace(n, alt="") if isinstance(n, Picture) else n for n in nodes]
    if rng.random() >= read:
        nodes = [replace(n, words="") if isinstance(n, Picture) else n for n in nodes]
    if not defect and rng.random() < defects:
        defect = _one(rng, tuple(DEFECTS))
    good = dict.fromkeys(SCORES, True)
    if defect:
        change, good = DEFECTS[defect]
        nodes = change(rng, nodes, subjects)
    return sample_of(
        Document(nodes=tuple(nodes)),
        Provenance(generator="articles.interleaved_sample", seed=seed),
        {"defect": defect, "good": dict(good)},
    )


def _article(rng: np.random.Generator, subjects: list[Subject]) -> list[Node]:
    """Opening, a paragraph or two with a picture for each subject, closing."""
    opening = _one(rng, _OPENINGS).format(town=_one(rng, TOWNS), number=int(rng.integers(4, 20)))
    nodes: list[Node] = [Paragraph(text=opening)]
    links = [_LINKS[i] for i in rng.permutation(len(_LINKS))]
    is_picture_first = rng.random() < 0.3
    for number, subject in enumerate(subjects):
        told = [subject.told[i] for i in rng.permutation(len(subject.told))]
        # The name comes before the first "it".
        named = next(i for i, sentence in enumerate(told) if subject.name in sentence)
        told = [told.pop(named), *told][: int(rng.integers(2, 5))]
        if number and rng.random() < 0.5:
            told.append(links[number % len(links)])
        text = Paragraph(text=" ".join(_sentence(sentence) for sentence in told))
        pair: list[Node] = [text, _picture(subject)]
        nodes += pair[::-1] if is_picture_first else pair
    nodes.append(Paragraph(text=_one(rng, _CLOSINGS)))
    return nodes


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _picture(subject: Subject) -> Picture:
    return Picture(source=subject.pixels, alt=subject.alt, words=subject.words)


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]
