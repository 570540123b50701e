"""OmniDocBench (arXiv 2412.07626): pages of documents to be written as Markdown.

Layouts: opendatalab/OmniDocBench, OmniDocBench.json (a list of pages with layout_dets, page_info,
extra) and images/; or the table of VLMEvalKit, OmniDocBench.tsv with image in base64 and answer
(one page as JSON). Version 1.0 has 981 pages; later versions name the subset of a page, of which
version 1.5's 1355 pages are taken.
Prompt: the benchmark's own, as in VLMEvalKit.
Score: `omnidocbench-en` and `-zh` are the report's: the mean of four distances, of text, formulas,
tables and reading order, each the mean over the pages that have it, smaller is better.
`omnidocbench-v1.5` is the mean of 100 less the distance of the text, TEDS of tables and a score of
formulas; the official one is CDM, which needs LaTeX with its fonts, so the number here is named
after what stands for it, `overall_token_f1`, and must not be set beside official ones; the title
on its pages says so too.
lmms-eval's rule is another one, see ``scorers/omnidocbench``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.pictures import TsvPictures
from qvl.evaluation.layouts.rows import Row, json_rows, tsv_rows
from qvl.evaluation.scorers.omnidocbench_page import Block, PageResult, blocks_of, score_page
from qvl.evaluation.scorers.score import Score, mean
from qvl.messages import SamplingParams

_PROMPT = r"""You are an AI assistant specialized in converting PDF images to Markdown format. \
Please follow these instructions for the conversion:

    1. Text Processing:
    - Accurately recognize all text content in the PDF image without guessing or inferring.
    - Convert the recognized text into Markdown format.
    - Maintain the original document structure, including headings, paragraphs, lists, etc.

    2. Mathematical Formula Processing:
    - Convert all mathematical formulas to LaTeX format.
    - Enclose inline formulas with \( \). For example: This is an inline formula \( E = mc^2 \)
    - Enclose block formulas with \\[ \\]. For example: \[ \frac{-b \pm \sqrt{b^2 - 4ac}}{2a} \]

    3. Table Processing:
    - Convert tables to HTML format.
    - Wrap the entire table with <table> and </table>.

    4. Figure Handling:
    - Ignore figures content in the PDF image. Do not attempt to describe or convert images.

    5. Output Format:
    - Ensure the output Markdown document has a clear structure with appropriate line breaks \
between elements.
    - For complex layouts, try to maintain the original document's structure and format as closely \
as possible.

    Please strictly follow these guidelines to ensure accuracy and consistency in the conversion. \
Your task is to accurately convert the content of the PDF image into Markdown format without \
adding any extra explanations or comments.""".replace("\\\n", "")
"""Source: VLMEvalKit OmniDocBench/omnidocbench.py."""
_KINDS = ("text", "formula", "table", "order")
_FILE, _TABLE = "OmniDocBench.json", "OmniDocBench.tsv"
_SUBSET = "v1.5"


def _pages(folder: Path) -> Iterator[tuple[Row, Mapping[str, Any], Any]]:
    """Each page with its row and its picture."""
    if (folder / _TABLE).is_file():
        pictures = TsvPictures(folder / _TABLE)
        for row in tsv_rows(folder / _TABLE, columns=("image", "answer")):
            try:
                page = json.loads(row["answer"])
            except ValueError as error:
                raise DataError(f"{row.where}: answer is not JSON: {error}") from error
            yield row, page, pictures.of(row)[0] if row.get("image") else None
        return
    for row in json_rows(folder / _FILE):
        name = Path(str(row["page_info"].get("image_path", ""))).name
        yield row, row.values, f"images/{name}" if name else None


def _load(folder: Path, split: str, *, language: str) -> Iterator[Question]:
    for number, (row, page, picture) in enumerate(_pages(folder)):
        try:
            attributes = page["page_info"]["page_attribute"]
            blocks = blocks_of(page)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{row.where} is no page of OmniDocBench: {type(error).__name__} {error}",
                hint="it has layout_dets, page_info and extra",
            ) from error
        if language and attributes.get("language") != language:
            continue
        if attributes.get("subset", _SUBSET) != _SUBSET:
            continue
        yield ask(
            row,
            folder,
            key=str(number),
            pictures=[picture],
            words=_PROMPT,
            truth=[asdict(block) for block in blocks],
            groups={
                "source": str(attributes.get("data_source", "")),
                "layout": str(attributes.get("layout", "")),
                "language": str(attributes.get("language", "")),
            },
        )


def _score(question: Question, reply: Reply) -> Score:
    return score_page(answer=reply.text, truth=[Block(**block) for block in question.truth])


def _result(item: Scored) -> PageResult:
    if isinstance(item.score, PageResult):
        return item.score
    return score_page(answer=item.text, truth=[Block(**block) for block in item.truth])


def _numbers(results: Sequence[PageResult]) -> dict[str, float]:
    found: dict[str, float] = {}
    for kind in _KINDS:
        distances = [getattr(result, kind).distance for result in results]
        stated = [distance for distance in distances if distance is not None]
        if stated:
            found[f"{kind}_edit"] = mean(stated)
    for name in ("teds", "token_f1"):
        pages = [mean(values) for result in results if (values := getattr(result, name))]
        every = [value for result in results for value in getattr(result, name)]
        if pages:
            found[name] = 100 * mean(pages)
            found[f"{name}_of_all"] = 100 * mean(every)
    return found


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = _numbers([_result(item) for item in scored])
    edits = [found[f"{kind}_edit"] for kind in _KINDS if f"{kind}_edit" in found]
    parts = [100 * (1 - found["text_edit"])] if "text_edit" in found else []
    parts += [found[name] for name in ("teds_of_all", "token_f1_of_all") if name in found]
    return {
        "overall_edit": mean(edits) if edits else 0.0,
        "overall_token_f1": mean(parts) if parts else 100.0,
        **found,
    }


_benchmark = partial(
    Benchmark,
    area="documents",
    split="test",
    source="opendatalab/OmniDocBench",
    score=_score,
    total=_total,
    params=SamplingParams(max_tokens=8192),
)
OMNIDOCBENCH_EN = _benchmark(
    name="omnidocbench-en",
    title="OmniDocBench English",
    load=partial(_load, language="english"),
    metric="overall_edit",
    published={"3b": 0.409, "7b": 0.308, "72b": 0.226},
)
OMNIDOCBENCH_ZH = _benchmark(
    name="omnidocbench-zh",
    title="OmniDocBench Chinese",
    load=partial(_load, language="simplified_chinese"),
    metric="overall_edit",
    published={"3b": 0.543, "7b": 0.398, "72b": 0.324},
)
OMNIDOCBENCH_V15 = _benchmark(
    name="omnidocbench-v1.5",
    title="OmniDocBench v1.5, formulas by tokens instead of CDM",
    load=partial(_load, language=""),
    metric="overall_token_f1",
)
