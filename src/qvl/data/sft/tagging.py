"""Writes into every sample what its question is about.

Owns: asking a model, reading its answer, what is stored, counting. Does not own: the names
(``taxonomy``), the classifier that needs no model (``classifier``).

    Sample -> ask() -> model -> read_category() -> facts["domain"], facts["category"]

What cannot be told is tagged `taxonomy.UNTAGGED`; nothing is guessed and nothing dropped.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from qvl.data.encoding import media_of
from qvl.data.records import Sample
from qvl.data.sft.classifier import Classifier
from qvl.data.sft.taxonomy import CATEGORIES, UNTAGGED, domain_of
from qvl.data.steps import Failed, Kept, Outcome, Step, answers_of, batch_step, map_step
from qvl.data.texts import query_text
from qvl.errors import QvlError
from qvl.messages import Conversation, Part, SamplingParams, Text, TextGenerator
from qvl.tasks.json_repair import JsonObject, iter_json

CONFIDENCE = "tag_confidence"
"""Name of the score that says how sure the classifier is, 0 to 1."""

LEAST_CONFIDENCE = 0.3
"""Of a tag by the templated classifier. Nine in ten questions of held-out templates reach it, 94 %
of them rightly; of the questions of our generators, which it never saw, half do, 96 % rightly."""

_LONGEST_QUERY = 6000
_MOST_MEDIA = 4
_NAMES = {re.sub(r"[\W_]+", " ", name).lower(): name for name in CATEGORIES}
# Longest first, so that a name inside a longer one is not taken for it.
_NAMED = re.compile(r"\b(" + "|".join(sorted(_NAMES, key=len, reverse=True)) + r")\b")


def ask(sample: Sample) -> Conversation:
    """What a model is asked about a sample: its first pictures, its questions, all categories."""
    categories = "\n".join(
        f"- {name}: {category.definition}. Example: {category.example}"
        for name, category in CATEGORIES.items()
    )
    media: list[Part] = [*media_of(sample.conversation)[:_MOST_MEDIA]]
    query = query_text(sample)[:_LONGEST_QUERY]
    words = (
        "Tell what kind of question a user asked. Do not answer the question.\n"
        f"The kinds:\n{categories}\n"
        f"The question, between the lines of dashes:\n-----\n{query}\n-----\n"
        'Answer with JSON: {"category": "..."}, and with "unknown" if none fits.'
    )
    return Conversation.user(*media, Text(words))


def read_category(answer: str) -> str:
    """The category that an answer names; `UNTAGGED` if it names none, or several.

    >>> read_category('{"category": "code debugging"}'), read_category("It is Geometry.")
    ('Code_Debugging', 'Geometry')
    >>> read_category("Algebra or Geometry"), read_category("unknown")
    ('Untagged', 'Untagged')
    """
    for fragment in iter_json(answer):
        value = fragment.partial
        if isinstance(value, JsonObject) and isinstance(value.get("category"), str):
            return _named(str(value["category"]))
    return _named(answer)


def _named(text: str) -> str:
    plain = re.sub(r"[\W_]+", " ", text).lower()
    found = {_NAMES[name] for name in _NAMED.findall(plain)}
    return found.pop() if len(found) == 1 else UNTAGGED


def tagged(sample: Sample, category: str, confidence: float | None = None) -> Sample:
    """The sample with its tags in its facts."""
    facts = {**sample.facts, "domain": domain_of(category), "category": category}
    if confidence is None:
        return replace(sample, facts=facts)
    scores = {**sample.provenance.scores, CONFIDENCE: round(confidence, 4)}
    provenance = replace(sample.provenance, scores=scores)
    return replace(sample, facts=facts, provenance=provenance)


def model_tag_step(
    generator: Callable[[], TextGenerator],
    *,
    name: str = "tagged",
    params: SamplingParams | None = None,
    batch_size: int = 16,
) -> Step:
    """Lets a model tag samples.

    Args:
        generator: called once in each process.
        name: of the step.
        params: of the answers; None for short and certain ones.
        batch_size: samples in one call of the generator.
    """
    chosen = params or SamplingParams(max_tokens=40, temperature=0.0)
    return batch_step(name, partial(_tag_by_model, generator, chosen), batch_size=batch_size)


def _tag_by_model(
    generator: Callable[[], TextGenerator], params: SamplingParams, samples: Sequence[Sample]
) -> Sequence[Outcome]:
    answers = answers_of(generator, [ask(sample) for sample in samples], params)
    return [
        Failed(message=answer.message)
        if isinstance(answer, QvlError)
        else Kept(samples=(tagged(sample, read_category(answer.text)),))
        for sample, answer in zip(samples, answers, strict=True)
    ]


def classifier_tag_step(
    classifier: Classifier, *, name: str = "tagged", least_confidence: float = LEAST_CONFIDENCE
) -> Step:
    """Lets a classifier tag samples; below the least confidence they are `UNTAGGED`."""
    return map_step(name, partial(_tag_by_classifier, classifier, least_confidence))


def _tag_by_classifier(classifier: Classifier, least_confidence: float, sample: Sample) -> Sample:
    category, confidence = classifier.classify(sample)
    if confidence < least_confidence:
        category = UNTAGGED
    return tagged(sample, category, confidence)
