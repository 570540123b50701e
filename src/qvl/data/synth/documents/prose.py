"""Sentences, titles and paragraphs that read like those of real pages, made by a small grammar.

Owns: the subjects, the templates, numbers within sentences. Does not own: names and addresses
(``people``), what is put on a page (``layouts``).

    subject -> template with slots -> sentence -> paragraph
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qvl.data.synth.picking import lower, pick


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a document is about: words of one field, each list of one part of speech.

    ``subjects`` and ``actors`` are plural, ``measures`` and ``causes`` are singular or have the
    same verb form as such, ``acts`` begin with a gerund.
    """

    field: str
    unit: str
    subjects: tuple[str, ...]
    actors: tuple[str, ...]
    measures: tuple[str, ...]
    causes: tuple[str, ...]
    methods: tuple[str, ...]
    places: tuple[str, ...]
    acts: tuple[str, ...]


def _read() -> tuple[Subject, ...]:
    records = json.loads(Path(__file__).with_name("subjects.json").read_text(encoding="utf-8"))
    return tuple(Subject(**_with_tuples(record)) for record in records)


def _with_tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v if isinstance(v, str) else tuple(v) for k, v in record.items()}


SUBJECTS = _read()

FINDINGS = (
    "{Measure} rose by {pct} between {year} and {later}.",
    "In {place}, {measure} fell from {high} to {low} within {few} years.",
    "{Subject} in {place} did better than expected: {measure} was {pct} above the long-term mean.",
    "Of {count} sites visited, {part} showed a clear change in {measure}.",
    "The largest difference, {pct}, was found in {place}.",
    "{Measure} varied little ({low} to {high}) as long as {cause} was absent.",
    "Where {actors} had begun {act}, {measure} improved by {pct}.",
    "Only {pct} of all {subjects} reached the target for {measure}.",
    "{Measure} and {measure2} moved together in most years, but not in {year}.",
    "A median of {low} was recorded in {place}, against {high} elsewhere.",
)
REASONS = (
    "The main reason is {cause}, which affects {measure} more than {measure2}.",
    "{Actors} point to {cause}; others blame {cause2}.",
    "{Cause} alone cannot explain this.",
    "Much of it goes back to {cause}, as {method} made plain.",
    "It would be wrong to see {cause} as the only driver.",
    "Without {cause}, {measure} would have stayed close to {low}.",
    "What looks like an effect of {cause} may in fact be due to {cause2}.",
)
METHODS = (
    "We relied on {method} and compared them with {method2}.",
    "Between {year} and {later}, {count} observations were made with the help of {method}.",
    "The data come from {method}, gathered in {place} and at {count} further sites.",
    "Each value is the mean of {few} readings; outliers beyond three deviations were set aside.",
    "{Method} gave almost the same picture as {method2}.",
    "Results were checked twice, first by {method}, later by {method2}.",
)
CONTRASTS = (
    "In {place}, however, the opposite was true.",
    "Not all {subjects} follow this pattern.",
    "{Actors} see the matter differently.",
    "Earlier work had put {measure} at {low}; our estimate is closer to {high}.",
    "This holds for {subjects}, less so for {subjects2}.",
    "Yet {measure2} hardly changed over the same period.",
    "By contrast, {subjects2} in {place} remained stable.",
)
ADVICE = (
    "{Act} would be a good first step.",
    "{Actors} should therefore consider {act}.",
    "If nothing is done, {measure} will drop below {low} by {future}.",
    "A modest budget is enough: {act} costs little and can be undone.",
    "Before {act}, {actors} ought to look at {measure} in more detail.",
    "We recommend {act}, followed by {method} after {few} years.",
)
OPENINGS = (
    "{Subjects} have changed more in the last {few} years than in the decades before.",
    "Few topics in {field} are discussed as often as {measure}.",
    "When {actors} first looked at {subjects} in {place}, they expected little.",
    "This section deals with {subjects} and with what {cause} does to them.",
    "For a long time {subjects} were thought to be of minor interest.",
    "Anyone who works with {subjects} knows the problem: {measure} is hard to predict.",
    "Since {year}, {actors} have kept records of {measure} in {place}.",
    "{Place} is a good place to study {subjects}.",
)
LINKS = ("As a result, ", "At the same time, ", "In addition, ", "Still, ", "Over the years, ", "")

TITLES = (
    "{Measure} of {subjects} in {place}",
    "What {cause} means for {subjects}",
    "{Subjects}: a review of {method}",
    "How {actors} deal with {cause}",
    "{Act}: lessons from {place}",
    "Effects of {cause} on {measure}",
    "The future of {subjects}",
    "{Measure} and {measure2} in {field}",
)
SHORT_TITLES = (
    "{Subjects}", "{Measure}", "The role of {cause}", "{Measure} in {place}", "{Method}",
    "{Act}", "Results from {place}", "{Subjects} and {subjects2}",
)  # fmt: skip
POINTS = (
    "{measure} up by {pct}", "{few} new sites in {place}", "{act}", "less {cause}",
    "{method} instead of {method2}", "agreement with {actors}", "{measure2}: {low} to {high}",
    "{subjects} first, {subjects2} later", "review of {measure} by {future}",
)  # fmt: skip

_SLOT = re.compile(r"\{(\w+)\}")


def _per_cent(rng: np.random.Generator) -> str:
    value = float(rng.uniform(1.5, 60))
    return f"{value:.1f}%" if rng.random() < 0.5 else f"{value:.0f} per cent"


def _number(low: float, high: float) -> Callable[[np.random.Generator], str]:
    def draw(rng: np.random.Generator) -> str:
        value = float(rng.uniform(low, high))
        return f"{value:.{int(rng.integers(0, 3))}f}"

    return draw


NUMBERS: Mapping[str, Callable[[np.random.Generator], str]] = {
    "pct": _per_cent,
    "low": _number(1, 40),
    "high": _number(41, 99),
    "year": lambda rng: str(rng.integers(1985, 2012)),
    "later": lambda rng: str(rng.integers(2012, 2026)),
    "future": lambda rng: str(rng.integers(2028, 2050)),
    "few": lambda rng: pick(rng, ("two", "three", "four", "five", "six", "eight", "ten")),
    "count": lambda rng: str(rng.integers(24, 980)),
    "part": lambda rng: str(rng.integers(5, 23)),
}
_LISTS = {
    "subject": "subjects", "subjects": "subjects", "actors": "actors", "measure": "measures",
    "cause": "causes", "method": "methods", "place": "places", "act": "acts",
}  # fmt: skip


def fill(rng: np.random.Generator, template: str, subject: Subject) -> str:
    """Puts words of a subject, and numbers, into the slots of a template.

    A slot with a capital starts a sentence; one with a 2 gets another word than that without.
    """
    chosen: dict[str, str] = {}

    def word(name: str) -> str:
        if name in chosen:
            return chosen[name]
        if name == "field":
            return subject.field
        if name in NUMBERS:
            return chosen.setdefault(name, NUMBERS[name](rng))
        base = name.rstrip("2")
        others = [chosen.get(base), chosen.get(base + "2")]
        words: Sequence[str] = getattr(subject, _LISTS[base])
        return chosen.setdefault(name, pick(rng, [w for w in words if w not in others]))

    def put(found: "re.Match[str]") -> str:
        name = found.group(1)
        text = word(lower(name))
        return text[0].upper() + text[1:] if name[0].isupper() else text

    return _SLOT.sub(put, template)


def sentence(rng: np.random.Generator, subject: Subject, kind: Sequence[str] | None = None) -> str:
    """One sentence."""
    kinds = (FINDINGS, FINDINGS, REASONS, METHODS, CONTRASTS, ADVICE)
    return fill(rng, pick(rng, kind or pick(rng, kinds)), subject)


def paragraph(
    rng: np.random.Generator, subject: Subject, *, sentences: tuple[int, int] = (3, 6)
) -> str:
    """Several sentences, none of them twice."""
    wanted = int(rng.integers(sentences[0], sentences[1] + 1))
    kinds = [OPENINGS, FINDINGS, REASONS, METHODS, CONTRASTS, FINDINGS, ADVICE]
    if rng.random() < 0.5:
        kinds = kinds[1:]
    used: list[str] = []
    said: list[str] = []
    for place in range(wanted):
        templates = [t for t in kinds[place % len(kinds)] if t not in used] or list(FINDINGS)
        template = pick(rng, templates)
        used.append(template)
        text = fill(rng, template, subject)
        link = pick(rng, LINKS) if place and rng.random() < 0.25 else ""
        # Places begin with names, and templates in words with articles that stay capital.
        fits = template.startswith("{") and not template.startswith("{Place")
        said.append(link + lower(text) if link and fits else text)
    return " ".join(said)


def title(rng: np.random.Generator, subject: Subject) -> str:
    """Of a whole document."""
    return fill(rng, pick(rng, TITLES), subject)


def short_title(rng: np.random.Generator, subject: Subject) -> str:
    """Of a section or a slide."""
    return fill(rng, pick(rng, SHORT_TITLES), subject)


def point(rng: np.random.Generator, subject: Subject) -> str:
    """An entry of a list: no whole sentence."""
    text = fill(rng, pick(rng, POINTS), subject)
    return text[0].upper() + text[1:]
