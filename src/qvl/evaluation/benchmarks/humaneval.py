"""HumanEval (arXiv 2107.03374): Python functions that are run against tests.

Layout: openai/openai_humaneval, openai_humaneval/test-*.parquet: task_id, prompt, test,
entry_point, canonical_solution. Licence MIT.
Prompt: EvalPlus (evalplus/provider/utility.py) for models that chat.
Score: the tests pass, once, greedily (pass@1). They run in a sandbox, only where code of the model
is allowed (`--allow-code`), without packages but Python's own; a program that ends before its tests
did is wrong.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.code_blocks import code_in
from qvl.evaluation.layouts.rows import parquet_rows
from qvl.evaluation.sandbox import PYTHON, Limits, Sandbox
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scoring import mean_percent
from qvl.messages import Conversation, SamplingParams

_WORDS = (
    "Please provide a self-contained Python script that solves the following problem in a markdown "
    "code block:\n```python\n{prompt}\n```\n"
)
_LIMITS = Limits(seconds=15)


def _load(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split, config="openai_humaneval"):
        yield Question(
            key=str(row["task_id"]),
            conversation=Conversation.user(_WORDS.format(prompt=str(row["prompt"]).strip())),
            truth=str(row["test"]),
            facts={"prompt": str(row["prompt"]), "function": str(row["entry_point"])},
        )


def _score(question: Question, reply: Reply) -> Score:
    function, done = question.facts["function"], secrets.token_hex(16)
    program = program_of(reply.text, question.facts["prompt"], function)
    tests = f"{question.truth}\ncheck({function})\nprint({done!r})\n"
    with Sandbox({"program.py": f"{program}\n{tests}"}) as box:
        ran = box.run([PYTHON, "-I", "program.py"], limits=_LIMITS)
    passed = ran.is_ok and ran.output.rstrip().endswith(done)
    why = "all tests pass" if passed else "ended before its tests" if ran.is_ok else ran.why
    return Score(value=float(passed), why=why, is_parsed=bool(reply.text.strip()))


def program_of(answer: str, prompt: str, function: str) -> str:
    """The program in an answer, after what the prompt has: imports and functions that it may use.

    >>> print(program_of("    return 1", 'def f():\\n    "one"\\n', "f"))
    def f():
        "one"
        return 1
    """
    code = code_in(answer, defines=f"def {function}")
    if f"def {function}" in code:
        return f"{prompt.rstrip()}\n    pass\n\n{code}"
    return f"{prompt.rstrip()}\n{code}"


HUMANEVAL = Benchmark(
    name="humaneval",
    title="HumanEval",
    area="text",
    split="test",
    source="openai/openai_humaneval",
    load=_load,
    score=_score,
    total=mean_percent,
    metric="accuracy",
    published={"72b": 87.8},
    params=SamplingParams(max_tokens=1024),
    executes_code=True,
)
