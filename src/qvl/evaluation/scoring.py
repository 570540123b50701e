"""From raw answers to scores, without a model: as often as one likes, offline.

Owns: every question gets a score, answered or not; totals and slices. Does not own rules
(``scorers``, ``benchmarks``), nor what is written (``result_files``, ``report``).

    questions, answers.jsonl -> Scored for each -> total, slices -> Outcome
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qvl.errors import ConfigError, DataError
from qvl.evaluation.answers import read_answers
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Rule, Scored
from qvl.evaluation.rule_code import hash_of_rules
from qvl.evaluation.run import read_failures
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.statistics import standard_error

CLUSTER = "cluster"
"""Fact that names what several questions share, such as a video: their scores count together."""

_MOST_VALUES = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """Mean score of the questions with one value of one group."""

    group: str
    value: str
    mean: float
    stderr: float
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a run ends in.

    Attributes:
        benchmark: its name.
        metric: the headline.
        numbers: of `Benchmark.total`.
        mean: of the scores behind the headline, in their unit.
        stderr: of this mean.
        count: questions, all of them.
        unanswered: without an answer, and so wrong.
        broken: that could not be asked, and so wrong.
        unparsed: whose answer states nothing that the rule can use.
        cut: answers that reached the most tokens.
        slices: by group, where a group has not too many values.
        judged_by: version of the judge; empty for rules.
        version: of the benchmark whose rule it was.
        ran_code: whether the rule ran programs that the model wrote.
        rules: hash of the code of the rule; empty where an earlier qvl scored.
    """

    benchmark: str
    metric: str
    numbers: Mapping[str, float]
    mean: float
    stderr: float
    count: int
    unanswered: int
    broken: int
    unparsed: int
    cut: int
    slices: tuple[Slice, ...]
    judged_by: str = ""
    version: int = 1
    ran_code: bool = False
    rules: str = ""

    @property
    def headline(self) -> float:
        """The number that the report prints."""
        return self.numbers[self.metric]

    @property
    def headline_error(self) -> float | None:
        """Standard error of the headline, in its unit.

        None where the headline is no mean of scores, in percent or not, nor their sum, as of an F1
        or of a mean of groups: the error of another number would be misleading.
        """
        for factor in (100.0, 1.0, float(self.count)):
            if math.isclose(self.headline, factor * self.mean, rel_tol=1e-9, abs_tol=1e-9):
                return factor * self.stderr
        return None


def told_metric(benchmark: Benchmark | None, outcome: Outcome) -> str:
    """The metric for people: where the published scores are a judge's, whether this one is."""
    if benchmark is None or benchmark.judge is None:
        return outcome.metric
    return f"{outcome.metric}, {'judged' if outcome.judged_by else 'by rule; published: judged'}"


def told(number: float) -> str:
    """A score for people: one digit after the point, of a share three.

    >>> told(76.25), told(0.40912), told(2157)
    ('76.2', '0.409', '2157.0')
    """
    return f"{number:.3f}" if 0 < abs(number) < 1 else f"{number:.1f}"


def score_run(
    benchmark: Benchmark,
    questions: Iterable[Question],
    folder: Path,
    *,
    rule: Rule | None = None,
    judged_by: str = "",
    allow_code: bool = False,
    each: Callable[[Question, Scored], None] = lambda question, scored: None,
) -> Outcome:
    """Scores the answers of a run.

    Args:
        benchmark: of the run.
        questions: of the run, the same as were asked.
        folder: of the run.
        rule: instead of the benchmark's own, such as a judge.
        judged_by: version of the judge behind the rule.
        allow_code: whether programs that the model wrote may be run, for benchmarks that do so,
            all or some of their questions.
        each: called with each question while it is at hand with its media.

    Raises:
        DataError: answers are damaged, or there is no question.
        ConfigError: programs would have to be run, but may not.
    """
    check_code_allowed(benchmark, allow_code)
    runs_code = allow_code and (benchmark.executes_code or benchmark.with_code is not None)
    if allow_code and benchmark.with_code is not None:
        benchmark = benchmark.with_code
    answers = {answer.key: answer for answer in read_answers(folder)}
    failures = read_failures(folder)
    score = rule or benchmark.score
    found: list[Scored] = []
    unanswered = broken = cut = 0
    for question in questions:
        answer = answers.get(question.key)
        if question.broken:
            broken += 1
            scored = _without_answer(question, f"not asked: {question.broken}")
        elif answer is None:
            unanswered += 1
            why = failures.get(question.key, "not asked yet")
            scored = _without_answer(question, f"no answer: {why}")
        else:
            reply = answer.reply()
            cut += reply.finish_reason == "length"
            scored = _scored(question, _score(score, question, reply), reply)
        found.append(scored)
        each(question, scored)
    if not found:
        raise DataError(f"{benchmark.name} has no questions to score")
    counted = [item for item in found if benchmark.in_headline(item)]
    values = [item.score.value for item in counted]
    return Outcome(
        benchmark=benchmark.name,
        metric=benchmark.metric,
        numbers=dict(benchmark.total(found)),
        mean=math.fsum(values) / max(1, len(values)),
        stderr=standard_error(values, clusters_of(counted)),
        count=len(found),
        unanswered=unanswered,
        broken=broken,
        unparsed=sum(not item.score.is_parsed for item in found) - unanswered - broken,
        cut=cut,
        slices=tuple(_slices(found)),
        judged_by=judged_by,
        version=benchmark.version,
        ran_code=runs_code,
        rules=hash_of_rules(benchmark),
    )


def check_code_allowed(benchmark: Benchmark, allow_code: bool) -> None:
    """Raises ConfigError where a rule runs programs of a model and nobody allowed it."""
    if benchmark.executes_code and not allow_code:
        raise ConfigError(
            f"{benchmark.name} is scored by running programs that the model wrote, which is not "
            "allowed",
            hint="--allow-code runs them, each in a sandbox without network and files of yours",
        )


def clusters_of(scored: Sequence[Scored]) -> list[str] | None:
    """What each question shares with others; None if no question says."""
    if not any(CLUSTER in item.facts for item in scored):
        return None
    return [str(item.facts.get(CLUSTER, item.key)) for item in scored]


def _scored(question: Question, score: Score, reply: Reply) -> Scored:
    return Scored(
        key=question.key,
        truth=question.truth,
        groups=question.groups,
        facts=question.facts,
        score=score,
        text=reply.text,
        transforms=reply.transforms,
    )


def _score(rule: Rule, question: Question, reply: Reply) -> Score:
    """Score of an answer; of a truth that the rule cannot take, it is said whose it is."""
    try:
        return rule(question, reply)
    except DataError as error:
        raise DataError(f"question {question.key!r}: {error.message}", hint=error.hint) from error
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise DataError(
            f"question {question.key!r} cannot be scored: {type(error).__name__}: {error}",
            hint=f"its truth is {json.dumps(question.truth, default=str)[:200]}; answers are kept",
        ) from error


def _without_answer(question: Question, why: str) -> Scored:
    return _scored(question, Score(value=0.0, why=why, is_parsed=False), Reply(text=""))


def _slices(scored: Sequence[Scored]) -> Iterable[Slice]:
    """Means by each group's values."""
    values: dict[tuple[str, str], list[Scored]] = defaultdict(list)
    for item in scored:
        for group, value in item.groups.items():
            values[group, value].append(item)
    sizes: dict[str, int] = defaultdict(int)
    for group, _ in values:
        sizes[group] += 1
    for (group, value), items in sorted(values.items()):
        if sizes[group] <= _MOST_VALUES:
            numbers = [item.score.value for item in items]
            yield Slice(
                group=group,
                value=value,
                mean=sum(numbers) / len(numbers),
                stderr=standard_error(numbers, clusters_of(items)),
                count=len(numbers),
            )


def mean_percent(scored: Sequence[Scored]) -> dict[str, float]:
    """The total of most benchmarks: the mean of all scores, in percent."""
    return {"accuracy": 100 * mean([item.score.value for item in scored])}


def percents_by(scored: Iterable[Scored], group: str) -> dict[str, float]:
    """Mean score of the questions with each value of a group, in percent."""
    values: dict[str, list[float]] = {}
    for item in scored:
        values.setdefault(item.groups[group], []).append(item.score.value)
    return {value: 100 * mean(scores) for value, scores in sorted(values.items())}
