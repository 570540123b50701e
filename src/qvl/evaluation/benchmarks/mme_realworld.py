"""MME-RealWorld (arXiv 2408.13257): small things in large pictures; English, Chinese, and lite.

Layout: yifanzhang114/MME-RealWorld-Lmms-eval and its CN and lite kin, train-*.parquet: bytes (a
picture in base64), index, question, "multi-choice options" ("(A) ..."), answer, category
("Perception/..."), l2-category. Licence CC BY-NC.
Prompt: the authors', as in lmms-eval 0.7.3 (mme_realworld/utils.py).
Score: the letter; the mean is over all questions. The authors' script takes the first of the
letters in the answer, even the one of "Answer".
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.benchmarks.choices import options_in, options_of, score_letter
from qvl.evaluation.layouts.pictures import from_base64
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.scoring import mean_percent, percents_by
from qvl.messages import SamplingParams

_ENGLISH = (
    "The choices are listed below:\n",
    "Select the best answer to the above multiple-choice question based on the image. Respond "
    "with only the letter (A, B, C, D, or E) of the correct option.\nThe best answer is: ",
)
_CHINESE = (
    "选项如下所示:\n",
    "根据图像选择上述多项选择题的最佳答案。"
    "只需回答正确选项的字母（A, B, C, D 或 E）。\n最佳答案为： ",
)


def _load(folder: Path, split: str, *, words: tuple[str, str]) -> Iterator[Question]:
    opening, closing = words
    for row in parquet_rows(folder, split):
        lines = "\n".join(options_of(row, "multi-choice options"))
        picture = row.get("bytes")
        category = str(row["category"])
        yield ask(
            row,
            folder,
            key=str(row["index"]),
            pictures=[
                from_base64(picture, where=row.where) if isinstance(picture, str) else picture
            ],
            words=f"{row['question']} {opening}{lines}\n{closing}",
            truth=str(row["answer"]).strip("() ").upper(),
            groups={
                "group": "perception" if "perception" in category.lower() else "reasoning",
                "task": category.rsplit("/", 1)[-1],
                "area": str(row.get("l2-category", "")),
            },
            facts={"options": options_in(lines.replace("（", "(").replace("）", ")"))},
        )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    return {**mean_percent(scored), **percents_by(scored, "group")}


def _benchmark(
    name: str, title: str, source: str, words: tuple[str, str], published: dict[str, float]
) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="general",
        split="train",
        source=source,
        load=partial(_load, words=words),
        score=score_letter,
        total=_total,
        metric="accuracy",
        published=published,
        params=SamplingParams(max_tokens=64),
    )


MME_REALWORLD = _benchmark(
    "mme-realworld",
    "MME-RealWorld",
    "yifanzhang114/MME-RealWorld-Lmms-eval",
    _ENGLISH,
    {"3b": 53.1, "7b": 57.4, "72b": 63.2},
)
MME_REALWORLD_CN = _benchmark(
    "mme-realworld-cn",
    "MME-RealWorld Chinese",
    "yifanzhang114/MME-RealWorld-CN-Lmms-eval",
    _CHINESE,
    {},
)
MME_REALWORLD_LITE = _benchmark(
    "mme-realworld-lite",
    "MME-RealWorld lite",
    "yifanzhang114/MME-RealWorld-lite-lmms-eval",
    _ENGLISH,
    {},
)
