"""HumanEval and MultiPL-E: programs of answers, joined with their tests and run in a sandbox."""

import shutil
import sys
from pathlib import Path

import pytest

from qvl.errors import ConfigError, DataError, MissingDependencyError
from qvl.evaluation.benchmark import Reply
from qvl.evaluation.benchmarks.code_blocks import C_LIKE, SCRIPT, SHELL, code_in, joined
from qvl.evaluation.benchmarks.humaneval import HUMANEVAL
from qvl.evaluation.benchmarks.multipl_e import MULTIPL_E
from qvl.evaluation.scoring import check_code_allowed
from tests.evaluation.benchmarks.published import load, numbers, parquet, values, words

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runs programs")

HUMANEVAL_ROW = {
    "task_id": "HumanEval/0",
    "prompt": "from typing import List\n\n\ndef one() -> int:\n    return 1\n\n\n"
    'def add(values: List[int]) -> int:\n    """ Sum and one. """\n',
    "canonical_solution": "    return sum(values) + one()\n",
    "test": "def check(candidate):\n    assert candidate([2, 3]) == 6\n"
    "    assert candidate([]) == 1\n",
    "entry_point": "add",
}
RIGHT = """Sure:
```python
def add(values: List[int]) -> int:
    return sum(values) + one()
```
Done."""


@linux
def test_humaneval(tmp_path: Path) -> None:
    (question,) = load(
        HUMANEVAL, parquet(tmp_path / "openai_humaneval", "test", [HUMANEVAL_ROW]).parent
    )
    assert words(question).startswith("Please provide a self-contained Python script that solves")
    assert words(question).endswith('    """ Sum and one. """\n```\n')
    assert values(
        HUMANEVAL,
        question,
        RIGHT,
        "    return sum(values) + one()",
        "```python\ndef add(values):\n    return 6\n```",
        "```python\nimport os\ndef add(values):\n    os._exit(0)\n```",
    ) == [1, 1, 0, 0]
    ended = HUMANEVAL.score(question, Reply(text="```\ndef add(v): raise SystemExit\n```"))
    assert ended.why == "ended before its tests"
    wrong = HUMANEVAL.score(question, Reply(text="```\ndef add(v): return v[0]\n```"))
    assert "AssertionError" in wrong.why


def test_programs_run_only_where_it_was_allowed() -> None:
    for benchmark in (HUMANEVAL, MULTIPL_E):
        with pytest.raises(ConfigError, match="running programs that the model wrote") as error:
            check_code_allowed(benchmark, allow_code=False)
        assert "--allow-code" in str(error.value.hint)
        check_code_allowed(benchmark, allow_code=True)


def _row(language: str, prompt: str, tests: str) -> dict[str, object]:
    return {"name": "HumanEval_1_two", "language": language, "prompt": prompt, "tests": tests,
            "doctests": "transform", "original": "x.py", "stop_tokens": ["\n}"]}  # fmt: skip


PROGRAMS = {
    "cpp": (
        "#include<assert.h>\n// Twice x.\nlong twice(long x) {\n",
        "}\nint main() {\n    auto candidate = twice;\n    assert(candidate((2)) == (4));\n}\n",
        "#include <cmath>\nlong half(long x) { return x / 2; }\nlong twice(long x) {\n"
        "    if (x < 0) { return -half(-4 * x); }\n    return 2 * x;\n}\n"
        "int main() { return 1; }\n",
        "g++",
    ),
    "js": (
        "//Twice x.\nfunction twice(x){\n",
        "const assert = require('node:assert');\nfunction test() {\n"
        "  assert.deepEqual(twice(2), 4);\n}\n\ntest();",
        "const two = 2;\nfunction twice(x) {\n  return two * x;\n}\n",
        "node",
    ),
    "sh": (
        "#!/bin/bash\n# Twice $1.\n# $1 is an integer\ntwice() {\n",
        '}\n\ncandidate() {\n    twice "$@"\n}\n\nset -e\nrun_test() {\n'
        '    [[ $(candidate "2") = "4" ]]\n}\n\nrun_test',
        "twice() {\n    # it's twice }\n    echo $(( 2 * $1 ))\n}\n",
        "bash",
    ),
}


@linux
@pytest.mark.parametrize("language", PROGRAMS)
def test_multipl_e(tmp_path: Path, language: str) -> None:
    prompt, tests, code, program = PROGRAMS[language]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    parquet(tmp_path / f"humaneval-{language}", "test", [_row(language, prompt, tests)])
    (question,) = load(MULTIPL_E, tmp_path, language)
    assert words(question).endswith(f"\n```{language}\n{prompt.rstrip()}\n```")
    wrong = code.replace("2 * x", "3 * x").replace("two * x", "x").replace("2 * $1", "3 * $1")
    assert wrong != code
    answers = [f"```{language}\n{text}```" for text in (code, wrong)]
    assert values(MULTIPL_E, question, *answers) == [1, 0]


def test_multipl_e_names_what_is_missing(tmp_path: Path) -> None:
    row = _row("java", "class Problem {\n    public static long f() {\n", "    }\n}\n")
    for language in ("java", "rs"):
        parquet(tmp_path / f"humaneval-{language}", "test", [row])
    questions = load(MULTIPL_E, tmp_path, "java, rs")
    assert [question.groups["language"] for question in questions] == ["java", "rs"]
    with pytest.raises(MissingDependencyError, match="which is not in"):
        MULTIPL_E.score(questions[0], Reply(text="x"))
    with pytest.raises(DataError, match="has the language 'perl', expected of cpp, cs"):
        load(MULTIPL_E, tmp_path, "perl")
    found = numbers(MULTIPL_E, questions, ["", ""])
    assert found == {"mean_of_languages": 0, "java": 0, "rs": 0}


def test_code_is_found_in_answers() -> None:
    answer = "```py\nx\n```\nthen\n```python\ndef f(): pass\n```\nor\n```\nf()\nf()\nf()\nf()\n```"
    assert code_in(answer, defines="def f") == "def f(): pass\n"
    assert code_in(answer) == "f()\nf()\nf()\nf()\n"
    assert code_in("```python\ndef f(): ret") == "def f(): ret"
    assert code_in("no block") == "no block"


def test_functions_are_cut_where_they_end() -> None:
    php = joined(
        "<?php\n// Greets.\nfunction greet($x) {\n",
        '<?php\nfunction greet($x) {\n  return \'}\' . "\\"}"; // }\n}\nfunction more() {}\n',
        "}\n\nfunction candidate(...$a) {\n    return greet(...$a);\n}\n",
        SCRIPT,
    )
    assert php.count("<?php") == 1
    assert php.endswith(
        "}\nfunction more() {}\n\n\nfunction candidate(...$a) {\n    return greet(...$a);\n}\n"
    )
    java = joined(
        "import java.util.*;\nclass Problem {\n    // Gives 'a'.\n    public static char f() {\n",
        "class Problem {\n    static char a = '{';\n    public static char f() {\n"
        "        return 'a';\n    }\n    static int g() { return 1; }\n}\n",
        "    }\n    public static void main(String[] args) {\n    }\n\n}\n",
        C_LIKE,
    )
    assert java.startswith("import java.util.*;\n    // Gives 'a'.\nclass Problem {\n")
    assert java.count("{") == java.count("}") + 1  # one stands in quotes
    assert java.index("int g()") < java.index("void main")
    # What has no function's first line goes on from the prompt.
    assert joined("f() {\n", "  echo 1\n}", "}\nf", SHELL) == "f() {\n  echo 1\n}\nf"
    # A function without an end does not close.
    assert joined("f() {\n", "f() {\n  echo 1", "}\nf", SHELL) == "f() {\n  echo 1\n}\nf"
