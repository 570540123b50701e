"""Every scorer of text gets through a megabyte in bounded time, whatever it is made of."""

import time
from collections.abc import Callable

import pytest

from qvl.evaluation.scorers.anls import anls, anls_paper
from qvl.evaluation.scorers.captions import Captioned, bleu
from qvl.evaluation.scorers.chartqa import relaxed_accuracy
from qvl.evaluation.scorers.choice_letters import choice_letter
from qvl.evaluation.scorers.choice_letters_peers import (
    can_infer,
    can_infer_qwen,
    mvbench_lmms_eval,
    video_mme_letter,
)
from qvl.evaluation.scorers.constrained_text import keeps_constraints
from qvl.evaluation.scorers.counting import count
from qvl.evaluation.scorers.document_blocks import split_blocks
from qvl.evaluation.scorers.donut import parse_record
from qvl.evaluation.scorers.exact_match import exact_match
from qvl.evaluation.scorers.key_values import parse_key_values
from qvl.evaluation.scorers.maths import maths
from qvl.evaluation.scorers.mathvista import mathvista
from qvl.evaluation.scorers.mmmu import mmmu_letter, mmmu_open
from qvl.evaluation.scorers.ocrbench import ocrbench_text
from qvl.evaluation.scorers.omnidocbench import normalise_formula, page_distance
from qvl.evaluation.scorers.plans import plan_reaches_goal
from qvl.evaluation.scorers.text_recognition import cc_ocr_words, character_error_rate
from qvl.evaluation.scorers.translation import smoothed_bleu
from qvl.evaluation.scorers.vqa import evalai_vqa, vqa_v2
from qvl.evaluation.scorers.yes_no import read_yes_no, read_yes_no_pope

OPTIONS = {"A": "a cat", "B": "two dogs"}
SCORERS: dict[str, Callable[[str], object]] = {
    "exact_match": lambda text: exact_match(answer=text, truths=["a"]),
    "vqa_v2": lambda text: vqa_v2(answer=text, truths=["a"] * 10),
    "evalai_vqa": lambda text: evalai_vqa(answer=text, truths=["a"] * 10),
    "anls": lambda text: anls(answer=text, truths=["a"]),
    "anls_paper": lambda text: anls_paper(answer=text, truths=["a"]),
    "relaxed_accuracy": lambda text: relaxed_accuracy(answer=text, truth="1"),
    "ocrbench_text": lambda text: ocrbench_text(answer=text, truths=["never there"]),
    "cc_ocr_words": lambda text: cc_ocr_words(answer=text, truth="a"),
    "character_error_rate": lambda text: character_error_rate(answer=text, truth="a" * 300),
    "count": lambda text: count(answer=text, truth=2),
    "yes_no": lambda text: (read_yes_no(text), read_yes_no_pope(text)),
    "choice_letter": lambda text: choice_letter(text, options=OPTIONS),
    "can_infer": lambda text: (can_infer(text, OPTIONS), can_infer_qwen(text, OPTIONS)),
    "video_mme_letter": video_mme_letter,
    "mvbench": lambda text: mvbench_lmms_eval(answer=text, truth="A. a cat"),
    "mmmu_letter": lambda text: mmmu_letter(text, ["a cat", "two dogs"]),
    "mmmu_open": lambda text: mmmu_open(answer=text, truths=["7"]),
    "maths": lambda text: maths(answer=text, truth="\\frac{1}{2}"),
    "mathvista": lambda text: mathvista(extraction=text, truth="1", answer_type="integer"),
    "parse_key_values": parse_key_values,
    "parse_record": parse_record,
    "split_blocks": split_blocks,
    "page_distance": lambda text: page_distance(answer=split_blocks(text).texts, truth=["a b"]),
    "normalise_formula": normalise_formula,
    "bleu": lambda text: bleu([Captioned(answer=text, truths=["a cat"])]),
    "smoothed_bleu": lambda text: smoothed_bleu(answer=text, truth="a cat"),
    "plan": lambda text: plan_reaches_goal(answer=text, domain=text, problem=text),
    "constraints": lambda text: keeps_constraints(answer=text, constraints={"contain": text}),
}
PIECES = (
    " ",
    "a",
    "9",
    "1,",
    "A ",
    "yes ",
    "a: ",
    "x\n",
    "{",
    '{"a": ',
    "\\text{",
    "(",
    "-.",
    "'s",
)


@pytest.mark.parametrize(
    ("length", "limit_s"), [(200_000, 3), pytest.param(1_000_000, 10, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", SCORERS)
def test_any_megabyte_is_scored_in_bounded_time(name: str, length: int, limit_s: float) -> None:
    for piece in PIECES:
        start = time.process_time()
        SCORERS[name](piece * (length // len(piece)))
        assert time.process_time() - start < limit_s, piece
