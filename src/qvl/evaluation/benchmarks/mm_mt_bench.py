"""MM-MT-Bench (arXiv 2410.07073): conversations about a picture, every turn rated from 1 to 10.

Layout: mistralai/MM-MT-Bench, eval-*.parquet: image, conversation (JSON: messages, whose content is
text or a list of parts, "image" among them), category. Licence Apache 2.0.
Prompt: the conversation up to a turn, with the reference answers of the turns before it.
Score: the authors' prompt for the judge (mistralai/mistral-evals, eval/mm_mt_bench.py); published
numbers are of GPT-4o (2024-05-13). There is no rule: without `--judge` no answer is read. The
authors leave out what the judge does not rate; here it counts 0 and is counted as unread.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply, Scored
from qvl.evaluation.layouts.pictures import MissingMedium, picture
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import Conversation, Image, Message, Part, SamplingParams, Text
from qvl.options import shown

_SYSTEM = """Please act as an impartial judge and evaluate the quality of the response provided by \
an AI assistant to the most recent question given the previous conversation as context. Your \
evaluation should consider correctness and helpfulness. You will be given a reference answer and \
the assistant's answer. Begin your evaluation by comparing the assistant's answer with the \
reference answer. Identify and correct any mistakes. Be as objective as possible. After providing \
your explanation, you must rate the response on a scale of 1 to 10 by strictly following this \
format: "[[rating]]", for example: "Rating: [[5]]".

"""
_RATING = re.compile(r"\[\[(\d{1,2}(?:\.\d{0,4})?)\]\]")
_MOST = 10
_LONGEST = 20_000


def _load(folder: Path, split: str) -> Iterator[Question]:
    for number, row in enumerate(parquet_rows(folder, split)):
        turns = _turns(row)
        try:
            image: Image | None = Image(picture(row.get("image"), folder, where=row.where))
            broken = ""
        except MissingMedium as error:
            image, broken = None, error.message
        messages = tuple(_message(turn, image) for turn in turns)
        for place in range(0, len(turns) - 1, 2):
            yield Question(
                key=f"{number}-{place // 2}",
                conversation=Conversation(messages[: place + 1]),
                truth=str(turns[place + 1]["content"]),
                groups={"category": str(row.get("category", "other")), "turn": f"{place // 2 + 1}"},
                facts={"cluster": str(number)},
                broken=broken,
            )


def _turns(row: Row) -> list[dict[str, Any]]:
    try:
        turns = json.loads(row["conversation"])["messages"]
        roles = [turn["role"] for turn in turns]
        if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
            raise ValueError(f"turns of {roles}, expected user and assistant by turns")
        return [{"role": turn["role"], "content": turn["content"]} for turn in turns]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DataError(f"{row.where}: conversation cannot be read: {error}") from error


def _message(turn: dict[str, Any], image: Image | None) -> Message:
    content = turn["content"]
    pieces = [{"type": "text", "text": content}] if isinstance(content, str) else content
    parts: list[Part] = []
    for piece in pieces:
        if piece.get("type") == "text":
            parts.append(Text(str(piece.get("text", ""))))
        elif image is not None:
            parts.append(image)
    return Message(turn["role"], tuple(parts))


def _score(question: Question, reply: Reply) -> Score:
    return Score(value=0.0, why="not rated: give --judge", is_parsed=False)


def _judge_prompt(question: Question, reply: Reply) -> Conversation:
    parts: list[Part] = [Text("<|The Start of Conversation with User|>\n\n")]
    messages = question.conversation.messages
    references = [*messages[1::2], Message("assistant", (Text(question.truth),))]
    for asked, reference in zip(messages[::2], references, strict=True):
        answer = "".join(part.text for part in reference.content if isinstance(part, Text))
        parts += [Text("### User:\n"), *asked.content]
        parts.append(Text(f"\n\n### Reference answer:\n{answer}\n\n"))
    given = reply.text[:_LONGEST]
    parts.append(Text(f"\n\n### Assistant's answer:\n{given}\n\n"))
    parts.append(Text("<|The End of Conversation with User|>\n\n\n"))
    return Conversation.user(*parts, system=_SYSTEM)


def _read_judge(question: Question, text: str) -> Score:
    rating = _RATING.search(text)
    if rating is None or not 1 <= float(rating.group(1)) <= _MOST:
        return Score(value=0.0, why=f"no rating in {shown(text)}", is_parsed=False)
    return Score(value=float(rating.group(1)) / _MOST, why=f"rated {rating.group(1)}")


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    """Mean rating of all turns, of each category, and of the categories; 1 to 10."""
    categories: dict[str, list[float]] = {}
    for item in scored:
        categories.setdefault(item.groups["category"], []).append(_MOST * item.score.value)
    by_category = {name: mean(values) for name, values in categories.items()}
    return {
        "rating": _MOST * mean([item.score.value for item in scored]),
        "mean_of_categories": mean(list(by_category.values())),
        **by_category,
    }


MM_MT_BENCH = Benchmark(
    name="mm-mt-bench",
    title="MM-MT-Bench",
    area="general",
    split="eval",
    source="mistralai/MM-MT-Bench",
    load=_load,
    score=_score,
    total=_total,
    metric="rating",
    published={"3b": 5.7, "7b": 6.3, "72b": 7.6},
    params=SamplingParams(max_tokens=4096),
    judge=Judge(version="mistral-evals 1", prompt=_judge_prompt, read=_read_judge),
)
