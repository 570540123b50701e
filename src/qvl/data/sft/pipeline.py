"""The filter pipeline of fine-tuning data as a list of steps.

Owns: which filters come in which order. Does not own: the filters.

    tag -> rules -> scores by a model, if there is one -> thresholds by domain

The order is from cheap to dear. Source: report section 2.3.2, stages 1 and 2.
"""

from collections.abc import Callable, Sequence
from functools import partial

from qvl.data.filters.safety import harm_question, harmful
from qvl.data.sft.classifier import templated_classifier
from qvl.data.sft.rewards import CRITERIA, DEFAULT_THRESHOLDS, Thresholds, criterion_step, enough
from qvl.data.sft.rules import cut_off, malformed, mixes_languages, repeats_itself, unrelated
from qvl.data.sft.tagging import LEAST_CONFIDENCE, classifier_tag_step, model_tag_step
from qvl.data.sft.taxonomy import DOMAINS, UNTAGGED
from qvl.data.steps import Step, filter_step, score_step
from qvl.errors import ConfigError
from qvl.messages import TextGenerator

RULES: dict[str, Callable[..., str | None]] = {
    "well formed": malformed,
    "not cut off": cut_off,
    "not repeated": repeats_itself,
    "one language": mixes_languages,
    "to the point": unrelated,
    "not harmful": harmful,
}
"""Steps by name, in their order."""


def rule_steps() -> list[Step]:
    """The filters that need no model."""
    return [filter_step(name, rule) for name, rule in RULES.items()]


def sft_steps(
    generator: Callable[[], TextGenerator] | None = None,
    *,
    criteria: Sequence[str] = tuple(CRITERIA),
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    least_confidence: float = LEAST_CONFIDENCE,
) -> list[Step]:
    """All steps.

    Args:
        generator: of the model that tags and rates; None leaves the ratings out and tags with the
            classifier.
        criteria: names of `CRITERIA` to rate by.
        thresholds: least scores by domain.
        least_confidence: of a tag by the classifier.

    Raises:
        ConfigError: a criterion or a domain does not exist.
    """
    _check(criteria, thresholds)
    if generator is None:
        tag = classifier_tag_step(templated_classifier(), least_confidence=least_confidence)
        return [tag, *rule_steps()]
    return [
        *rule_steps(),
        model_tag_step(generator),
        score_step("safety", generator, harm_question()),
        *(criterion_step(name, generator) for name in criteria),
        filter_step("good enough", partial(enough, thresholds=thresholds)),
    ]


def _check(criteria: Sequence[str], thresholds: Thresholds) -> None:
    unknown = [name for name in criteria if name not in CRITERIA]
    if unknown:
        raise ConfigError(f"no criterion {unknown[0]!r}, expected some of {', '.join(CRITERIA)}")
    for domain, least in thresholds.items():
        if domain not in ("", UNTAGGED, *DOMAINS):
            raise ConfigError(f"no domain {domain!r}, expected '' or one of {', '.join(DOMAINS)}")
        for name in least:
            if name not in CRITERIA:
                raise ConfigError(f"no criterion {name!r}, expected one of {', '.join(CRITERIA)}")
