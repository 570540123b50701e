"""MATH-Vision (arXiv 2402.14804): problems of mathematical competitions, with a picture.

Layout: MathLLMs/MathVision, test-*.parquet and testmini-*.parquet: id, question, options, answer,
decoded_image, level, subject. Licence MIT.
Prompt: lmms-eval 0.7.3 (mathvision/utils.py), which shortens the authors': the box is asked for
before the question.
Score: of a choice the letter or the option's value, else the result: tolerance and forms as the
authors have them, without evaluating text of the model. `--judge` lets a model find the result.
"""

from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import lettered, option_lines, options_of
from qvl.evaluation.benchmarks.extracting import extracting_judge
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scorers.choice_letters import choice_letter, scored
from qvl.evaluation.scorers.maths import final_result, is_same, maths
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import SamplingParams

_BOX = 'Please solve the problem step by step and put your answer in one "\\boxed{}".'
_LETTER = "Answer the question with the option's letter from the given choices directly."


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split):
        options = lettered(options_of(row))
        words = f"{_BOX}{row['question']}"
        if options:
            words += f"\nChoices: {option_lines(options)}\n{_LETTER}"
        yield ask(
            row,
            folder,
            key=str(row["id"]),
            pictures=[row.get("decoded_image")],
            words=words,
            truth=str(row["answer"]),
            groups={"subject": str(row.get("subject", "")), "level": str(row.get("level", ""))},
            facts={"options": options},
        )


def _score(question: Question, reply: Reply) -> Score:
    options: dict[str, str] = question.facts["options"]
    if not options:
        return maths(answer=reply.text, truth=question.truth)
    result = final_result(reply.text)
    letters = tuple(options)
    letter = choice_letter(result, letters=letters) or choice_letter(
        reply.text, letters=letters, options=options
    )
    value = options.get(question.truth, "")
    if letter is None and value and is_same(result, value):
        letter = question.truth
    return scored(letter, question.truth, reply.text)


MATHVISION = Benchmark(
    name="mathvision",
    title="MATH-Vision",
    area="general",
    split="test",
    source="MathLLMs/MathVision",
    load=_load,
    score=_score,
    total=mean_percent,
    metric="accuracy",
    published={"3b": 21.2, "7b": 25.1, "72b": 38.1},
    params=SamplingParams(max_tokens=4096),
    judge=extracting_judge(_score),
)
