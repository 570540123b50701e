"""Data runs that curate what is there: interleaved documents, and answers sampled and verified.

Owns: the two recipes and the models they ask. Does not own: rules, scores, checks (``data``).

    interleaved: documents -> cleaning -> four scores -> kept
    rejection: drawn questions with true answers -> sampled answers -> right, clean, true -> kept

Both ask a model when they get one; else documents are judged by rules alone, and a script answers.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from qvl.data.filters.interleaved.calibration import load_calibration
from qvl.data.filters.interleaved.cleaning import (
    Cleaning,
    cleaned,
    read_word_list,
    worth_keeping,
)
from qvl.data.filters.interleaved.scores import CRITERIA
from qvl.data.filters.interleaved.scoring import AT_LEAST, Scoring, scoring_step
from qvl.data.interchange.opening import open_data
from qvl.data.mixture import Generator, Mixture
from qvl.data.rejection.claims import judged_by_model, known_claims
from qvl.data.rejection.sampling import Rejection, rejection_step
from qvl.data.rejection.script import scripted_answer
from qvl.data.rejection.verifiers import final_answer, same_answer, whole_answer, with_steps
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step, map_step
from qvl.data.synth.charts.samples import chart_sample
from qvl.data.synth.interleaved.articles import interleaved_sample
from qvl.data.synth.maths.figures import figure_sample
from qvl.data.synth.maths.samples import maths_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.errors import ConfigError
from qvl.messages import Conversation, SamplingParams
from qvl.recipes.asked_model import UNNAMED, Asked, asked_model

DRAWN = 100_000
DEFECTS = 0.5
"""Share of drawn articles with a defect, so that every rule has something to do."""

Questions = Literal["all", "maths", "figures", "charts", "counting"]


def interleaved(
    *,
    data: Path | None = None,
    root: Path | None = None,
    licence: str = "",
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    generator: Asked | None = None,
    calibrations: Path | None = None,
    common_words: Path | None = None,
    flagged_words: Path | None = None,
    at_least: float = AT_LEAST,
    count: int = DRAWN,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Interleaved documents, cleaned and scored.

    Args:
        data: documents to curate: a folder of pages or shards, or a file of records; None draws
            articles, half of them with a defect.
        root: folder of the pictures; None for that of the data.
        licence: SPDX name of the terms of that data.
        endpoint: of the model that is asked where rules are unsure; without it those are kept.
        model: by which the server knows it.
        key_file: holds the server's key.
        generator: a model in the process, instead of a server.
        calibrations: folder with ``relevance.json`` and its like; those not there are not used.
        common_words: a file of words, one a line, that most words of a text have to be among.
        flagged_words: a file of words of which there may be few.
        at_least: lowest score that is kept, 0 to 10.
        count: of articles to draw, without data.
        seed: of drawn articles; another seed draws others.
    """
    asked = asked_model(generator, endpoint=endpoint, model=model, key_file=key_file)
    if calibrations is not None and not any(
        (calibrations / f"{name}.json").exists() for name in CRITERIA
    ):
        names = ", ".join(f"{name}.json" for name in CRITERIA)
        raise ConfigError(f"{calibrations} holds no calibration, expected some of {names}")
    rules = Cleaning(
        common_words=frozenset() if common_words is None else read_word_list(common_words),
        flagged_words=frozenset() if flagged_words is None else read_word_list(flagged_words),
    )
    steps = [
        map_step("clean nodes", partial(cleaned, rules=rules)),
        filter_step("clean documents", partial(worth_keeping, rules=rules)),
    ]
    for name in CRITERIA:
        path = None if calibrations is None else calibrations / f"{name}.json"
        scoring = Scoring(
            name=name,
            at_least=at_least,
            generator=asked,
            calibration=load_calibration(path) if path is not None and path.exists() else None,
        )
        steps.append(scoring_step(scoring))
    if data is not None:
        return open_data(data, root=root, licence=licence), steps
    draw = partial(interleaved_sample, defects=DEFECTS)
    mixture = Mixture(parts={"articles": (1.0, draw)})
    return DrawnSource(mixture=mixture, count=count, seed=seed), steps


def rejection(
    *,
    questions: Questions = "all",
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    generator: Asked | None = None,
    steps: bool = True,
    answers: int = 8,
    keep: int = 1,
    temperature: float = 0.8,
    least_right: float = 0.0,
    most_right: float = 1.0,
    count: int = DRAWN,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Reasoning that leads to right answers: sampled, verified, its steps checked.

    Asked are exercises in text, exercises about drawn figures, questions about charts that take
    several steps, and counts of drawn shapes. Without a model a script answers: worked solutions,
    and all kinds of slips.

    Args:
        questions: "maths", "figures", "charts", "counting", or "all" of them in equal parts.
        endpoint: of the model that answers, and judges what is said of pictures.
        model: by which the server knows it.
        key_file: holds the server's key.
        generator: a model in the process, instead of a server.
        steps: ask for steps; False for models that answer in a word.
        answers: to each question.
        keep: most of them kept.
        temperature: of the answers.
        least_right: questions with a smaller share of right answers are too hard.
        most_right: questions with a larger share are too easy.
        count: of questions.
        seed: another seed draws others.
    """
    asked = asked_model(generator, endpoint=endpoint, model=model, key_file=key_file)
    if asked is None and not steps:
        raise ConfigError(
            "steps is false without a model to ask: the script writes nothing but steps",
            hint="add --model NAME or --set endpoint=http://...",
        )
    judge = () if asked is None else (partial(judged_by_model, generator=asked),)
    params = (
        SamplingParams(max_tokens=2048, temperature=temperature, top_p=0.95)
        if steps
        else SamplingParams(max_tokens=32, temperature=temperature)
    )
    chosen = Rejection(
        generator=asked,
        script=scripted_answer if asked is None else None,
        verifier=same_answer,
        num_answers=answers,
        keep=keep,
        rate=(least_right, most_right),
        ask=with_steps if steps else as_asked,
        read=final_answer if steps else whole_answer,
        params=params,
        checks=(known_claims, *judge) if steps else (known_claims,),
    )
    names = tuple(_QUESTIONS) if questions == "all" else (questions,)
    parts = {name: (1.0, _QUESTIONS[name]) for name in names}
    source = DrawnSource(mixture=Mixture(parts=parts), count=count, seed=seed)
    return source, [rejection_step("answers", chosen)]


_QUESTIONS: Mapping[str, Generator] = {
    "maths": partial(maths_sample, questions=1, brief=0.0),
    "figures": partial(figure_sample, brief=0.0),
    "charts": partial(chart_sample, task="questions", most_turns=1, explained=True),
    # Few shapes are counted at a glance.
    "counting": partial(shapes_sample, forms=("count",), least=4, most=9, side_tokens=(8, 12)),
}


def as_asked(question: Conversation) -> Conversation:
    """Returns the question as it is."""
    return question
