"""Simple rules: what every usable sample satisfies, told from its text and its boxes alone.

Owns: functions for `steps.filter_step`; bind their numbers with `functools.partial`. Does not own:
judgements that need a model.

    Sample -> rule -> None to keep it | why it is dropped
"""

from qvl.data.places import answer_text, places
from qvl.data.records import Sample
from qvl.geometry import Box


def boxes_at_least(sample: Sample, *, side_px: float) -> str | None:
    """Drops a sample with a box that is too small to be seen.

    Args:
        sample: without boxes it is kept.
        side_px: least width and height in resized_px; a patch of the model is 14.
    """
    for place in places(sample):
        if isinstance(place.shape, Box):
            xs, ys = place.raw[::2], place.raw[1::2]
            if min(max(xs) - min(xs), max(ys) - min(ys)) < side_px:
                return f"box below {side_px:g} px"
    return None


def places_inside(sample: Sample) -> str | None:
    """Drops a sample with a box or point outside its picture, in a question or in an answer."""
    if all(place.is_inside for place in places(sample, questions=True)):
        return None
    return "place outside its picture"


def answers_between(sample: Sample, *, least: int, most: int) -> str | None:
    """Drops a sample with an answer of too few or too many characters, or without any."""
    lengths = [
        len(answer_text(message))
        for message in sample.conversation.messages
        if message.role == "assistant"
    ]
    if not lengths:
        return "no answer"
    if min(lengths) < least:
        return f"answer below {least} characters"
    if max(lengths) > most:
        return f"answer above {most} characters"
    return None


def points_somewhere(sample: Sample) -> str | None:
    """Drops a sample whose answers state no box and no point."""
    return None if places(sample) else "no box or point"
