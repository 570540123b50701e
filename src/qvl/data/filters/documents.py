"""Rules for samples whose answers are QwenVL HTML.

Owns: functions for `steps.filter_step`. Does not own: reading the answers (``tasks.document``).

    Sample -> document.parse of its answers -> None to keep it | why it is dropped
"""

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.geometry import ResizeTransform
from qvl.messages import Image
from qvl.processing.image import measure_image
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.tasks import document
from qvl.tasks.document_elements import Element, walk


def reading_is_whole(sample: Sample) -> str | None:
    """Drops a page whose answer is cut off, empty or malformed, or has boxes outside the page.

    Answers in Markdown, which the facts call so, are not looked at.
    """
    if sample.facts.get("variant") in ("markdown", "regions"):
        return None
    transforms: list[ResizeTransform] = []
    for message in sample.conversation.messages:
        pictures = [part for part in message.content if isinstance(part, Image)]
        transforms += [measure_image(picture, DEFAULT_LIMITS) for picture in pictures]
        if message.role != "assistant":
            continue
        page = document.parse(answer_text(message))
        if page.truncated or page.problems:
            return "answer cut off or malformed"
        if not page.answered or not page.elements:
            return "answer without elements"
        if transforms and any(_leaves(e, transforms[-1]) for e in walk(page.elements)):
            return "box outside its page"
    return None


def _leaves(element: Element, transform: ResizeTransform) -> bool:
    box, (height, width) = element.box, transform.resized
    return box is not None and (
        min(box) < 0 or max(box.x1, box.x2) > width or max(box.y1, box.y2) > height
    )
