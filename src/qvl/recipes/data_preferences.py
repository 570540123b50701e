"""Data runs of preferences: drawn with known faults, or a model's own answers.

Owns: which questions are asked, and what makes a pair. Does not own: faults
(``data.synth.faults``), sampling (``data.rejection``), training on them (``dpo``, ``reward``).

    generators -> right answer, faulty answer -> shards
    generators -> questions -> answers of a model, judged -> right against wrong -> shards
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from qvl.data.mixture import Mixture
from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.rejection.pairs import pair_step
from qvl.data.rejection.sampling import Rejection
from qvl.data.rejection.verifiers import Verdict, same_answer, same_boxes, whole_answer
from qvl.data.sources import DrawnSource, Source
from qvl.data.steps import Step
from qvl.data.synth.shapes import shapes_sample
from qvl.data.synth.text import line_sample, word_sample
from qvl.messages import SamplingParams
from qvl.recipes.asked_model import UNNAMED, Asked, asked_model
from qvl.recipes.data_curation import as_asked
from qvl.recipes.dpo import drawn_preferences
from qvl.tasks import grounding

SAMPLES = 10_000

# Questions whose answers can be told right from wrong: points are never the same to the pixel.
_QUESTIONS = Mixture(
    parts={
        "word": (0.3, word_sample),
        "line": (0.2, line_sample),
        "box": (0.2, partial(shapes_sample, least=2, most=4, forms=("box",))),
        "count": (0.15, partial(shapes_sample, least=2, forms=("count",))),
        "colour": (0.15, partial(shapes_sample, least=2, forms=("colour",))),
    }
)


def preferences(
    *,
    endpoint: str | None = None,
    model: str = UNNAMED,
    key_file: Path | None = None,
    generator: Asked | None = None,
    answers: int = 8,
    rejected: int = 1,
    temperature: float = 0.8,
    count: int = SAMPLES,
    seed: int = 0,
) -> tuple[Source, Sequence[Step]]:
    """Questions about drawn pictures with a right answer and worse ones.

    Without a model the worse answer is made of the right one: another place, number, word or form,
    too long, or cut. With one its own answers are compared: a right one, or the truth, against
    wrong ones; questions that it always answers rightly are dropped.

    Args:
        endpoint: of the model that answers.
        model: by which the server knows it.
        key_file: holds the server's key.
        generator: a model in the process, instead of a server.
        answers: of the model to each question.
        rejected: most wrong answers kept of a question.
        temperature: of the answers.
        count: of questions.
        seed: another seed draws others.
    """
    asked = asked_model(generator, endpoint=endpoint, model=model, key_file=key_file)
    if asked is None:
        return drawn_preferences(count, seed=seed), []
    rejection = Rejection(
        generator=asked,
        verifier=right_answer,
        num_answers=answers,
        ask=as_asked,
        read=whole_answer,
        params=SamplingParams(max_tokens=200, temperature=temperature),
    )
    source = DrawnSource(mixture=_QUESTIONS, count=count, seed=seed)
    return source, [pair_step("pairs", rejection, most=rejected)]


def right_answer(answer: str, sample: Sample) -> Verdict:
    """Boxes by their overlap, anything else as `same_answer` does."""
    truth = answer_text(sample.conversation.messages[-1])
    verifier = same_boxes if grounding.parse(truth).boxes else same_answer
    return verifier(answer, sample)
