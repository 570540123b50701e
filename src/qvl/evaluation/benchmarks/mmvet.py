"""MM-Vet (arXiv 2308.02490): open questions, graded by a model from 0 to 1.

Layout: lmms-lab/MMVet, test-*.parquet: question_id, image, question, answer with <AND> and <OR>,
capability ("ocr,math").
Prompt: the question as it is, as the authors ask it.
Score: the authors' prompt for the judge (mm-vet_evaluator.py); the published numbers are GPT-4's.
Without `--judge` the score is a rule of our own: how many of the parts that the truth joins by
<AND> stand in the answer, the best of those joined by <OR>. It knows only the words of the truth,
so it is far below what a judge gives.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import Conversation, Text
from qvl.options import shown

_MEME = (
    "Can you explain this meme? | This meme is poking fun at the fact that the names of the "
    "countries Iceland and Greenland are misleading. Despite its name, Iceland is known for its "
    "beautiful green landscapes, while Greenland is mostly covered in ice and snow. The meme is "
    "saying that the person has trust issues because the names of these countries do not "
    "accurately represent their landscapes. | "
)
_PROMPT = f"""Compare the ground truth and prediction from AI models, to give a correctness score \
for the prediction. <AND> in the ground truth means it is totally right only when all elements in \
the ground truth are present in the prediction, and <OR> means it is totally right when any one \
element in the ground truth is present in the prediction. The correctness score is 0.0 (totally \
wrong), 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, or 1.0 (totally right). Just complete the \
last space of the correctness score.

Question | Ground truth | Prediction | Correctness
--- | --- | --- | ---
What is x in the equation? | -1 <AND> -5 | x = 3 | 0.0
What is x in the equation? | -1 <AND> -5 | x = -1 | 0.5
What is x in the equation? | -1 <AND> -5 | x = -5 | 0.5
What is x in the equation? | -1 <AND> -5 | x = -5 or 5 | 0.5
What is x in the equation? | -1 <AND> -5 | x = -1 or x = -5 | 1.0
{_MEME}The meme talks about Iceland and Greenland. It's pointing out that despite their names, \
Iceland is not very icy and Greenland isn't very green. | 0.4
{_MEME}The meme is using humor to point out the misleading nature of Iceland's and \
Greenland's names. Iceland, despite its name, has lush green landscapes while Greenland is mostly \
covered in ice and snow. The text 'This is why I have trust issues' is a playful way to suggest \
that these contradictions can lead to distrust or confusion. The humor in this meme is derived \
from the unexpected contrast between the names of the countries and their actual physical \
characteristics. | 1.0

{{question}} | {{truth}} | {{answer}} | """
_GRADE = re.compile(r"\s*(?:[Cc]orrectness\s*:?\s*)?(0(?:\.\d+)?|1(?:\.0+)?)(?![\d.]*\d)")
_LONGEST = 8_000


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        yield ask(
            row,
            folder,
            key=str(row["question_id"]),
            pictures=[row.get("image")],
            words=str(row["question"]),
            truth=str(row["answer"]),
            groups={"abilities": str(row.get("capability", ""))},
        )


def _score(question: Question, reply: Reply) -> Score:
    given = reply.text.lower()
    best = 0.0
    for way in str(question.truth).lower().split("<or>"):
        parts = [part.strip() for part in way.split("<and>") if part.strip()]
        if parts:
            best = max(best, mean([float(part in given) for part in parts]))
    return Score(
        value=best,
        why=f"by words: {best:.0%} of {shown(question.truth)} in {shown(reply.text)}",
        is_parsed=bool(given.strip()),
    )


def _judge_prompt(question: Question, reply: Reply) -> Conversation:
    (message,) = question.conversation.messages
    words = "".join(part.text for part in message.content if isinstance(part, Text))
    truth = str(question.truth).replace("<AND>", " <AND> ").replace("<OR>", " <OR> ")
    answer = reply.text[:_LONGEST]
    return Conversation.user(_PROMPT.format(question=words, truth=truth, answer=answer))


def _read_judge(question: Question, text: str) -> Score:
    grade = _GRADE.match(text)
    if grade is None:
        return Score(value=0.0, why=f"no grade in {shown(text)}", is_parsed=False)
    return Score(value=float(grade.group(1)), why=f"graded {grade.group(1)}")


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    """The mean, and that of the questions which need each ability, in percent."""
    abilities: dict[str, list[float]] = {}
    for item in scored:
        for ability in filter(None, item.groups["abilities"].split(",")):
            abilities.setdefault(ability.strip(), []).append(item.score.value)
    return {
        "grade": 100 * mean([item.score.value for item in scored]),
        **{ability: 100 * mean(values) for ability, values in sorted(abilities.items())},
    }


MMVET = Benchmark(
    name="mmvet",
    title="MM-Vet",
    area="general",
    split="test",
    source="lmms-lab/MMVet",
    load=_load,
    score=_score,
    total=_total,
    metric="grade",
    published={"3b": 61.8, "7b": 67.1, "72b": 76.2},
    judge=Judge(version="mm-vet 2", prompt=_judge_prompt, read=_read_judge),
)
