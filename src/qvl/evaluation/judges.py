"""A model that judges where rules cannot: asked once for each answer, its words kept.

Owns: asking, and the file of judgements. Does not own prompts (`Judge` of each benchmark), nor
scores of rules, which are never mixed with judgements under one name.

    questions, answers -> Judge.prompt -> TextGenerator -> judgements.jsonl -> Judge.read -> Score
"""

import hashlib
import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from qvl.errors import ConfigError, DataError
from qvl.evaluation.answers import read_answers
from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply, Rule
from qvl.evaluation.manifest import prompt_text
from qvl.evaluation.scorers.score import Score
from qvl.messages import SamplingParams, TextGenerator

JUDGEMENTS = "judgements.jsonl"
_BATCH = 32
_PARAMS = SamplingParams(max_tokens=1024)


def judge_answers(
    benchmark: Benchmark, questions: Iterable[Question], folder: Path, generator: TextGenerator
) -> Rule:
    """Has every answer judged that was not judged before, and returns the rule that reads it.

    Args:
        benchmark: has a judge.
        questions: of the run.
        folder: of the run; judgements are kept there.
        generator: the model that judges.

    Raises:
        ConfigError: the benchmark has no judge.
        DataError: the file of judgements is damaged.
    """
    judge = benchmark.judge
    if judge is None:
        raise ConfigError(f"{benchmark.name} is scored by a rule, it has no judge")
    kept = _read(folder)
    answers = {answer.key: answer.reply() for answer in read_answers(folder)}
    todo = (
        (question, answers[question.key])
        for question in questions
        if question.key in answers and _name(judge, question, answers[question.key]) not in kept
    )
    while batch := list(islice(todo, _BATCH)):
        results = generator.generate([judge.prompt(q, reply) for q, reply in batch], _PARAMS)
        found = {
            _name(judge, question, reply): result.text
            for (question, reply), result in zip(batch, results, strict=True)
        }
        _append(folder, found)
        kept |= found

    def rule(question: Question, reply: Reply) -> Score:
        text = kept.get(_name(judge, question, reply))
        if text is None:
            return Score(value=0.0, why="not judged", is_parsed=False)
        return judge.read(question, text)

    return rule


def _name(judge: Judge, question: Question, reply: Reply) -> str:
    """The hash of all that a judgement depends on."""
    prompt = prompt_text(judge.prompt(question, reply))
    return hashlib.sha256(json.dumps([judge.version, prompt]).encode()).hexdigest()


def _append(folder: Path, found: dict[str, str]) -> None:
    with open(folder / JUDGEMENTS, "a", encoding="ascii") as file:
        file.writelines(json.dumps([name, text]) + "\n" for name, text in found.items())


def _read(folder: Path) -> dict[str, str]:
    path = folder / JUDGEMENTS
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            name, text = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number} is damaged", hint="delete that line") from error
        found[name] = text
    return found
