"""Preferences from a model's own answers: the best right one against wrong ones.

Owns: which answers make a pair. Does not own: asking and judging (``sampling``, ``verifiers``).

    Sample with a true answer -> N answers, judged (sampling.candidates_of)
        -> Kept: the question, the best right answer, up to k wrong ones | Dropped: all right, all
           wrong

Pairs of a model's own answers teach what it still gets wrong, in words it would use.
Source of the form of pairs: Llama 3 report (arXiv 2407.21783), section 4.1.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from qvl.data.records import Rejected, Sample
from qvl.data.rejection.sampling import Candidate, Rejection, best_of, candidates_of
from qvl.data.rejection.verifiers import question_of, truth_of
from qvl.data.steps import Dropped, Failed, Kept, Outcome, Step, batch_step
from qvl.errors import ConfigError, QvlError
from qvl.messages import Message, Text


def pair_step(
    name: str,
    rejection: Rejection,
    *,
    most: int = 1,
    truth_may_win: bool = True,
    batch_size: int = 16,
) -> Step:
    """Returns the step that makes preferences of samples.

    Wrong answers that came whole are rejected, the ones nearest to the truth by the verifier first;
    equal ones count once. ``rejection.rate`` leaves out questions that are too hard or too easy.

    Args:
        name: of the step.
        rejection: how answers are sampled and judged.
        most: wrong answers kept of a question.
        truth_may_win: where no answer is right, the sample's own is the chosen one.
        batch_size: questions in one call of the generator.
    """
    if most < 1:
        raise ConfigError(f"{most} rejected answers of a question, expected at least 1")
    function = partial(_paired, rejection, most, truth_may_win)
    return batch_step(name, function, batch_size=batch_size)


def _paired(
    rejection: Rejection, most: int, truth_may_win: bool, samples: Sequence[Sample]
) -> Sequence[Outcome]:
    came, failures = candidates_of(rejection, samples)
    return [
        _pair(rejection, most, truth_may_win, sample, candidates, failed)
        for sample, candidates, failed in zip(samples, came, failures, strict=True)
    ]


def _pair(
    rejection: Rejection,
    most: int,
    truth_may_win: bool,
    sample: Sample,
    candidates: Sequence[Candidate],
    failed: Sequence[QvlError],
) -> Outcome:
    if not candidates:
        return Failed(message=f"no answer came: {failed[0].message}")
    rate = sum(c.value >= rejection.right_from for c in candidates) / len(candidates)
    if not rejection.rate[0] <= rate <= rejection.rate[1]:
        return Dropped(reason="too hard" if rate < rejection.rate[0] else "too easy")
    best = best_of(candidates, 1)
    if not best and not truth_may_win:
        return Dropped(reason="no right answer")
    chosen = best[0].text.strip() if best else truth_of(sample)
    worse = _wrong(candidates, most, chosen)
    if not worse:
        return Dropped(reason="no wrong answer")
    question = question_of(sample)
    answer = Message("assistant", (Text(chosen),))
    scores = {**sample.provenance.scores, "right": round(rate, 4)}
    changed = replace(
        sample,
        conversation=replace(question, messages=(*question.messages, answer)),
        provenance=replace(sample.provenance, scores=scores),
        rejected=worse,
    )
    return Kept(samples=(changed,))


def _wrong(candidates: Sequence[Candidate], most: int, chosen: str) -> tuple[Rejected, ...]:
    wrong = [c for c in candidates if c.problem == "wrong answer"]
    wrong.sort(key=lambda c: (-c.value, c.seed))
    texts = dict.fromkeys(c.text.strip() for c in wrong)
    return tuple(
        Rejected(text=text, fault="wrong answer") for text in texts if text and text != chosen
    )[:most]
