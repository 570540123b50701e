"""LiveBench's rules: right, partly right and wrong answers, as its own code scores them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qvl.evaluation.scorers.livebench import RULES

PLOT = "He wakes. He eats. He runs."
GROUPS = "a, b, c, d, e, f, g, h"


@pytest.mark.parametrize(
    ("task", "answer", "truth", "value"),
    [
        ("amc", "Thus DDDDD.", "D", 1),
        ("amc", "<solution>D</solution>", "D", 1),
        ("smc", "It is D.", "D", 0),
        ("aime", "the answer is 073", "073", 1),
        ("aime", "073" + "." * 60, "073", 0),
        ("AMPS_Hard", "$$\\boxed{\\frac{x^2}{2} + C}$$", "\\frac{x^2}{2}", 1),
        ("AMPS_Hard", "\\boxed{x^2}", "\\frac{x^2}{2}", 0),
        ("imo", "Detailed.\nAnswer: 1, 3, 2, 4", "1,2,3,4", 0.5),
        ("usamo", "answer:\n1,2,3,4", "1,2,3,4", 1),
        ("web_of_lies_v2", "So **yes, no, yes**", "yes, no, yes", 1),
        ("web_of_lies_v2", "**yes**, **no**, **no**", "yes, no, yes", 0),
        ("zebra_puzzle", "It is ***3***", "three", 1),
        ("zebra_puzzle", "Jazz is liked by Bob", "bob", 1),
        ("zebra_puzzle", "", "bob", 0),
        ("spatial", "**two** then **Tetrahedra**", "2", 1),
        ("spatial", "an **equilateral triangle**", "triangle", 1),
        ("spatial", "**circle square triangle shape**", "triangle", 0),
        ("typos", "Here:\nThe cat\nsat.", "The cat sat.", 1),
        ("typos", "The cat sit.", "The cat sat.", 0),
        ("connections", "**d, c, b, a, e, f, g, x**", GROUPS, 0.5),
        ("connections", "<solution>e,f,g,h,a,b,c,d</solution>", GROUPS, 1),
        ("connections", "a, b, c, d", GROUPS, 0),
        ("plot_unscrambling", "Well. <PLOT_SUMMARY>He wakes. He eats. He runs.", PLOT, 1),
        ("plot_unscrambling", "He eats. He wakes. He runs.", PLOT, 1 / 3),
        ("cta", " Birth-Date.", "birth date", 1),
        ("cta", "date", "birth date", 0),
        ("tablejoin", "```python\n{'a': 'x', 'b': 'z'}\n```", "{'a': 'x', 'b': 'y'}", 0.5),
        ("tablejoin", "no", "{'a': 'x'}", 0),
    ],
)  # fmt: skip
def test_a_task(task: str, answer: str, truth: str, value: float) -> None:
    assert RULES[task](answer, truth) == pytest.approx(value)


@given(st.text(alphabet="Aab1*., {}<>\\$\n", max_size=60))
def test_no_answer_breaks_a_rule(answer: str) -> None:
    for rule in RULES.values():
        for truth in ("A", "1, 2", "{'a': 1}", "yes, no, yes"):
            assert 0 <= rule(answer, truth) <= 1
