"""LiveBench's coding: tests that are unpacked but not unpickled, programs that are run on them."""

import base64
import json
import pickle
import sys
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import ConfigError, DataError
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.benchmarks import competition_tests
from qvl.evaluation.benchmarks.competition_tests import cases_of
from qvl.evaluation.benchmarks.livebench_coding import LIVEBENCH_CODING
from qvl.evaluation.benchmarks.program_cases import Case
from qvl.evaluation.scoring import check_code_allowed
from tests.evaluation.benchmarks.published import load, numbers, parquet, values, words

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runs programs")


def _packed(value: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value, protocol))).decode()


def _tests(*pairs: tuple[str, str]) -> str:
    return json.dumps([{"input": a, "output": b, "testtype": "x"} for a, b in pairs])


def _row(key: str, task: str, public: str, private: str, function: str, begun: str = "") -> Any:
    return {
        "question_id": key, "category": "coding", "task": task, "turns": [f"Solve {key}"],
        "question_title": key, "public_test_cases": public, "private_test_cases": private,
        "original_json": {"metadata": json.dumps({"func_name": function} if function else {})},
        "partial_solution": begun, "solution": "x", "remainder": "y",
        "livebench_release_date": datetime(2024, 6, 24), "livebench_removal_date": "",
    }  # fmt: skip


TWICE = _row(
    "twice", "LCB_generation", _tests(("[1, 2]\n3", "[3, 6]")),
    _packed(_tests(("[]\n1", "[]"), ("[5]\n0", "[0]"))), "twice",
)  # fmt: skip
RIGHT = """```python
class Solution:
    def twice(self, values: List[int], by: int) -> List[int]:
        print("noise")
        return [by * value for value in values]
```"""


@linux
def test_functions_are_called(tmp_path: Path) -> None:
    (question,) = load(LIVEBENCH_CODING, parquet(tmp_path / "data", "test", [TWICE]).parent)
    assert words(question) == "Solve twice"
    assert values(
        LIVEBENCH_CODING,
        question,
        RIGHT,
        RIGHT.replace("return [", "return tuple([").replace("values]", "values])"),
        RIGHT.replace("by * value", "3 * value"),
        "```python\ndef twice(values, by):\n    return list(map(partial(mul, by), values))\n```",
        "```python\ndef thrice(values, by): ...\n```",
        "no idea",
    ) == [1, 1, 0, 1, 0, 0]
    wrong = LIVEBENCH_CODING.score(question, Reply(text=RIGHT.replace("by * value", "3 * value")))
    assert wrong.why == "case 3: '[15]' for '[0]'"
    ended = LIVEBENCH_CODING.score(question, Reply(text=RIGHT.replace("return", "exit(0)\n#")))
    assert ended.value == 0


@linux
def test_programs_read_and_print_and_half_solutions_go_on(tmp_path: Path) -> None:
    tests = _tests(("2\n0.5\n0.25", "0.75\n"), ("0", "0"))
    begun = "import sys\ndef main():\n    n, *rest = sys.stdin.read().split()"
    rows = [
        _row("sum", "LCB_generation", tests, _packed(_tests(("1\n7", "7"))), ""),
        _row("half", "coding_completion", tests, "[]", "", begun),
        _row("later", "code_generation", "", "", ""),
    ]
    questions = load(LIVEBENCH_CODING, parquet(tmp_path / "data", "test", rows).parent)
    whole = "```python\nn = int(input())\nprint(sum(float(input()) for _ in range(n)))\n```"
    rest = "```python\n    print(sum(map(float, rest)))\nmain()\n```"
    both = f"```python\n{begun}\n{rest.partition(chr(10))[2]}"
    assert values(LIVEBENCH_CODING, questions[0], whole, whole.replace("sum", "max")) == [1, 0]
    wrong = rest.replace("sum", "max")
    assert values(LIVEBENCH_CODING, questions[1], rest, both, wrong) == [1, 1, 0]
    later = LIVEBENCH_CODING.score(questions[2], Reply(text=whole))
    assert (later.is_parsed, later.why) == (False, "code_generation needs packages")
    found = numbers(LIVEBENCH_CODING, questions, [whole, "", whole])
    assert (found["mean_of_tasks"], found["tasks"], found["tasks_ruled"]) == (50, 3, 2)


def test_its_programs_need_leave_and_its_rows_metadata(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="running programs that the model wrote"):
        check_code_allowed(LIVEBENCH_CODING, allow_code=False)
    row = {**TWICE, "original_json": {"metadata": "{"}}
    with pytest.raises(DataError, match="original_json has no metadata"):
        load(LIVEBENCH_CODING, parquet(tmp_path / "data", "test", [row]).parent)


@pytest.mark.parametrize("protocol", range(1, pickle.HIGHEST_PROTOCOL + 1))
def test_hidden_tests_are_read_in_every_protocol(protocol: int) -> None:
    for text in ("a", "é" * 300, "b" * 100_000):
        packed = _packed(_tests((text, "1")), protocol)
        assert cases_of(_tests(("0", "0")), packed) == [Case("0", "0"), Case(text, "1")]


class _Trap:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def test_a_pickle_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(DataError, match="tests are a pickle with"):
        cases_of(_packed(_Trap(mark)))
    assert not mark.exists()
    pickle.loads(zlib.decompress(base64.b64decode(_packed(_Trap(mark)))))
    assert mark.exists()  # the trap is one


def test_damaged_or_endless_tests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    good = _packed(_tests(("1", "1")))
    for text, why in (
        ("", "tests are"),
        ("{}", "tests are damaged"),
        (good[:-8], "tests are"),
        (_packed(["a", "b"]), "expected one text"),
        (_packed(7), "expected one text"),
        (_packed("{}"), "tests are a dict, expected a list"),
        (_packed("[1]"), "a test has no 'input'"),
        ('[{"input": "1", "output": 1}]', "a test has no 'output'"),
        ("[" * 100_000, "tests are no JSON"),
        (base64.b64encode(zlib.compress(b"\x80\x04X")).decode(), "tests are damaged"),
    ):
        with pytest.raises(DataError, match=why):
            cases_of(text)
    monkeypatch.setattr(competition_tests, "_MOST_BYTES", 20)
    with pytest.raises(DataError, match="more than 20 bytes"):
        cases_of(good)
