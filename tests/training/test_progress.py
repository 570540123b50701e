"""The line that a person watches."""

from qvl.training.progress import Progress


def line(stage: str, step: int, steps: int, seconds_per_step: float) -> dict[str, str | float]:
    return {"stage": stage, "step": step, "steps": steps, "seconds_per_step": seconds_per_step}


def test_the_time_left_covers_the_stages_to_come() -> None:
    progress = Progress([("one", 10), ("two", 20)])
    assert progress.describe(line("one", 5, 10, 10.0)) == "one 5/10  4 min left"  # 25 steps of 10 s
    # A resumed run begins in the middle.
    again = Progress([("one", 10), ("two", 20)])
    assert again.describe(line("two", 10, 20, 10.0)) == "two 10/20  100 s left"
    assert again.describe(line("two", 20, 20, 9.0)) == "two 20/20"


def test_a_slow_start_is_forgotten() -> None:
    progress = Progress([("sft", 1000)])
    paces = [10.0, *[1.0] * 18]
    said = [progress.describe(line("sft", 10 * i, 1000, s)) for i, s in enumerate(paces, 1)]
    assert said[0].endswith("2.8 h left")
    assert said[-1].endswith("14 min left")


def test_numbers_and_not_texts_are_shown() -> None:
    shown = {
        "stage": "sft", "step": 1, "steps": 2, "rate": 1.0, "loss": 1.23456, "ce/invoice": 0.5,
        "tokens_per_s": 12345.6, "note": "text",
    }  # fmt: skip
    text = Progress([]).describe(shown)
    assert text == "sft 1/2  loss 1.235  ce/invoice 0.5  tokens/s 12,346"
