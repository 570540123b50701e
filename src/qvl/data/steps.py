"""What happens to samples on their way: steps, and how they are made from plain functions.

Owns: what a step is, its outcomes, what a step writes into the provenance. Does not own: reading,
storing and counting samples (``parts``), the rules themselves (``filters``).

    samples -> Step.apply -> for each: Kept (one, changed or several) | Dropped (with a reason)
        | Failed (with what went wrong)

A pipeline is a list of steps:

    steps = [
        filter_step("long enough", partial(answers_at_least, characters=2)),
        map_step("trimmed", trimmed),
    ]
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from qvl.data.encoding import content_id
from qvl.data.fingerprint import fingerprint
from qvl.data.records import Sample
from qvl.endpoint.client import SomeUnanswered
from qvl.errors import ConfigError, QvlError
from qvl.messages import Conversation, GenerationResult, SamplingParams, TextGenerator


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A sample goes on: as it was, changed, or as several."""

    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    """A sample ends here. Reasons are counted, so they name a kind of fault, not a sample."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A sample could not be worked on and is put aside; the others of its batch are not affected.

    A step may raise instead; then it is asked again for every sample of the batch alone.
    """

    message: str


Outcome = Kept | Dropped | Failed


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of a pipeline.

    Attributes:
        name: how reports and the provenance call it.
        apply: samples -> an outcome for each, in their order. Raises `DataError` or any usual
            exception for a sample it cannot work on; that sample is put aside as failed.
        fingerprint: differs when the step would do something else; finished shards are done again
            then.
        batch_size: most samples given at once.
    """

    name: str
    apply: Callable[[Sequence[Sample]], Sequence[Outcome]]
    fingerprint: str
    batch_size: int = 1

    def __post_init__(self) -> None:
        if not self.name or self.batch_size < 1:
            raise ConfigError(
                f"step {self.name!r} takes {self.batch_size} samples at once, "
                "expected a name and at least 1"
            )


def filter_step(name: str, function: Callable[[Sample], str | None]) -> Step:
    """Keeps the samples for which the function returns None.

    Args:
        name: of the step.
        function: returns why a sample is dropped, or None to keep it.
    """
    return Step(
        name=name, apply=partial(_filter, function), fingerprint=fingerprint(name, function)
    )


def map_step(name: str, function: Callable[[Sample], Sample]) -> Step:
    """Changes samples one by one; a changed one remembers the step, and its parent's id."""
    return Step(
        name=name, apply=partial(_map, name, function), fingerprint=fingerprint(name, function)
    )


def flat_map_step(name: str, function: Callable[[Sample], Sequence[Sample]]) -> Step:
    """Makes several samples of one, or none."""
    return Step(
        name=name, apply=partial(_flat_map, name, function), fingerprint=fingerprint(name, function)
    )


def batch_step(
    name: str, function: Callable[[Sequence[Sample]], Sequence[Outcome]], *, batch_size: int
) -> Step:
    """A step that decides on up to ``batch_size`` samples at once, such as one that asks a
    model."""
    return Step(
        name=name,
        apply=partial(_batch, name, function),
        fingerprint=fingerprint(name, function),
        batch_size=batch_size,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """How a model is asked to score a sample.

    Attributes:
        ask: sample -> what the model is asked about it.
        read: answer -> the score, or None when it states none.
        at_least: samples with a lower score are dropped; None keeps all.
        params: of the answers.
        applies: samples for which it says False are kept without being asked about; None asks about
            all.
    """

    ask: Callable[[Sample], Conversation]
    read: Callable[[str], float | None]
    at_least: float | None = None
    params: SamplingParams
    applies: Callable[[Sample], bool] | None = None


def score_step(
    name: str,
    generator: Callable[[], TextGenerator],
    question: Question,
    *,
    batch_size: int = 16,
) -> Step:
    """Lets a model score samples; the scores are kept in their provenance.

    Args:
        name: of the step, and of the score.
        generator: called once in each process that needs it; returns the engine, a client of a
            server, or a fake.
        question: what is asked, and which score is enough.
        batch_size: samples in one call of the generator.
    """
    return Step(
        name=name,
        apply=partial(_score, name, generator, question),
        fingerprint=fingerprint(name, generator, question),
        batch_size=batch_size,
    )


def pipeline_fingerprint(steps: Sequence[Step]) -> str:
    """Returns what stands for all steps in their order.

    Raises:
        ConfigError: two steps have one name; their counts would run together.
    """
    names = [step.name for step in steps]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"two steps are called {twice!r}, expected a name for each")
    return fingerprint([(step.name, step.fingerprint, step.batch_size) for step in steps])


def _filter(
    function: Callable[[Sample], str | None], samples: Sequence[Sample]
) -> Sequence[Outcome]:
    reasons = [function(sample) for sample in samples]
    return [
        Kept(samples=(sample,)) if reason is None else Dropped(reason=reason)
        for sample, reason in zip(samples, reasons, strict=True)
    ]


def _map(
    name: str, function: Callable[[Sample], Sample], samples: Sequence[Sample]
) -> Sequence[Outcome]:
    return [Kept(samples=(_derived(name, sample, function(sample)),)) for sample in samples]


def _flat_map(
    name: str, function: Callable[[Sample], Sequence[Sample]], samples: Sequence[Sample]
) -> Sequence[Outcome]:
    return [
        Kept(samples=tuple(_derived(name, sample, child) for child in function(sample)))
        for sample in samples
    ]


def _batch(
    name: str,
    function: Callable[[Sequence[Sample]], Sequence[Outcome]],
    samples: Sequence[Sample],
) -> Sequence[Outcome]:
    outcomes = function(samples)
    if len(outcomes) != len(samples):
        raise ConfigError(f"step {name!r} gave {len(outcomes)} outcomes for {len(samples)} samples")
    return [
        outcome
        if not isinstance(outcome, Kept)
        else Kept(samples=tuple(_derived(name, sample, child) for child in outcome.samples))
        for sample, outcome in zip(samples, outcomes, strict=True)
    ]


def _score(
    name: str,
    generator: Callable[[], TextGenerator],
    question: Question,
    samples: Sequence[Sample],
) -> Sequence[Outcome]:
    asked = [question.applies is None or question.applies(sample) for sample in samples]
    conversations = [
        question.ask(sample) for sample, is_asked in zip(samples, asked, strict=True) if is_asked
    ]
    answers = iter(answers_of(generator, conversations, question.params) if conversations else ())
    outcomes: list[Outcome] = []
    for sample, is_asked in zip(samples, asked, strict=True):
        if not is_asked:
            outcomes.append(Kept(samples=(sample,)))
            continue
        answer = next(answers)
        if isinstance(answer, QvlError):
            outcomes.append(Failed(message=answer.message))
            continue
        score = question.read(answer.text)
        if score is None:  # says nothing of the sample, so it is no reason to drop it
            outcomes.append(Failed(message=f"the answer states no score: {answer.text[:80]!r}"))
        elif question.at_least is not None and score < question.at_least:
            outcomes.append(Dropped(reason=f"below {question.at_least:g}"))
        else:
            scores = {**sample.provenance.scores, name: score}
            provenance = replace(sample.provenance, scores=scores)
            outcomes.append(Kept(samples=(replace(sample, provenance=provenance),)))
    return outcomes


def answers_of(
    generator: Callable[[], TextGenerator],
    conversations: Sequence[Conversation],
    params: SamplingParams,
) -> Sequence[GenerationResult | QvlError]:
    """Returns for each conversation its answer, or why a server gave none.

    Args:
        generator: called once in each process.
        conversations: to be answered.
        params: of the answers.

    Raises:
        QvlError: no conversation can be answered.
    """
    try:
        return _made(generator).generate(conversations, params)
    except SomeUnanswered as error:
        return error.results


@functools.lru_cache(maxsize=4)
def _made(generator: Callable[[], TextGenerator]) -> TextGenerator:
    """The generator of this process: a model is loaded once, not for every batch."""
    return generator()


def _derived(name: str, parent: Sample, child: Sample) -> Sample:
    """The child with its descent written down; unchanged samples stay as they are."""
    if child is parent:
        return child
    provenance = child.provenance
    transforms = (*parent.provenance.transforms, name)
    parents = provenance.parents
    before = _id_of(parent)
    if before is not None and before not in parents and content_id(child) != before:
        parents = (*parents, before)
    return replace(child, provenance=replace(provenance, transforms=transforms, parents=parents))


def _id_of(parent: Sample) -> str | None:
    """Its id, or None for one with media that cannot be read: nobody can have stored it, and the
    step may have taken them out."""
    try:
        return content_id(parent)
    except QvlError:
        return None
