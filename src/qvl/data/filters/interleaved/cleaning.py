"""Standard cleaning of interleaved documents: nodes first, then documents.

Owns: the thresholds and their order. Does not own: the statistics (``texts``, ``images``), the four
scores (``first_pass``, ``scoring``).

    Document -> without_bad_nodes() -> Document, why nodes went -> document_problem() -> None | why
    Sample -> cleaned, worth_keeping -> for `steps.map_step` and `steps.filter_step`

The report names "standard data cleaning" and the work on OmniCorpus; the numbers here are those of
OBELICS, which are published. Language, perplexity and word lists are functions and sets that the
caller gives; a rule without its list is off. Source: arXiv 2502.13923, 2.2.1; huggingface/OBELICS,
obelisc/configs/config_filter_web_documents.yaml.
"""

from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from qvl.data.filters.interleaved import images, texts
from qvl.data.interleaved import Document, Node, Paragraph, Picture, document_of, with_nodes
from qvl.data.languages import STOP_WORDS, Guess, guess_language
from qvl.data.records import Sample
from qvl.errors import DataError, InputError
from qvl.geometry import ImageSize


@dataclass(frozen=True, kw_only=True, slots=True)
class TextLimits:
    """What a paragraph, or all text of a document, may be like.

    Attributes:
        words: fewest and most.
        character_repetition: most.
        word_repetition: most.
        special_characters: most.
        stop_words: least; for languages with a list.
        punctuation: least.
        words_for_punctuation: shorter texts may have none.
        common_words: least; only where the caller has a list.
        flagged_words: most; only where the caller has a list.
    """

    words: tuple[int, int]
    character_repetition: float
    word_repetition: float
    special_characters: float
    stop_words: float
    punctuation: float
    words_for_punctuation: int
    common_words: float
    flagged_words: float


# Source of all numbers: OBELICS, config_filter_web_documents.yaml (keys ..._node_level_...).
PARAGRAPH = TextLimits(
    words=(4, 1000),
    character_repetition=0.1,
    word_repetition=0.1,
    special_characters=0.3,
    stop_words=0.3,
    punctuation=0.001,
    words_for_punctuation=12,
    common_words=0.8,
    flagged_words=0.01,
)

# Source of all numbers: OBELICS, config_filter_web_documents.yaml (keys ..._doc_level_...).
DOCUMENT = TextLimits(
    words=(10, 2000),
    character_repetition=0.1,
    word_repetition=0.2,
    special_characters=0.275,
    stop_words=0.35,
    punctuation=0.03,
    words_for_punctuation=0,
    common_words=0.9,
    flagged_words=0.01,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageLimits:
    """What a picture of a document may be like.

    Attributes:
        sides_px: shortest and longest side. Source: OBELICS, original_width_min_cutoff and
            its like.
        aspect: most of one side over the other. Source: OBELICS, aspect_ratio_max_cutoff.
        names: parts of an address that mark furniture. Source: MMC4, arXiv 2304.06939, 2.1.
        contrast: least standard deviation of grey; below, a surface. Our choice: JPEG noise on an
            even surface has about 1.
        sharpness: least variance of the Laplacian; below, a blur. Measured on ten photographs
            of scikit-image: all have 17 and more, and less than 4 once blurred over 4 of 384 px.
        is_opened: whether pictures are decoded for the last two, and to find repeated ones.
    """

    sides_px: tuple[int, int] = (150, 20_000)
    aspect: float = 2.0
    names: tuple[str, ...] = ("logo", "button", "icon", "plugin", "widget")
    contrast: float = 4.0
    sharpness: float = 4.0
    is_opened: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaning:
    """How documents are cleaned.

    Attributes:
        paragraph: limits of one.
        document: limits of all text.
        image: limits of a picture.
        num_images: fewest and most. Source: OBELICS, number_images_min_cutoff and its like.
        languages: that are kept; empty keeps all.
        guess: of a text's language.
        confidence: least of that guess. Source: OBELICS, lang_id_doc_level_min_cutoff, of fastText;
            for our guess 0.6 keeps clean English, and is the default here.
        perplexity: of a text under a language model; None leaves the rule out.
        most_perplexity: Source: OBELICS, perplexity_score_doc_level_max_cutoff, of a 5-gram model
            of Wikipedia.
        common_words: in lower case; empty leaves the rule out. OBELICS' list has tens of thousands.
        flagged_words: in lower case; empty leaves the rule out.
    """

    paragraph: TextLimits = PARAGRAPH
    document: TextLimits = DOCUMENT
    image: ImageLimits = field(default_factory=ImageLimits)
    num_images: tuple[int, int] = (1, 30)
    languages: tuple[str, ...] = ("en",)
    guess: Callable[[str], Guess] = guess_language
    confidence: float = 0.6
    perplexity: Callable[[str], float] | None = None
    most_perplexity: float = 1500.0
    common_words: Set[str] = frozenset()
    flagged_words: Set[str] = frozenset()


def read_word_list(path: Path) -> frozenset[str]:
    """Returns the words of a file, one a line, such as ``/usr/share/dict/words``, in lower case.

    Raises:
        DataError: it cannot be read, or is no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"word list {path} cannot be read: {error}") from error
    return frozenset(word for line in lines if (word := line.strip().lower()))


def cleaned(sample: Sample, *, rules: Cleaning) -> Sample:
    """Returns the document without the nodes that break a rule; counts them in the facts, under
    ``removed``. For `steps.map_step`."""
    document = document_of(sample)
    kept, reasons = without_bad_nodes(document, rules)
    if not reasons:
        return sample
    changed = with_nodes(sample, kept.nodes)
    return replace(changed, facts={**changed.facts, "removed": dict(sorted(reasons.items()))})


def worth_keeping(sample: Sample, *, rules: Cleaning) -> str | None:
    """Drops a document that breaks a rule as a whole. For `steps.filter_step`."""
    return document_problem(document_of(sample), rules)


def without_bad_nodes(document: Document, rules: Cleaning) -> tuple[Document, Counter[str]]:
    """Returns the document without paragraphs and pictures that break a rule, and the reasons."""
    reasons: Counter[str] = Counter()
    nodes: list[Node] = []
    seen: set[str] = set()
    language = rules.guess(document.text).language
    for node in document.nodes:
        if isinstance(node, Paragraph):
            problem = text_problem(node.text, rules.paragraph, language=language, rules=rules)
        else:
            problem = image_problem(node, rules.image, seen)
        if problem is None:
            nodes.append(node)
        else:
            reasons[problem] += 1
    return replace(document, nodes=tuple(nodes)), reasons


def document_problem(document: Document, rules: Cleaning) -> str | None:
    """Returns the first rule that a document breaks, or None."""
    least, most = rules.num_images
    count = len(document.pictures)
    if count < least:
        return "too few pictures"
    if count > most:
        return "too many pictures"
    text = document.text
    guess = rules.guess(text)
    if rules.languages and guess.language not in rules.languages:
        return f"language {guess.language or 'unknown'}"
    if rules.languages and guess.confidence < rules.confidence:
        return "language unsure"
    problem = text_problem(text, rules.document, language=guess.language, rules=rules)
    if problem is not None or rules.perplexity is None:
        return problem
    return "perplexity" if rules.perplexity(text) > rules.most_perplexity else None


def text_problem(text: str, limits: TextLimits, *, language: str, rules: Cleaning) -> str | None:
    """Returns the first limit that a text breaks, or None; the cheap ones are tried first."""
    if "\ufffd" in text:  # bytes that are no text in the encoding of the page
        return "broken characters"
    found = texts.words(text)
    if len(found) < limits.words[0]:
        return "too few words"
    if len(found) > limits.words[1]:
        return "too many words"
    if texts.special_characters(text) > limits.special_characters:
        return "special characters"
    stop_words = STOP_WORDS.get(language)
    if stop_words and texts.share_of(found, stop_words) < limits.stop_words:
        return "few stop words"
    if rules.common_words and texts.share_of(found, rules.common_words) < limits.common_words:
        return "few common words"
    if rules.flagged_words and texts.share_of(found, rules.flagged_words) > limits.flagged_words:
        return "flagged words"
    share, total = texts.punctuation(text)
    if total >= limits.words_for_punctuation and share < limits.punctuation:
        return "no punctuation"
    if texts.word_repetition(text) > limits.word_repetition:
        return "repeated words"
    if texts.character_repetition(text) > limits.character_repetition:
        return "repeated characters"
    return None


def image_problem(picture: Picture, limits: ImageLimits, seen: set[str]) -> str | None:
    """Returns the first limit that a picture breaks, or None.

    Args:
        picture: of a document.
        limits: of pictures.
        seen: signatures of the document's pictures before it; this one's is added.
    """
    name = images.name_of(picture.source).lower()
    if any(part in name.rpartition("//")[2] for part in limits.names):
        return "picture by name"
    if picture.size is not None:
        problem = _size_problem(picture.size, limits)
        if problem is not None:
            return problem
    if not limits.is_opened:
        return _repeated(images.identity(picture.source), seen)
    if name.startswith(("http:", "https:", "//")):
        return "picture not here"
    try:
        problem = _size_problem(images.size_of(picture.source), limits)
        if problem is not None:
            return problem
        found = images.look(picture.source)
        if found.contrast < limits.contrast:
            return "blank picture"
        if found.sharpness < limits.sharpness:
            return "blurred picture"
        return _repeated(images.signature(picture.source), seen)
    except InputError:
        return "picture unreadable"


def _size_problem(size: ImageSize, limits: ImageLimits) -> str | None:
    if min(size) < limits.sides_px[0]:
        return "picture too small"
    if max(size) > limits.sides_px[1]:
        return "picture too large"
    if max(size) > limits.aspect * min(size):
        return "picture too narrow"
    return None


def _repeated(mark: str, seen: set[str]) -> Literal["repeated picture"] | None:
    if mark in seen:
        return "repeated picture"
    seen.add(mark)
    return None
