"""OmniDocBench: pages as they are annotated, scored by the official rules."""

import base64
import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.benchmarks.omnidocbench import (
    OMNIDOCBENCH_EN,
    OMNIDOCBENCH_V15,
    OMNIDOCBENCH_ZH,
)
from qvl.evaluation.scorers.omnidocbench_page import (
    Block,
    PageResult,
    blocks_of,
    latex_token_f1,
    normal_formula,
    normal_table,
    normal_text,
    score_page,
)
from tests.evaluation.benchmarks.published import load, numbers, words
from tests.evaluation.test_layouts import png

TABLE = "<table><tr><td>a</td><td>b</td></tr></table>"


def det(category: str, order: float | None, number: int, **content: str) -> dict[str, Any]:
    """One annotated block."""
    return {"category_type": category, "poly": [0, 0, 9, 0, 9, 9, 0, 9], "ignore": False,
            "order": order, "anno_id": number, "attribute": {}, **content}  # fmt: skip


PAGE: dict[str, Any] = {
    "layout_dets": [
        det("title", 1, 1, text="Introduction"),
        det("text_block", 2, 2, text="The first half of a paragraph "),
        det("text_block", 4, 3, text="and its second half."),
        det("equation_isolated", 3, 4, latex=r"\[ E = mc^2 \]"),
        det("table", 5, 5, html=TABLE, latex="x"),
        det("header", None, 6, text="A running head of the page"),
        det("figure", 6, 7),
    ],
    "page_info": {
        "page_no": 0, "height": 30, "width": 40, "image_path": "docs/a.png",
        "page_attribute": {"data_source": "book", "language": "english", "layout": "single_column"},
    },
    "extra": {"relation": [
        {"source_anno_id": 2, "target_anno_id": 3, "relation_type": "truncated"},
        {"source_anno_id": 5, "target_anno_id": 7, "relation_type": "parent_son"},
    ]},
}  # fmt: skip
RIGHT = (
    f"# Introduction\n\nThe first half of a paragraph and its second half.\n\n$$E=mc^2$$\n\n{TABLE}"
)


def page(language: str = "english", **attributes: str) -> dict[str, Any]:
    """The page in another language."""
    other = copy.deepcopy(PAGE)
    other["page_info"]["page_attribute"] |= {"language": language, **attributes}
    return other


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pages as they are published."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(png())
    pages = [page(), page("simplified_chinese"), page(), page(subset="table_hard")]
    (tmp_path / "OmniDocBench.json").write_text(json.dumps(pages))
    return tmp_path


def test_pages_by_language_and_version(folder: Path) -> None:
    english, chinese, all_pages = (
        [question.key for question in load(benchmark, folder)]
        for benchmark in (OMNIDOCBENCH_EN, OMNIDOCBENCH_ZH, OMNIDOCBENCH_V15)
    )
    assert (english, chinese, all_pages) == (["0", "2"], ["1"], ["0", "1", "2"])
    first, _ = load(OMNIDOCBENCH_EN, folder)
    assert words(first).startswith("You are an AI assistant specialized in converting PDF images")
    assert not first.broken
    assert [block["category"] for block in first.truth][-1] == "text_block"
    (folder / "OmniDocBench.json").write_text(json.dumps([{"layout_dets": []}]))
    with pytest.raises(DataError, match="page_info"):
        load(OMNIDOCBENCH_EN, folder)


def test_numbers_of_a_run(folder: Path) -> None:
    questions = load(OMNIDOCBENCH_EN, folder)
    found = numbers(OMNIDOCBENCH_EN, questions, [RIGHT, RIGHT])
    assert found["overall_edit"] == 0
    assert found["overall_token_f1"] == pytest.approx(100)
    found = numbers(OMNIDOCBENCH_EN, questions, [RIGHT, ""])
    assert [found[f"{kind}_edit"] for kind in ("text", "formula", "table", "order")] == [0.5] * 4
    assert found["overall_edit"] == 0.5
    assert (found["teds"], found["token_f1"]) == (50, 50)


def test_a_page_by_hand() -> None:
    blocks = blocks_of(PAGE)
    assert [block.content for block in blocks if block.order == 2] == [
        "The first half of a paragraph and its second half."
    ]
    answer = RIGHT.replace("first", "frist").replace("c^2", "c^3").replace(">b<", ">c<")
    result = score_page(answer=answer, truth=blocks)
    # 12 letters of the title, 40 of the paragraph, the running head counts only if it is there.
    assert (result.text.edits, result.text.length) == (2, 12 + 40)
    assert (result.formula.edits, result.formula.length) == (1, 6)
    assert result.table.edits == 1
    assert result.teds == (pytest.approx(1 - 1 / 3),)
    assert result.order.edits == 0
    assert result.token_f1 == (pytest.approx(5 / 6),)
    swapped = "\n\n".join(reversed(RIGHT.split("\n\n")))
    assert score_page(answer=swapped, truth=blocks).order.distance == 1
    head = score_page(answer=f"{RIGHT}\n\nA running head of the page", truth=blocks)
    assert head.text.edits == 0
    added = score_page(answer=f"{RIGHT}\n\nwhat is not on the page", truth=blocks[:3])
    assert added.text.edits > 0


def test_an_unanswered_page_is_all_wrong() -> None:
    result = score_page(answer="", truth=blocks_of(PAGE))
    assert isinstance(result, PageResult)
    assert (result.value, result.is_parsed) == (0, False)


def test_normal_forms() -> None:
    pytest.importorskip("pylatexenc")
    assert normal_text(r"with \(x_1\) and $5$") == "withx_1and5"
    assert normal_text(r"$\frac{1}{$") == "1"  # a formula that was cut is read as far as it goes
    assert normal_formula(r"\[\begin{aligned} a \text{if} \end{aligned}\]") == "a{if}"
    assert normal_table('<table><tbody><tr><td align="left">x</td></tr></tbody></table>') == (
        '<html><body><table border="1" ><tr><td>x</td></tr></table></body></html>'
    )
    assert latex_token_f1(answer=r"\left( x \right)", truth="(x)").value == 1


def test_the_table_of_vlmevalkit(tmp_path: Path) -> None:
    with open(tmp_path / "OmniDocBench.tsv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(["index", "image", "answer"])
        writer.writerow(["0", base64.b64encode(png()).decode(), json.dumps(PAGE)])
    (question,) = load(OMNIDOCBENCH_EN, tmp_path)
    assert OMNIDOCBENCH_EN.score(question, Reply(text=RIGHT)).value == 1


def test_a_page_without_words_has_no_distance() -> None:
    assert score_page(answer="noise", truth=[]).value == 1
    assert score_page(answer="a", truth=[Block(category="title", order=1, content="$$")]).value == 0
