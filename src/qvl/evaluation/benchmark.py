"""A benchmark as data: its questions, the rule for one answer, the numbers that a run ends in.

Owns the shapes that loaders, runner, scorers and reports share. Does not own any benchmark
(``benchmarks``), nor asking (``run``).

    folder, split -> load -> Question -> (a model) -> Reply -> score -> Scored -> total -> numbers
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from qvl.errors import ConfigError
from qvl.evaluation.scorers.score import Score
from qvl.geometry import ResizeTransform
from qvl.messages import Conversation, SamplingParams

Area = Literal["general", "text", "documents", "grounding", "video", "agents", "own"]
AREAS: tuple[Area, ...] = (
    "general", "text", "documents", "grounding", "video", "agents", "own",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One question, ready to be asked.

    Attributes:
        key: unique in its benchmark and split, and the same in every run.
        conversation: media as paths or bytes, decoded when they are needed; pixel limits and frame
            rates stand on the parts where the benchmark has its own.
        truth: what the rule compares with; plain JSON values.
        groups: slices by which scores are also given, such as {"subject": "art"}.
        facts: what a rule or a report needs besides; plain JSON values.
        broken: why the question cannot be asked, such as a missing picture; empty if it can. It
            stays in the count, as wrong.
    """

    key: str
    conversation: Conversation
    truth: Any
    groups: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    broken: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What a model answered.

    Attributes:
        text: as it wrote it.
        transforms: of the question's pictures and videos, in order: coordinates in the text are in
            resized_px, those of the data mostly in original_px.
        finish_reason: "length" if it was cut.
    """

    text: str
    transforms: tuple[ResizeTransform, ...] = ()
    finish_reason: Literal["stop", "length"] = "stop"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """A question's score, without its media.

    Attributes:
        key: of the question.
        truth: of the question.
        groups: of the question.
        facts: of the question.
        score: by the rule; 0 where there is no answer.
        text: the answer; empty where there is none.
        transforms: of the reply, for totals that need places in the picture.
    """

    key: str
    truth: Any
    groups: Mapping[str, str]
    facts: Mapping[str, Any]
    score: Score
    text: str = ""
    transforms: tuple[ResizeTransform, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """How a model decides where rules cannot.

    Attributes:
        version: of prompt and reading; a change makes another judge.
        prompt: question and answer as a conversation for the judge.
        read: the judge's answer -> score; unparsed where it states nothing.
    """

    version: str
    prompt: Callable[[Question, Reply], Conversation]
    read: Callable[[Question, str], Score]


Load = Callable[[Path, str], Iterator[Question]]
Rule = Callable[[Question, Reply], Score]
Total = Callable[[Sequence[Scored]], Mapping[str, float]]


def _always(scored: Scored) -> bool:
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """One row of the table of benchmarks.

    Attributes:
        name: key in `benchmarks.BENCHMARKS`, such as "chartqa".
        title: as the report prints it.
        area: what it is about.
        split: the one whose score the report gives.
        source: hub dataset, or where the files come from.
        load: folder in the published layout, split -> questions, one after another.
        score: one answer; pure.
        total: numbers of a run, in the unit the report prints.
        metric: the headline among them.
        published: headline of the published models by their size; see spec of each file.
        params: how answers are drawn.
        judge: for benchmarks whose published score is a model's judgement; their `score` is a rule
            of its own name.
        in_headline: questions whose scores the headline's standard error is of.
        executes_code: whether its rule runs programs that the model wrote; see `sandbox`.
        with_code: the same benchmark with a rule that also runs programs of the model, for where
            that is allowed; None if its own rule is all there is.
        version: of prompts and rule; a change makes scores incomparable. A change of code in qvl is
            seen without it, see `rule_code`.
    """

    name: str
    title: str
    area: Area
    split: str
    source: str
    load: Load
    score: Rule
    total: Total
    metric: str
    published: Mapping[str, float] = field(default_factory=dict)
    params: SamplingParams = field(default_factory=lambda: SamplingParams(max_tokens=1024))
    judge: Judge | None = None
    in_headline: Callable[[Scored], bool] = _always
    executes_code: bool = False
    with_code: "Benchmark | None" = None
    version: int = 1

    def __post_init__(self) -> None:
        if self.area not in AREAS:
            raise ConfigError(f"area of {self.name} is {self.area!r}, expected one of {AREAS}")
