"""Words with their places, as the Robust Reading Competition counts them."""

import pytest

from qvl.evaluation.scorers.text_spotting import Spotted, read_spotted, text_spotting
from qvl.geometry import Box

STOP = Spotted(box=Box(0, 0, 100, 50), text="STOP")


def at(text: str, *box: float) -> Spotted:
    """A text with its place."""
    return Spotted(box=Box(*box), text=text)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("[(1, 2, 3, 4, 'a'), [5,6,7,8,b c]]", [("a", 1), ("b c", 5)]),
        ('(1, 2, 3, 4, "it\'s (here)")', [("it's (here)", 1)]),
        ("(1, 2, 3, 4, 'a'), (1, 2, 3, 4, 'a')", [("a", 1)]),
        ("(1, 2, 3), (1, 2, 3, 1001, 'a')", []),
        ("no list", []),
    ],
)
def test_reading(answer: str, found: list[tuple[str, float]]) -> None:
    assert [(item.text, item.box.x1) for item in read_spotted(answer)] == found


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        ([STOP], [STOP], 1),
        ([at("stop", 0, 0, 100, 30)], [STOP], 1),
        ([at("STOP", 0, 0, 100, 25)], [STOP], 0),  # an overlap of one half is too little
        ([at("STEP", 0, 0, 100, 50), STOP], [STOP], 0),  # the first free place is taken
        ([STOP, at("x", 500, 500, 600, 600)], [STOP], 2 / 3),
        ([STOP], [STOP, at("GO", 500, 500, 600, 600)], 2 / 3),
        ([STOP], [at("(STOP!", 0, 0, 100, 50)], 1),  # marks at the ends of the truth
        ([at("(STOP", 0, 0, 100, 50)], [STOP], 0),
        ([STOP, at("x", 510, 510, 590, 590)], [STOP, at("###", 500, 500, 600, 600)], 1),
        ([], [STOP], 0),
    ],
)
def test_scores(answer: list[Spotted], truth: list[Spotted], value: float) -> None:
    assert text_spotting(answer=answer, truth=truth).value == pytest.approx(value)
