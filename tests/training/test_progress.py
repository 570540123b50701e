"""The line that a person watches."""

from qvl.training.progress import Progress


def test_the_time_left_covers_the_stages_to_come() -> None:
    progress = Progress([("one", 10), ("two", 20)], log_every=5)
    first = progress.describe({"stage": "one", "step": 5, "steps": 10, "seconds": 50.0})
    assert first == "one 5/10  4 min left"  # 25 steps of 10 s
    # A resumed run begins in the middle.
    again = Progress([("one", 10), ("two", 20)], log_every=5)
    resumed = again.describe({"stage": "two", "step": 10, "steps": 20, "seconds": 50.0})
    assert resumed == "two 10/20  100 s left"
    assert again.describe({"stage": "two", "step": 20, "steps": 20, "seconds": 9.0}) == "two 20/20"


def test_a_slow_start_is_forgotten() -> None:
    progress = Progress([("sft", 1000)], log_every=10)
    lines = [{"stage": "sft", "step": 10 * i, "steps": 1000, "seconds": 10.0} for i in range(1, 20)]
    lines[0]["seconds"] = 100.0
    said = [progress.describe(line) for line in lines]
    assert said[0].endswith("2.8 h left")
    assert said[-1].endswith("14 min left")


def test_numbers_and_not_texts_are_shown() -> None:
    line = {
        "stage": "sft", "step": 1, "steps": 2, "rate": 1.0, "loss": 1.23456, "ce/invoice": 0.5,
        "tokens_per_s": 12345.6, "note": "text",
    }  # fmt: skip
    text = Progress([], log_every=10).describe(line)
    assert text == "sft 1/2  loss 1.235  ce/invoice 0.5  tokens/s 12,346"
