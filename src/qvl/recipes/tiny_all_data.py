"""What each stage of the whole sequence in small is trained on, and held-out samples of the same.

Owns: mixtures. Does not own: steps and rates (``tiny_all_stages``), the generators
(``data.synth``).

    split of words -> mixture of a stage; with "heldout" words that training never shows
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from qvl.data.mixture import Generator, Mixture
from qvl.data.synth.captions import caption_sample
from qvl.data.synth.faults import preference_sample
from qvl.data.synth.instructed import instructed_sample
from qvl.data.synth.interleaved.articles import interleaved_sample
from qvl.data.synth.joined import joined_sample
from qvl.data.synth.knowledge.samples import flag_sample, thing_sample
from qvl.data.synth.maths.samples import maths_sample
from qvl.data.synth.screens import screen_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.data.synth.text import line_sample, page_sample, word_sample
from qvl.data.synth.text_tasks.dialogs import dialog_sample
from qvl.data.synth.text_tasks.instructions import instruction_sample
from qvl.data.synth.video.clips import video_sample
from qvl.data.synth.vqa.samples import vqa_sample
from qvl.data.synth.words import Split

Parts = Mapping[str, tuple[float, Generator]]

# Small pictures: many of them fit into a pack, and the tower learns from pictures, not pixels.
_FEW: dict[str, Any] = {"most": 3, "side_tokens": (3, 6)}
_SUMS = partial(maths_sample, areas=("arithmetic",), questions=1, brief=1.0)


def captions(split: Split) -> Mixture:
    """Pictures with captions of what they show."""
    base = {
        "shapes": (0.75, partial(shapes_sample, most=3, side_tokens=(3, 5))),
        "word": (0.25, partial(word_sample, split=split, plain=True, strength=0.4)),
    }
    caption = partial(caption_sample, base=Mixture(parts=base))
    return Mixture(parts={"captions": (1.0, caption)})


def _vision(split: Split) -> Parts:
    """Captions, knowledge, text to read: what the report's first stage has."""
    return {
        "caption": (0.2, captions(split).parts["captions"][1]),
        "colour": (0.2, partial(shapes_sample, **_FEW, forms=("colour",))),
        "kind": (0.1, partial(shapes_sample, **_FEW, forms=("shape",))),
        "flags": (0.06, flag_sample),
        "letters": (0.19, partial(word_sample, split=split, max_letters=3, strength=0.4)),
        "word": (0.25, partial(word_sample, split=split, plain=True, strength=0.4)),
    }


def vision(split: Split) -> Mixture:
    """Stage 1."""
    return Mixture(parts=_vision(split))


def multimodal(split: Split) -> Mixture:
    """Stage 2: also text, interleaved articles, questions, videos, grounding, screens."""
    shares = _scaled(_vision(split), 0.8)
    return Mixture(
        parts={
            **shares,
            "line": (0.1, partial(line_sample, split=split)),
            "places": (0.1, partial(shapes_sample, least=2, most=4, forms=("box", "point"))),
            "screen": (0.05, partial(screen_sample, split=split)),
            "vqa": (0.08, partial(vqa_sample, side_tokens=(6, 9), questions=2)),
            "things": (0.03, thing_sample),
            "sums": (0.1, partial(maths_sample, areas=("arithmetic",), questions=1)),
            "dialogs": (0.05, dialog_sample),
            "articles": (0.04, partial(interleaved_sample, most_pictures=2)),
            "video": (0.05, _video(frames=(4, 8), frame_tokens=(9, 16))),
        }
    )


def long_context(split: Split) -> Mixture:
    """Stage 3: conversations about many pictures, long pages, long articles, longer videos; every
    sample is longer than most of stage 2."""
    base = {
        "few": (0.4, partial(shapes_sample, **_FEW)),
        "word": (0.3, partial(word_sample, split=split, plain=True, strength=0.4)),
        "line": (0.3, partial(line_sample, split=split)),
    }
    pages = {"page": (1.0, partial(page_sample, split=split, side_tokens=(9, 12)))}
    many = partial(joined_sample, least=8, most=16)
    return Mixture(
        parts={
            "pictures": (0.4, partial(many, base=Mixture(parts=base))),
            "pages": (0.2, partial(joined_sample, base=Mixture(parts=pages), least=2, most=4)),
            "articles": (0.25, interleaved_sample),
            "video": (0.15, _video(frames=(24, 40), frame_tokens=(16, 30))),
        }
    )


def instructed(split: Split) -> Mixture:
    """Stage 4: instructions with the form of their answers, half of them text alone."""
    pictures = {
        "few": (0.4, partial(shapes_sample, **_FEW, forms=("colour", "count", "shape"))),
        "places": (0.2, partial(shapes_sample, least=2, most=4, forms=("box",))),
        "word": (0.25, partial(word_sample, split=split, plain=True, strength=0.4)),
        "line": (0.15, partial(line_sample, split=split)),
    }
    seen = partial(instructed_sample, base=Mixture(parts=pictures))
    solved = partial(instructed_sample, base=Mixture(parts={"sums": (1.0, _SUMS)}))
    return Mixture(
        parts={
            "seen": (0.5, seen),
            "solved": (0.35, solved),
            "written": (0.15, instruction_sample),
        }
    )


def preferences(split: Split) -> Mixture:
    """Stage 5: right answers with faulty ones, about pictures and about text alone; half of them
    to instructions, whose forms must not be unlearnt."""
    base = {
        "word": (0.2, partial(word_sample, split=split, plain=True, strength=0.4)),
        "line": (0.1, partial(line_sample, split=split)),
        "few": (0.25, partial(shapes_sample, **_FEW)),
        "places": (0.15, partial(shapes_sample, least=2, most=4, forms=("box",))),
        "sums": (0.3, _SUMS),
    }
    instructions = instructed(split).parts
    answers = {**_scaled(base, 0.5), **_scaled(instructions, 0.5)}
    pairs = partial(preference_sample, base=Mixture(parts=answers))
    return Mixture(parts={"pairs": (1.0, pairs)})


def _video(*, frames: tuple[int, int], frame_tokens: tuple[int, int]) -> Generator:
    return partial(
        video_sample, seconds=(2.0, 40.0), frames=frames, frame_tokens=frame_tokens, shots=(1, 2)
    )


def _scaled(parts: Parts, by: float) -> Parts:
    return {name: (share * by, generator) for name, (share, generator) in parts.items()}
