"""Data runs that curate what is there: interleaved documents, and answers sampled and verified.

Owns: the two recipes and the models they ask. Does not own: rules, scores, checks (``data``).

    interleaved: documents -> cleaning -> four scores -> kept
    rejection: drawn questions with true answers -> sampled answers -> right, clean, true -> kept

Both ask a server when they get its address, else what is here: rules alone, or the embedded model.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

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
from qvl.data.mixture import Mixture
from qvl.data.rejection.claims import judged_by_model, scene_claims
from qvl.data.rejection.sampling import Rejection, rejection_step
from qvl.data.rejection.verifiers import same_text, whole_answer
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step, filter_step, map_step
from qvl.data.synth.interleaved.articles import interleaved_sample
from qvl.data.synth.shapes import shapes_sample
from qvl.endpoint.client import Endpoint
from qvl.errors import ConfigError
from qvl.messages import Conversation, SamplingParams, TextGenerator

DRAWN = 100_000
UNNAMED = "default"
"""The model of a server that has one and does not look at the name."""
DEFECTS = 0.5
"""Share of drawn articles with a defect, so that every rule has something to do."""


def interleaved(
    *,
    data: Path | None = None,
    root: Path | None = None,
    licence: str = "",
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    calibrations: Path | None = None,
    common_words: Path | None = None,
    flagged_words: Path | None = None,
    at_least: float = AT_LEAST,
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
        calibrations: folder with ``relevance.json`` and its like; those not there are not used.
        common_words: a file of words, one a line, that most words of a text have to be among.
        flagged_words: a file of words of which there may be few.
        at_least: lowest score that is kept, 0 to 10.
    """
    _check_asked(endpoint, model, key_file)
    generator = None if endpoint is None else served(endpoint, model, key_file)
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
            generator=generator,
            calibration=load_calibration(path) if path is not None and path.exists() else None,
        )
        steps.append(scoring_step(scoring))
    if data is not None:
        return open_data(data, root=root, licence=licence), steps
    draw = partial(interleaved_sample, defects=DEFECTS)
    return DrawnSource(mixture=Mixture(parts={"articles": (1.0, draw)}), count=DRAWN), steps


def rejection(
    *,
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    answers: int = 8,
    keep: int = 1,
    temperature: float = 0.8,
    least_right: float = 0.0,
    most_right: float = 1.0,
) -> tuple[Source, Sequence[Step]]:
    """Answers to questions about drawn shapes, sampled and verified.

    A served model is asked for steps, which are checked against the drawing and by the model
    itself; the embedded one answers in a word.

    Args:
        endpoint: of the model that answers; without it the embedded model does.
        model: by which the server knows it.
        key_file: holds the server's key.
        answers: to each question.
        keep: most of them kept.
        temperature: of the answers.
        least_right: questions with a smaller share of right answers are too hard.
        most_right: questions with a larger share are too easy.
    """
    _check_asked(endpoint, model, key_file)
    forms = ("colour", "shape", "count")
    parts = {form: (1.0, partial(shapes_sample, forms=(form,))) for form in forms}
    source = DrawnSource(mixture=Mixture(parts=parts), count=DRAWN)
    chosen = Rejection(
        generator=embedded,
        verifier=same_text,
        num_answers=answers,
        keep=keep,
        rate=(least_right, most_right),
        ask=as_asked,
        read=whole_answer,
        params=SamplingParams(max_tokens=32, temperature=temperature),
        checks=(scene_claims,),
    )
    if endpoint is not None:
        generator = served(endpoint, model, key_file)
        judge = partial(judged_by_model, generator=generator)
        chosen = Rejection(
            generator=generator,
            verifier=same_text,
            num_answers=answers,
            keep=keep,
            rate=(least_right, most_right),
            params=SamplingParams(max_tokens=2048, temperature=temperature, top_p=0.95),
            checks=(scene_claims, judge),
        )
    return source, [rejection_step("answers", chosen)]


def _check_asked(endpoint: str | None, model: str, key_file: Path | None) -> None:
    """A model's name or key without its server would change nothing, and nobody would see it."""
    if endpoint is None and (model != UNNAMED or key_file is not None):
        raise ConfigError(
            "a model or a key without the server to ask", hint="add --set endpoint=http://..."
        )


def as_asked(question: Conversation) -> Conversation:
    """Returns the question as it is."""
    return question


def served(endpoint: str, model: str, key_file: Path | None) -> Callable[[], TextGenerator]:
    """Returns what makes the client of a server; the key is read where it is needed, so that it is
    in no record of the run."""
    return partial(_client, endpoint, model, key_file)


def _client(endpoint: str, model: str, key_file: Path | None) -> TextGenerator:
    key = None
    if key_file is not None:
        try:
            key = key_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"key file {key_file} cannot be read") from error
    return Endpoint(url=endpoint, model=model, api_key=key)


def embedded() -> TextGenerator:
    """Returns an engine with the embedded model, on this process's processor."""
    # Other recipes need no torch, which takes seconds to import.
    import torch

    from qvl.checkpoint import hub
    from qvl.inference.engine import Engine
    from qvl.inference.prepack import load_for_inference
    from qvl.processing.processor import Processor

    folder = hub.resolve(None)
    device = torch.device("cpu")
    network = load_for_inference(folder, dtype=torch.float32, device=device)
    return Engine(network, Processor.from_folder(folder))
