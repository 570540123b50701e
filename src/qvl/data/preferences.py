"""Preferences: a question with media, an answer, and answers that are worse.

Owns: how a preference stands in a `Sample`, what can be wrong with one. Does not own: the files
that people keep preferences in (``interchange.preference_records``), made-up faults
(``synth.faults``), tokens (``branches``).

    Sample(conversation with the better answer last, rejected=(Rejected(...), ...))
        -> preference_problems() -> what is wrong;   answered() -> the same question, worse answer

The better answer stays in the conversation, so that everything that works on samples works on
preferences: shards, filters, lint, fine-tuning on the better answers alone.
"""

from collections.abc import Iterator
from dataclasses import replace

from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.texts import broken_off
from qvl.errors import DataError
from qvl.messages import Conversation, Image, Message, Text, Video

MOST_REJECTED = 32
"""The answers of a sample run together in one pack."""
CUT = "cut"
"""The fault of an answer that stops in the middle on purpose."""


def check_preference(sample: Sample) -> None:
    """Returns if a sample can be learnt from as a preference.

    Raises:
        DataError: it has no rejected answers, or its last turn is no answer of words.
    """
    if not sample.rejected:
        raise DataError(
            f"a {sample.task!r} sample of {sample.provenance.source or sample.provenance.generator}"
            " has no rejected answer",
            hint="preferences are records with the keys chosen and rejected",
        )
    if len(sample.rejected) > MOST_REJECTED:
        raise DataError(
            f"{len(sample.rejected)} rejected answers to one question, expected at most "
            f"{MOST_REJECTED}"
        )
    last = sample.conversation.messages[-1]
    if last.role != "assistant" or len(sample.conversation.messages) < 2:
        raise DataError(f"a preference ends with a turn by {last.role}, expected an answer")
    if any(isinstance(part, Image | Video) for part in last.content):
        raise DataError("the chosen answer holds a picture or video, expected words")


def answered(sample: Sample, text: str) -> Conversation:
    """Returns the conversation with another last answer."""
    turns = (*sample.conversation.messages[:-1], Message("assistant", (Text(text),)))
    return replace(sample.conversation, messages=turns)


def chosen_text(sample: Sample) -> str:
    """Returns the better answer, calls included."""
    return answer_text(sample.conversation.messages[-1])


def preference_problems(sample: Sample) -> Iterator[str]:
    """Yields what is wrong with the answers of a preference; nothing for other samples.

    A rejected answer that is cut is told by its end alone, and little is learnt from it; one whose
    ``fault`` says so was meant that way.
    """
    if not sample.rejected:
        return
    try:
        check_preference(sample)
    except DataError as error:
        yield error.message
        return
    chosen = chosen_text(sample).strip()
    if (reason := broken_off(chosen)) is not None:
        yield f"the chosen answer: {reason}"
    seen = {chosen: "the chosen answer"}
    for number, answer in enumerate(sample.rejected):
        text, name = answer.text.strip(), f"rejected answer {number}"
        if not text:
            yield f"{name} is empty"
        elif text in seen:
            yield f"{name} equals {seen[text]}"
        elif answer.fault != CUT and (reason := broken_off(text)) is not None:
            yield f"{name}: {reason}"
        seen.setdefault(text, name)
