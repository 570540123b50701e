"""A model that judges where rules cannot: asked once for each answer, its words kept.

Owns: asking, and the file of judgements. Does not own prompts (`Judge` of each benchmark), nor
scores of rules, which are never mixed with judgements under one name.

    questions, answers -> Judge.prompt -> TextGenerator -> judgements.jsonl -> Judge.read -> Score

An answer that the judge failed on is unread, with the reason, until the next scoring asks again.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from qvl.endpoint.client import SomeUnanswered
from qvl.errors import ConfigError, DataError, QvlError
from qvl.evaluation.answers import read_answers
from qvl.evaluation.benchmark import Benchmark, Judge, Question, Reply, Rule
from qvl.evaluation.manifest import prompt_text
from qvl.evaluation.scorers.score import Score
from qvl.messages import Conversation, GenerationResult, SamplingParams, TextGenerator

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
        EndpointError: the judge answers nothing any more; what it said is kept.
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
    failures: dict[str, str] = {}
    while batch := list(islice(todo, _BATCH)):
        names = [_name(judge, question, reply) for question, reply in batch]
        prompts = [judge.prompt(question, reply) for question, reply in batch]
        found, failed = _judgements(names, prompts, generator)
        _append(folder, found)
        kept |= found
        failures |= failed

    def rule(question: Question, reply: Reply) -> Score:
        name = _name(judge, question, reply)
        if name not in kept:
            why = f"not judged: {failures.get(name, 'the judge was not asked')}"
            return Score(value=0.0, why=why, is_parsed=False)
        return judge.read(question, kept[name])

    return rule


def _judgements(
    names: Sequence[str], prompts: Sequence[Conversation], generator: TextGenerator
) -> tuple[dict[str, str], dict[str, str]]:
    """What the judge said, and why it did not say anything, by the names of judgements.

    Raises:
        QvlError: it said nothing to any of them, so it is gone.
    """
    results: Sequence[GenerationResult | QvlError]
    try:
        results = generator.generate(prompts, _PARAMS)
    except SomeUnanswered as partly:
        results = partly.results
        if all(isinstance(result, QvlError) for result in results):
            raise
    found: dict[str, str] = {}
    failures: dict[str, str] = {}
    for name, result in zip(names, results, strict=True):
        if isinstance(result, QvlError):
            failures[name] = result.message
        else:
            found[name] = result.text
    return found, failures


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
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}, line {number} is damaged", hint="delete that line") from error
        found[name] = text
    return found
