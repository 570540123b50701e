"""How many cached answers the scorers get through in a second.

python benchmarks/scorers.py
python benchmarks/scorers.py --answers 5000

Every string metric scores the same answers: short ones, sentences and some paragraphs, damaged a
little, as models damage them. The last line is the time of all string metrics over all answers.
TEDS, maths and the metrics of sets run on fewer answers and are listed apart.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from qvl.evaluation.scorers.anls import anls, anls_paper
from qvl.evaluation.scorers.captions import Captioned, bleu, cider_d
from qvl.evaluation.scorers.chartqa import relaxed_accuracy
from qvl.evaluation.scorers.choice_letters import choice_letter
from qvl.evaluation.scorers.choice_letters_peers import can_infer, video_mme_letter
from qvl.evaluation.scorers.counting import count
from qvl.evaluation.scorers.donut import field_f1, tree_accuracy
from qvl.evaluation.scorers.exact_match import exact_match
from qvl.evaluation.scorers.key_values import key_value_f1, parse_key_values
from qvl.evaluation.scorers.maths import maths
from qvl.evaluation.scorers.mmmu import mmmu_letter, mmmu_open
from qvl.evaluation.scorers.ocrbench import ocrbench_text
from qvl.evaluation.scorers.omnidocbench import page_distance
from qvl.evaluation.scorers.teds import teds
from qvl.evaluation.scorers.text_recognition import (
    cc_ocr_words,
    character_error_rate,
    word_error_rate,
)
from qvl.evaluation.scorers.vqa import evalai_vqa, vqa_v2
from qvl.evaluation.scorers.yes_no import read_yes_no

SEED = 7
TEXT = (
    "the total of receipt is 12.50 a red bus 1,000 yes no station Paris don't two three north "
    "invoice number 2019 street blue answer B (C) not coca-cola km 50% cat"
)
WORDS = TEXT.split()
OPTIONS = {"A": "a cat", "B": "two dogs", "C": "the station", "D": "none of these"}
Pair = tuple[str, str]


def damaged(text: str, rng: random.Random) -> str:
    """A text with about one character in twenty changed."""
    return "".join(rng.choice("aeinorst ") if rng.random() < 0.05 else char for char in text)


def answers(count: int) -> list[Pair]:
    """Answers and truths: of 20, 15 of a few words, 4 sentences, 1 paragraph."""
    rng = random.Random(SEED)
    lengths = [2] * 15 + [12] * 4 + [80]
    pairs = []
    for index in range(count):
        truth = " ".join(rng.choices(WORDS, k=lengths[index % len(lengths)]))
        pairs.append((damaged(truth, rng), truth))
    return pairs


STRING_METRICS: dict[str, Callable[[str, str], object]] = {
    "exact_match": lambda a, t: exact_match(answer=a, truths=[t]),
    "vqa_v2": lambda a, t: vqa_v2(answer=a, truths=[t] * 8 + [a, "other"]),
    "evalai_vqa": lambda a, t: evalai_vqa(answer=a, truths=[t] * 8 + [a, "other"]),
    "anls": lambda a, t: anls(answer=a, truths=[t]),
    "anls_paper": lambda a, t: anls_paper(answer=a, truths=[t]),
    "relaxed_accuracy": lambda a, t: relaxed_accuracy(answer=a, truth=t),
    "ocrbench_text": lambda a, t: ocrbench_text(answer=a, truths=[t]),
    "cc_ocr_words": lambda a, t: cc_ocr_words(answer=a, truth=t),
    "character_error_rate": lambda a, t: character_error_rate(answer=a, truth=t),
    "word_error_rate": lambda a, t: word_error_rate(answer=a, truth=t),
    "count": lambda a, t: count(answer=a, truth=2),
    "read_yes_no": lambda a, t: read_yes_no(a),
    "choice_letter": lambda a, t: choice_letter(a, options=OPTIONS),
    "can_infer": lambda a, t: can_infer(a, OPTIONS),
    "video_mme_letter": lambda a, t: video_mme_letter(a),
    "mmmu_letter": lambda a, t: mmmu_letter(a, list(OPTIONS.values())),
    "mmmu_open": lambda a, t: mmmu_open(answer=a, truths=[t]),
}


def table(rng: random.Random, rows: int = 8, columns: int = 5) -> str:
    """A table of numbers and words."""
    cells = [[rng.choice(WORDS) for _ in range(columns)] for _ in range(rows)]
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in cells)
    return f"<table>{body}</table>"


def other_metrics(count: int) -> dict[str, tuple[int, Callable[[], object]]]:
    """Metrics of structures and of sets: how many answers each goes through, and the work."""
    rng = random.Random(SEED)
    pairs = answers(count)
    tables = [table(rng) for _ in range(max(2, count // 1000))]
    forms = [
        str({word: value for word, value in zip(a.split(), t.split(), strict=False)})
        for a, t in pairs
    ]
    records = [parse_key_values(form) for form in forms]
    pages = [[t for _, t in pairs[start : start + 20]] for start in range(0, count // 20, 20)]
    results = [(f"\\frac{{{n}}}{{{n + 3}}}", f"{n / (n + 3):.9f}") for n in range(1, count // 10)]

    def each(function: Callable[..., object], items: Sequence[tuple[object, object]]) -> None:
        for answer, truth in items:
            function(answer=answer, truth=truth)

    shifted = [*pairwise(records)]
    return {
        "parse_key_values": (count, lambda: [parse_key_values(form) for form in forms]),
        "key_value_f1": (len(shifted), partial(each, key_value_f1, shifted)),
        "field_f1": (len(shifted), partial(each, field_f1, shifted)),
        "tree_accuracy": (len(shifted) // 20, partial(each, tree_accuracy, shifted[::20])),
        "teds, 8 x 5 cells": (
            len(tables) - 1,
            partial(each, teds, [*pairwise(tables)]),
        ),
        "page_distance, 20 blocks": (
            len(pages) - 1,
            partial(each, page_distance, [*pairwise(pages)]),
        ),
        "maths": (len(results), partial(each, maths, results)),
        "bleu": (count, lambda: bleu([Captioned(answer=a, truths=[t]) for a, t in pairs])),
        "cider_d": (count, lambda: cider_d([Captioned(answer=a, truths=[t]) for a, t in pairs])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--answers", type=int, default=100_000, help="how many cached answers")
    count = parser.parse_args().answers
    pairs = answers(count)
    print(f"{'metric':<28}{'answers':>10}{'seconds':>10}{'answers/s':>12}")
    total = 0.0
    for name, metric in STRING_METRICS.items():
        start = time.process_time()
        for answer, truth in pairs:
            metric(answer, truth)
        total += report(name, count, time.process_time() - start)
    report("all string metrics", count, total)
    print()
    for name, (number, work) in other_metrics(count).items():
        start = time.process_time()
        work()
        report(name, number, time.process_time() - start)


def report(name: str, count: int, seconds: float) -> float:
    """Prints a row and returns its seconds of processor time."""
    print(f"{name:<28}{count:>10,}{seconds:>10.2f}{count / max(seconds, 1e-9):>12,.0f}", flush=True)
    return seconds


if __name__ == "__main__":
    main()
