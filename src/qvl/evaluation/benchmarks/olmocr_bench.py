"""olmOCR-bench (arXiv 2502.18443): pages of PDF files, and unit tests of what was read from them.

Layout: allenai/olmOCR-bench, bench_data/*.jsonl, one test a line (pdf, page, id, type and what the
type needs), and bench_data/pdfs/. Licence ODC-BY. Pages are drawn once and kept beside the data, as
bench_data/rendered/NAME-PAGE.png, if the folder can be written.
Prompt: the authors' for models that were not trained for it, olmocr/bench/prompts.py.
Score: share of tests passed in each file, and of a test of every page that its text is readable;
the mean of these. Formulas are compared by text, not as they look, which is stricter: the mean is
called `mean_by_text` and must not be set beside published ones, except without the two files of
formulas (`mean_without_maths`).
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qvl.data.atomic import whole_file
from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.pictures import MissingMedium, file_below
from qvl.evaluation.layouts.rows import Row, json_rows
from qvl.evaluation.scorers.olmocr import passes, readable
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import SamplingParams
from qvl.processing.pdf import Pdf

_PROMPT = (
    "Please provide a natural, plain text representation of the document, formatted in Markdown. "
    "Skip any headers and footers. For ALL mathematical expressions, use LaTeX notation with \\( "
    "and \\) for inline equations and \\[ and \\] for display equations. Convert any tables into "
    "Markdown format."
)
_MAX_PIXELS = 2048 * 28 * 28
"""Of a page. Source: official cookbooks/document_parsing.ipynb."""
_READABLE = "readable"
_MATHS = ("arxiv_math", "old_scans_math")
_REJECTED = "rejected"


def _load(folder: Path, split: str) -> Iterator[Question]:
    root = folder / "bench_data" if (folder / "bench_data").is_dir() else folder
    files = sorted(root.glob("*.jsonl"))
    if not files:
        raise DataError(f"{root} has no .jsonl files of tests")
    for path in files:
        pages: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for row in json_rows(path):
            if row.get("checked") != _REJECTED:
                page = (str(row["pdf"]), int(row.get("page", 1)))
                pages.setdefault(page, []).append(row.values)
        for (name, number), tests in pages.items():
            row = Row(f"{path.name}: {name} page {number}", {})
            yield ask(
                row,
                root,
                key=f"{path.stem}-{name}-{number}",
                pictures=[_page(root, name, number, row.where)],
                words=_PROMPT,
                truth=tests,
                groups={"file": path.stem},
            )


def _page(root: Path, name: str, number: int, where: str) -> str | bytes:
    """The name of a drawn page, or its picture where nothing can be written."""
    kept = f"rendered/{name.removesuffix('.pdf')}-{number}.png"
    if (root / kept).is_file():
        return kept
    try:
        pdf = file_below(f"pdfs/{name}", root, where=where)
    except MissingMedium:
        return f"pdfs/{name}"  # said to be missing when the question is made
    with Pdf(pdf) as document:
        picture = document.render(number, max_pixels=_MAX_PIXELS).picture
    content = io.BytesIO()
    picture.save(content, "PNG")
    try:
        with whole_file(root / kept) as file:
            file.write(content.getvalue())
    except DataError:
        return content.getvalue()
    return kept


def _score(question: Question, reply: Reply) -> Score:
    scores = [passes(text=reply.text, test=test) for test in question.truth]
    failed = [score.why for score in scores if not score.value]
    return Score(
        value=mean([score.value for score in scores]),
        why=f"{len(failed)} of {len(scores)} tests failed: {'; '.join(failed[:5])}"
        if failed
        else f"passed {len(scores)} tests",
        is_parsed=bool(reply.text.strip()),
    )


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    files: dict[str, list[float]] = {}
    for item in scored:
        # Each test counts alike, whatever page it is of.
        files.setdefault(item.groups["file"], []).extend([item.score.value] * len(item.truth))
    found = {name: 100 * mean(values) for name, values in files.items()}
    found[_READABLE] = 100 * mean([readable(text=item.text).value for item in scored])
    rest = [value for name, value in found.items() if name not in _MATHS]
    return {
        "mean_by_text": mean(list(found.values())),
        "mean_without_maths": mean(rest),
        **found,
    }


OLMOCR_BENCH = Benchmark(
    name="olmocr-bench",
    title="olmOCR-bench",
    area="documents",
    split="test",
    source="allenai/olmOCR-bench",
    load=_load,
    score=_score,
    total=_total,
    metric="mean_by_text",
    params=SamplingParams(max_tokens=8192),
)
