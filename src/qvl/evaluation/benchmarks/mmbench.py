"""MMBench (arXiv 2307.06281), English, Chinese and version 1.1: choices asked in circles.

Layout: the TSV files of VLMEvalKit, MMBench_DEV_EN.tsv, MMBench_TEST_CN.tsv, MMBench_DEV_EN_V11.tsv
and so on: index, question, hint, A to D, answer, category, l2-category, image in base64 or the
index of the row that has it. Rotations of a question share their index modulo a million; of a file
that has none they are made here. The report's numbers are of the test split, whose answers only
the authors' server has; the default is the development split.
Prompt: VLMEvalKit and Qwen2-VL: hint, question, options, SELECT; in Chinese that of Qwen2-VL's
prompt.py.
Score: right only if every rotation is. `vanilla` is the first rotation alone; `can_infer` reads
letters by Qwen's copy of VLMEvalKit's rule.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import NOT_KNOWN, ask
from qvl.evaluation.benchmarks.choices import SELECT, asked_for_letter, score_letter
from qvl.evaluation.layouts.pictures import MissingMedium, TsvPictures
from qvl.evaluation.layouts.rows import Row, tsv_rows
from qvl.evaluation.scorers.choice_letters import scored as scored_letter
from qvl.evaluation.scorers.choice_letters_peers import can_infer_qwen
from qvl.evaluation.scorers.multiple_choice import ROTATION_STEP, circular_accuracy
from qvl.evaluation.scorers.score import Score
from qvl.messages import SamplingParams

_CHINESE = "请直接回答选项字母。"
_COLUMNS = ("index", "question", "A", "B", "image")
_LETTERS = "ABCDE"


def _load(folder: Path, split: str, *, ending: str) -> Iterator[Question]:
    path = folder / f"MMBench_{split.upper()}_{ending}.tsv"
    pictures = TsvPictures(path)
    has_rotations = any(_index(row) >= ROTATION_STEP for row in tsv_rows(path, columns=_COLUMNS))
    for row in tsv_rows(path):
        options = {name: text for name in _LETTERS if (text := _text(row, name))}
        truth = _text(row, "answer").upper()
        if truth and truth not in options:
            raise DataError(
                f"{row.where}: answer is {truth!r}, expected one of {', '.join(options)}"
            )
        images: list[bytes | None]
        try:
            images = [*pictures.of(row)]
        except MissingMedium:
            images = [None]
        for turn in range(1 if has_rotations else len(options)):
            turned = _rotated(options, turn)
            came_from = _rotated({letter: letter for letter in options}, turn)
            yield ask(
                row,
                folder,
                key=str(_index(row) + turn * ROTATION_STEP),
                pictures=images,
                words=asked_for_letter(
                    _text(row, "question"),
                    turned,
                    hint=_text(row, "hint"),
                    closing=_CHINESE if ending.startswith("CN") else SELECT,
                ),
                truth=next((new for new, old in came_from.items() if old == truth), ""),
                groups={
                    "ability": _text(row, "l2-category") or "other",
                    "category": _text(row, "category") or "other",
                },
                facts={
                    "options": turned,
                    "index": _index(row) + turn * ROTATION_STEP,
                    "cluster": str(_index(row) % ROTATION_STEP),
                },
            )


def _rotated(options: dict[str, str], turn: int) -> dict[str, str]:
    """Options moved on by so many letters.

    >>> _rotated({"A": "cat", "B": "dog", "C": "owl"}, 1)
    {'A': 'dog', 'B': 'owl', 'C': 'cat'}
    """
    texts = list(options.values())
    return dict(zip(options, texts[turn:] + texts[:turn], strict=True))


def _index(row: Row) -> int:
    value = str(row["index"]).removesuffix(".0")
    if not value.isdigit():
        raise DataError(f"{row.where}: index is {value[:40]!r}, expected a whole number")
    return int(value)


def _text(row: Row, name: str) -> str:
    """A field; pandas writes what is missing as nan."""
    value = str(row.get(name, "")).strip()
    return "" if value.lower() == "nan" else value


def _score(question: Question, reply: Reply) -> Score:
    if not question.truth:
        return NOT_KNOWN
    return score_letter(question, reply)


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = circular_accuracy([(item.facts["index"], item.score) for item in scored])
    inferred = circular_accuracy([(item.facts["index"], _inferred(item)) for item in scored])
    return {
        "circular": 100 * found.circular,
        "vanilla": 100 * found.vanilla,
        "can_infer": 100 * inferred.circular,
    }


def _inferred(item: Scored) -> Score:
    letter = can_infer_qwen(item.text, item.facts["options"]) if item.text else None
    return scored_letter(letter, item.truth or "none", item.text)


def _benchmark(name: str, title: str, ending: str, published: dict[str, float]) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="general",
        split="dev",
        source="opencompass/MMBench",
        load=partial(_load, ending=ending),
        score=_score,
        total=_total,
        metric="circular",
        published=published,
        params=SamplingParams(max_tokens=256),
    )


MMBENCH_EN = _benchmark("mmbench-en", "MMBench-EN", "EN", {"3b": 79.1, "7b": 83.5, "72b": 88.6})
MMBENCH_CN = _benchmark("mmbench-cn", "MMBench-CN", "CN", {"3b": 78.1, "7b": 83.4, "72b": 87.9})
MMBENCH_EN_V11 = _benchmark(
    "mmbench-en-v11", "MMBench-V1.1-EN", "EN_V11", {"3b": 77.4, "7b": 82.6, "72b": 88.4}
)
