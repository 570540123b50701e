"""Records of preferences, as the trainers in use spell them, taken apart.

Owns: where the question, the better and the worse answers stand in a record. Does not own: turns
and media (``conversations``), what a preference is (``preferences``).

    {"prompt": ..., "chosen": ..., "rejected": ...} -> split_preference()
        -> the record of the conversation with the better answer, the worse answers

The question is in ``prompt`` (text or turns), ``conversations`` or ``messages``, ``instruction``
with ``input``, ``question``, or it is what the two lists of turns begin with alike. An answer is
text, a turn, or a list that ends with one; several worse answers are a list of those.
Source: huggingface/trl docs/source/dataset_formats.md (standard, conversational and implicit
prompts, images); hiyouga/LLaMA-Factory data/README.md (preference in Alpaca and ShareGPT).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from qvl.data.records import Rejected
from qvl.errors import DataError
from qvl.options import shown

_TURNS = ("prompt", "conversations", "messages")
_TEXTS = ("prompt", "instruction", "question")
_OWN = {
    "chosen", "rejected", "prompt", "conversations", "messages", "instruction", "input", "question",
    "history", "margin", "score_chosen", "score_rejected",
}  # fmt: skip
_SPEAKERS = ("role", "from")
_ANSWERS = ("assistant", "gpt", "chatgpt", "model", "function_call")

ReadAnswer = Callable[[Mapping[Any, Any]], str]
"""A turn by the assistant -> its text, calls spelled out."""


def is_preference(record: Mapping[Any, Any]) -> bool:
    """Whether a record holds a better and a worse answer."""
    return record.get("chosen") is not None and record.get("rejected") is not None


def split_preference(
    record: Mapping[Any, Any], read_answer: ReadAnswer
) -> tuple[dict[str, Any], tuple[Rejected, ...]]:
    """Returns the conversation that ends with the better answer, and the worse answers.

    Args:
        record: `is_preference`.
        read_answer: reads a turn, in any spelling.

    Raises:
        DataError: there is no question, or an answer is none.
    """
    before, chosen = _ending(record["chosen"], "chosen", read_answer)
    found = record["rejected"]
    worse = [
        _ending(item, "rejected", read_answer)
        for item in (found if _is_several(found) else [found])
    ]
    if not worse:
        raise DataError("rejected is an empty list, expected an answer")
    for prompt, _ in worse:
        if prompt != before:
            raise DataError(
                "chosen and rejected answer different questions: their turns before the last differ"
            )
    turns = before or _question(record)
    rest = {str(key): value for key, value in record.items() if key not in _OWN}
    turns = _with_tags(turns, rest)
    margins = _margins(record, len(worse))
    return {**rest, "messages": [*turns, {"role": "assistant", "content": chosen}]}, tuple(
        Rejected(text=text, margin=margin) for (_, text), margin in zip(worse, margins, strict=True)
    )


def _is_several(value: Any) -> bool:
    """Whether these are answers: a list of texts or of lists, or of more turns than one by the
    assistant alone."""
    if not isinstance(value, list | tuple):
        return False
    if all(isinstance(item, Mapping) for item in value):
        return len(value) != 1 and all(_speaker(item) in _ANSWERS for item in value)
    return True


def _speaker(turn: Mapping[Any, Any]) -> Any:
    return next((turn[key] for key in _SPEAKERS if key in turn), None)


def _ending(value: Any, name: str, read_answer: ReadAnswer) -> tuple[list[Any], str]:
    """The turns that an answer brings along, and its text."""
    if isinstance(value, str):
        return [], value
    turns = [value] if isinstance(value, Mapping) else value
    if not isinstance(turns, list | tuple) or not turns or not isinstance(turns[-1], Mapping):
        raise DataError(f"{name} is {shown(value)}, expected text, a turn or a list of turns")
    *before, last = turns
    if _speaker(last) not in _ANSWERS:
        raise DataError(f"{name} ends with a turn by {shown(_speaker(last))}, expected assistant")
    return before, read_answer(last)


def _question(record: Mapping[Any, Any]) -> list[Any]:
    turns = [key for key in _TURNS if isinstance(record.get(key), list | tuple)]
    texts = [key for key in _TEXTS if isinstance(record.get(key), str)]
    if len(turns) > 1 or (turns and texts) or len(texts) > 1:
        raise DataError(
            f"the question stands in {' and in '.join([*turns, *texts])}, expected one of them"
        )
    if turns:
        return list(record[turns[0]])
    if not texts:
        raise DataError(
            f"record has chosen and rejected answers but no question: keys "
            f"{shown(sorted(map(str, record)))}",
            hint="give the question as prompt, in text or turns",
        )
    asked = [record[texts[0]]]
    if isinstance(record.get("input"), str) and record["input"]:
        asked.append(record["input"])
    return [*_history(record.get("history")), {"role": "user", "content": "\n".join(asked)}]


def _history(rounds: Any) -> list[Any]:
    if rounds is None:
        return []
    turns = []
    for item in rounds if isinstance(rounds, list | tuple) else [rounds]:
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise DataError(f"history has {shown(item)}, expected a question with its answer")
        turns += [{"role": "user", "content": item[0]}, {"role": "assistant", "content": item[1]}]
    return turns


def _with_tags(turns: Sequence[Any], record: Mapping[str, Any]) -> list[Any]:
    """Pictures that no turn places stand before the first question.
    Source: TRL data_utils.py, prepare_multimodal_messages."""
    named: Any = next((record[key] for key in ("images", "image") if record.get(key)), [])
    count = len(named) if isinstance(named, list | tuple) else 1
    changed, placed = [], not count
    for turn in turns:
        key = "value" if isinstance(turn, Mapping) and "value" in turn else "content"
        text = turn.get(key) if isinstance(turn, Mapping) else None
        if not isinstance(text, str) or "<image>" in text:
            return list(turns)
        if not placed and _speaker(turn) in ("user", "human"):
            turn, placed = {**turn, key: "<image>" * count + text}, True
        changed.append(turn)
    return changed


def _margins(record: Mapping[Any, Any], count: int) -> list[float]:
    margin, best, worse = (record.get(k) for k in ("margin", "score_chosen", "score_rejected"))
    scores = [best, *(worse if isinstance(worse, list | tuple) else [worse])]
    if margin is None and None not in scores:
        _check_numbers(scores)
        margin = [scores[0] - score for score in scores[1:]]
    values = margin if isinstance(margin, list | tuple) else [margin] * count
    if len(values) != count:
        raise DataError(f"{len(values)} margins for {count} rejected answers")
    _check_numbers(value for value in values if value is not None)
    return [0.0 if value is None else float(value) for value in values]


def _check_numbers(values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise DataError(f"a margin or score is {shown(value)}, expected a number")
