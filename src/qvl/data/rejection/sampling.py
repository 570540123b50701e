"""Many answers to each question, of which the right ones in good form are kept.

Owns: the order of the checks, which of the good answers are kept, what is written down. Does not
own: the checks (``verifiers``, ``form``, ``claims``), asking (``steps.answers_of``).

    Sample with a true answer -> N answers, a seed each -> right? -> form? -> steps true?
        -> Kept: the sample with each of the best k answers | Dropped: too hard, too easy, none left

It is a step like others: a run goes on where it stopped, and what fails is put aside and counted.
Source: report, 2.3.3, "Data ... for Enhanced Reasoning"; it prints no numbers, ours are defaults.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from qvl.data.records import Sample
from qvl.data.rejection.claims import StepCheck
from qvl.data.rejection.form import FormLimits, form_problem
from qvl.data.rejection.verifiers import (
    Verifier,
    final_answer,
    question_of,
    truth_of,
    with_steps,
)
from qvl.data.steps import Dropped, Failed, Kept, Outcome, Step, answers_of, batch_step
from qvl.data.texts import query_text
from qvl.errors import ConfigError, DataError, QvlError
from qvl.messages import (
    Conversation,
    GenerationResult,
    Message,
    SamplingParams,
    Text,
    TextGenerator,
)

_PARAMS = SamplingParams(max_tokens=2048, temperature=0.8, top_p=0.95)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """How answers are sampled and chosen.

    Attributes:
        generator: makes the model that answers; called once in each process. None where a script
            answers.
        script: sample, seed -> answer, in the place of a model.
        verifier: whether a final answer is right.
        num_answers: to each question.
        seed: of the first answer; the next ones have the next numbers.
        params: of the answers; warm, or all would be the same.
        ask: changes the question before it is asked.
        read: finds the final answer in a text.
        right_from: least value of the verifier.
        form: limits of length and language.
        checks: of what the steps say about the picture, in order.
        keep: most answers kept of a question.
        rate: least and most share of right answers among those that came: below, the question is
            too hard, or its truth is wrong; above, there is nothing to learn.
    """

    generator: Callable[[], TextGenerator] | None = None
    script: Callable[[Sample, int], GenerationResult] | None = None
    verifier: Verifier
    num_answers: int = 8
    seed: int = 0
    params: SamplingParams = _PARAMS
    ask: Callable[[Conversation], Conversation] = with_steps
    read: Callable[[str], str | None] = final_answer
    right_from: float = 1.0
    form: FormLimits = field(default_factory=FormLimits)
    checks: tuple[StepCheck, ...] = ()
    keep: int = 1
    rate: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if (self.generator is None) == (self.script is None):
            raise ConfigError("rejection needs a generator or a script, and not both")
        if not 1 <= self.keep <= self.num_answers or not 0 <= self.rate[0] <= self.rate[1] <= 1:
            raise ConfigError(
                f"{self.keep} of {self.num_answers} answers kept at rates of {self.rate}, expected "
                "at least 1 of as many or more, and shares from 0 to 1"
            )
        if self.num_answers > 1 and self.params.temperature == 0:
            raise ConfigError(
                f"{self.num_answers} answers at temperature 0 would all be the same",
                hint="set a temperature, or ask for one answer",
            )


def rejection_step(name: str, rejection: Rejection, *, batch_size: int = 16) -> Step:
    """Returns the step that puts sampled answers in place of the true ones.

    A kept sample has the question as it was asked. Its provenance has the scores ``right`` (share
    of right answers, the ease of the question) and ``value`` (of the verifier); its facts have,
    under ``rejection``, the seed, the truth, and how many answers were discarded for which reason.

    Args:
        name: of the step.
        rejection: how.
        batch_size: questions in one call of the generator.
    """
    return batch_step(name, partial(_sampled, rejection), batch_size=batch_size)


class Candidate(NamedTuple):
    """An answer that came, with what is known about it."""

    seed: int
    text: str
    value: float
    """Of the verifier."""
    problem: str | None
    """Why it is discarded."""


def candidates_of(
    rejection: Rejection, samples: Sequence[Sample]
) -> tuple[list[list[Candidate]], list[list[QvlError]]]:
    """Returns for each sample the answers that came, checked, and why others did not."""
    questions = [rejection.ask(question_of(sample)) for sample in samples]
    came: list[list[Candidate]] = [[] for _ in samples]
    failures: list[list[QvlError]] = [[] for _ in samples]
    # One seed a call: the same conversation twice in a call would be answered alike.
    for seed in range(rejection.seed, rejection.seed + rejection.num_answers):
        params = replace(rejection.params, seed=seed)
        answers = _answers(rejection, samples, questions, params)
        for number, answer in enumerate(answers):
            if isinstance(answer, QvlError):
                failures[number].append(answer)
                continue
            is_whole = answer.finish_reason == "stop"
            candidate = _verified(rejection, samples[number], seed, answer.text, is_whole)
            came[number].append(candidate)
    _check_steps(rejection, samples, came)
    return came, failures


def _sampled(rejection: Rejection, samples: Sequence[Sample]) -> Sequence[Outcome]:
    came, failures = candidates_of(rejection, samples)
    return [
        _chosen(rejection, sample, rejection.ask(question_of(sample)), candidates, failed)
        for sample, candidates, failed in zip(samples, came, failures, strict=True)
    ]


def _answers(
    rejection: Rejection,
    samples: Sequence[Sample],
    questions: Sequence[Conversation],
    params: SamplingParams,
) -> Sequence[GenerationResult | QvlError]:
    if rejection.generator is not None:
        return answers_of(rejection.generator, questions, params)
    assert rejection.script is not None
    assert params.seed is not None
    return [rejection.script(sample, params.seed) for sample in samples]


def _verified(
    rejection: Rejection, sample: Sample, seed: int, text: str, is_whole: bool
) -> Candidate:
    """Tries what needs no further model: is it whole, right, in good form?"""
    if not is_whole:
        return Candidate(seed, text, 0.0, "cut off")
    answer = rejection.read(text)
    if answer is None:
        return Candidate(seed, text, 0.0, "no final answer")
    value = rejection.verifier(answer, sample).value
    if value < rejection.right_from:
        return Candidate(seed, text, value, "wrong answer")
    languages = f"{query_text(sample)}\n{truth_of(sample)}"
    return Candidate(seed, text, value, form_problem(text, languages, rejection.form))


def _check_steps(
    rejection: Rejection, samples: Sequence[Sample], came: Sequence[list[Candidate]]
) -> None:
    """Marks the candidates whose steps fail a check, all of a batch at once."""
    for check in rejection.checks:
        places = [
            (i, j)
            for i, candidates in enumerate(came)
            for j, candidate in enumerate(candidates)
            if candidate.problem is None
        ]
        if not places:
            return
        problems = check([(samples[i], came[i][j].text) for i, j in places])
        for (i, j), problem in zip(places, problems, strict=True):
            if isinstance(problem, QvlError):
                came[i][j] = came[i][j]._replace(problem="steps not checked")
            elif problem is not None:
                came[i][j] = came[i][j]._replace(problem=f"steps: {problem}")


def _chosen(
    rejection: Rejection,
    sample: Sample,
    question: Conversation,
    candidates: Sequence[Candidate],
    failed: Sequence[QvlError],
) -> Outcome:
    if not candidates:
        return Failed(message=f"no answer came: {failed[0].message}")
    right = sum(candidate.value >= rejection.right_from for candidate in candidates)
    rate = right / len(candidates)
    if rate < rejection.rate[0]:
        return Dropped(reason="too hard")
    if rate > rejection.rate[1]:
        return Dropped(reason="too easy")
    discarded = Counter(c.problem for c in candidates if c.problem is not None)
    if failed:
        discarded["request failed"] = len(failed)
    good = best_of(candidates, rejection.keep)
    if not good:
        # Only the kind of fault: reasons are counted over all samples.
        return Dropped(reason=f"none left, most: {discarded.most_common(1)[0][0]}")
    known = {
        "sampled": len(candidates) + len(failed),
        "right": right,
        "discarded": dict(sorted(discarded.items())),
        "truth": truth_of(sample),
    }
    return Kept(
        samples=tuple(_answered(sample, question, item, rate=rate, known=known) for item in good)
    )


def best_of(candidates: Sequence[Candidate], keep: int) -> list[Candidate]:
    """Returns the best of those without a problem: the highest value first, of equal ones the
    shortest, of equally long ones the lowest seed; no text twice.

    >>> found = [Candidate(0, "long", 1.0, None), Candidate(1, "ok", 1.0, None)]
    >>> [candidate.text for candidate in best_of([*found, found[1]], 2)]
    ['ok', 'long']
    """
    good = [candidate for candidate in candidates if candidate.problem is None]
    good.sort(key=lambda candidate: (-candidate.value, len(candidate.text), candidate.seed))
    distinct: dict[str, Candidate] = {}
    for candidate in good:
        distinct.setdefault(candidate.text.strip(), candidate)
    return list(distinct.values())[:keep]


def _answered(
    sample: Sample,
    question: Conversation,
    candidate: Candidate,
    *,
    rate: float,
    known: dict[str, object],
) -> Sample:
    if not candidate.text.strip():
        raise DataError("an answer without words was taken for right")
    answer = Message("assistant", (Text(candidate.text.strip()),))
    scores = {"right": round(rate, 4), "value": candidate.value}
    return replace(
        sample,
        conversation=replace(question, messages=(*question.messages, answer)),
        provenance=replace(sample.provenance, scores={**sample.provenance.scores, **scores}),
        facts={**sample.facts, "rejection": {"seed": candidate.seed, **known}},
    )
