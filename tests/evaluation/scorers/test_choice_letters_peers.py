"""The letter by the rules of other harnesses, with their mistakes mended."""

import pytest

from qvl.evaluation.scorers.choice_letters_peers import (
    REFUSED,
    can_infer,
    can_infer_qwen,
    mvbench_lmms_eval,
    mvbench_vlmevalkit,
    video_mme_letter,
)
from tests.evaluation.scorers.vectors import vectors
from tests.material import requires_material

VIDEO_MME_DIFFER = {
    "Best answer:C": "a comma is missing in their list of phrases, so the B of Best is taken",
}


@requires_material
def test_recorded_inferences() -> None:
    for case in vectors("option_inference"):
        assert (can_infer(case["response"], case["options"]) or False) == case["option"], case


@requires_material
def test_recorded_video_mme_letters() -> None:
    for case in vectors("choice_letters"):
        letter = video_mme_letter(case["response"]) or ""
        agrees = case["response"] not in VIDEO_MME_DIFFER
        assert (letter == case["vlmevalkit"]) is agrees, case


@requires_material
def test_recorded_mvbench_scores() -> None:
    for case in vectors("choice_letters"):
        score = mvbench_lmms_eval(answer=case["response"], truth=case["mvbench"]["answer"])
        assert score.value == case["mvbench"]["score"], case


def test_vlmevalkit_wants_the_letter_near_the_end() -> None:
    options = {"A": "cat", "B": "dog"}
    answer = "B fits well here I am rather sure"
    assert can_infer(answer, options) is None
    assert can_infer_qwen(answer, options) == "B"


def test_qwen_takes_a_lone_a_for_an_article() -> None:
    options = {"A": "cat", "B": "dog"}
    assert can_infer("there it is A", options) == "A"
    assert can_infer_qwen("there it is A", options) is None
    assert can_infer_qwen("it is A", options) == "A"


def test_refusals() -> None:
    assert can_infer("Cannot determine the answer", {"A": "x"}) == REFUSED
    assert can_infer_qwen("Z", {"A": "x"}) == REFUSED


@pytest.mark.parametrize("answer", ["", ".", "(", " ( ) "])
def test_nothing_is_wrong_in_mvbench(answer: str) -> None:
    """VLMEvalKit counts these as right, lmms-eval leaves the empty one out of the mean."""
    assert mvbench_vlmevalkit(answer=answer, truth="(B) run").value == 0
    assert mvbench_lmms_eval(answer=answer, truth="B. run").value == 0


def test_mvbench_first_word() -> None:
    assert mvbench_vlmevalkit(answer="(B) run", truth="(B) run").value == 1
    assert mvbench_vlmevalkit(answer="C.", truth="(B) run").value == 0
