"""Of many answers the right, clean and true ones stay; everything else is counted by its reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from qvl.data.local import run_local
from qvl.data.places import answer_text
from qvl.data.records import Sample
from qvl.data.rejection.claims import judged_by_model, known_claims
from qvl.data.rejection.sampling import Candidate, Rejection, best_of, rejection_step
from qvl.data.rejection.verifiers import TEXT_STEPS_PROMPT, same_text, whole_answer
from qvl.data.run import RunOptions
from qvl.data.shards import ShardReader, write_shards
from qvl.data.steps import Dropped, Failed, Kept, Step
from qvl.endpoint.client import SomeUnanswered
from qvl.endpoint.wire import EndpointError
from qvl.errors import ConfigError, DataError
from qvl.messages import Conversation, GenerationResult, SamplingParams, Text
from tests.data.small import asked, drawn

WARM = SamplingParams(temperature=0.8)
LONGER = "The circle at the left is blue, and the one that was asked about is red. "


class Student:
    """Answers by the seed; each answer is a text, "cut" text, or an error."""

    answers: ClassVar[dict[int, str]] = {}
    asked: ClassVar[list[tuple[int | None, int]]] = []
    questions: ClassVar[list[Conversation]] = []

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        type(self).asked.append((params.seed, len(conversations)))
        type(self).questions += conversations
        text = type(self).answers[params.seed or 0]
        if text == "error":
            raise SomeUnanswered([EndpointError("no") for _ in conversations])
        reason: Literal["stop", "length"] = "length" if text.startswith("cut") else "stop"
        return [
            GenerationResult(
                text=text, token_ids=(), finish_reason=reason, prompt_tokens=1, completion_tokens=1
            )
            for _ in conversations
        ]


def step(*answers: str, **options: Any) -> Step:
    Student.answers = dict(enumerate(answers))
    Student.asked, Student.questions = [], []
    chosen = {"generator": Student, "verifier": same_text, "params": WARM, **options}
    return rejection_step("answers", Rejection(num_answers=len(answers), **chosen))


QUESTION = "What colour is the circle?"


def only(outcome: Any) -> Sample:
    assert isinstance(outcome, Kept)
    (sample,) = outcome.samples
    return sample


def test_every_fault_is_told_and_the_best_answer_stays() -> None:
    work = step(
        "Answer: blue",
        "I see it.",
        "cut Answer: red",
        f"{LONGER}\nAnswer: red",
        "It is red.\nAnswer: red",
        f"{LONGER}它是红色的。\nAnswer: red",
        "I look at the circle again. " * 20 + "\nAnswer: red",
        "error",
    )
    sample = asked(QUESTION, "red")
    (outcome,) = work.apply([sample])
    kept = only(outcome)
    assert answer_text(kept.conversation.messages[-1]) == "It is red.\nAnswer: red"
    assert kept.facts["rejection"] == {
        "seed": 4,
        "sampled": 8,
        "right": 4,
        "truth": "red",
        "discarded": {
            "wrong answer": 1,
            "no final answer": 1,
            "cut off": 1,
            "code-switching": 1,
            "repetition": 1,
            "request failed": 1,
        },
    }
    assert kept.provenance.scores == {"right": round(4 / 7, 4), "value": 1.0}
    assert kept.provenance.transforms == ("answers",)
    assert len(kept.provenance.parents) == 1
    # Each answer has its own seed, and one call asks for all samples of a batch.
    assert Student.asked == [(seed, 1) for seed in range(8)]
    last = Student.questions[0].messages[-1].content[-1]
    assert isinstance(last, Text)
    assert last.text.strip() == TEXT_STEPS_PROMPT


@pytest.mark.parametrize(
    ("answers", "options", "outcome"),
    [
        (("Answer: blue",) * 4, {}, "none left, most: wrong answer"),
        (("no",) * 3 + ("Answer: blue",), {}, "none left, most: no final answer"),
        (("Answer: red",) * 4, {"rate": (0.0, 0.75)}, "too easy"),
        (("Answer: red",) + ("Answer: blue",) * 3, {"rate": (0.5, 1.0)}, "too hard"),
        (("Answer: red 红色的",) * 2, {"verifier": lambda a, s: (1.0, "")}, None),
    ],
)
def test_samples_go_for_a_reason(
    answers: tuple[str, ...], options: dict[str, Any], outcome: str | None
) -> None:
    if outcome is None:
        return
    (found,) = step(*answers, **options).apply([asked(QUESTION, "red")])
    assert found == Dropped(reason=outcome)


def test_without_any_answer_the_sample_failed() -> None:
    (found,) = step("error", "error").apply([asked(QUESTION, "red")])
    assert found == Failed(message="no answer came: no")


def test_several_answers_may_stay_each_once() -> None:
    answers = ("Answer: red", f"{LONGER}\nAnswer: red", "Answer: red", "Answer: blue")
    (outcome,) = step(*answers, keep=3).apply([asked(QUESTION, "red")])
    assert isinstance(outcome, Kept)
    texts = [answer_text(sample.conversation.messages[-1]) for sample in outcome.samples]
    assert texts == ["Answer: red", f"{LONGER}\nAnswer: red"]
    assert [sample.facts["rejection"]["seed"] for sample in outcome.samples] == [0, 1]


def test_the_rule_of_choice() -> None:
    found = [
        Candidate(0, "aaaa", 0.9, None),
        Candidate(1, "aaa", 1.0, None),
        Candidate(2, "bb", 1.0, "repetition"),
        Candidate(3, "cc", 1.0, None),
        Candidate(4, "dd", 1.0, None),
    ]
    assert [item.seed for item in best_of(found, 9)] == [3, 4, 1, 0]
    assert [item.seed for item in best_of(found, 1)] == [3]


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    samples = [asked(f"{QUESTION} {number}", "red") for number in range(6)]
    write_shards(samples, tmp_path / "in")
    source = ShardReader(tmp_path / "in")
    options = RunOptions(per_shard=2)
    work = step("Answer: blue", "Answer: red")
    first = run_local(source, [work], tmp_path / "out", options=options)
    assert (first.num_kept, len(Student.asked)) == (6, 6)
    (tmp_path / "out" / "parts" / "00001.json").unlink()
    again = run_local(source, [work], tmp_path / "out", options=options)
    assert (again.num_kept, again.num_reused, len(Student.asked)) == (6, 2, 8)
    counts = Counter(sample.facts["rejection"]["right"] for sample in ShardReader(tmp_path / "out"))
    assert counts == {1: 6}


SCENE = {"shapes": [["red circle", [10, 10, 40, 40]], ["blue square", [60, 60, 90, 90]]]}


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("There is a red circle and a blue square.", None),
        ("There are two shapes. There is 1 red circle.", None),
        ("I see 3 circles.", "says 3 where there are 1"),
        ("I can see three shapes.", "says three where there are 2"),
        ("There are no red circles.", "says no where there are 1"),
        ("There are no green circles, and there is not a green star.", None),
        ("There are two shapes on the left.", None),  # of a part nothing is known
        ("Left of the green circle is nothing.", "names a shape that is not there"),
        ("The circle is blue.", "gives a shape another colour"),
        ("The circle is not blue.", None),
        ("The circle is not red.", "gives a shape another colour"),
        ('[{"bbox_2d": [11, 11, 41, 41], "label": "red circle"}]', None),
        ('[{"bbox_2d": [60, 60, 90, 90], "label": "red circle"}]', "puts a shape where it is not"),
        ("The weather is fine.", None),
    ],
)
def test_claims_about_drawn_scenes_are_checked(answer: str, problem: str | None) -> None:
    assert list(known_claims([(asked("?", "!", **SCENE), answer)])) == [problem]


def test_what_is_drawn_is_never_called_wrong() -> None:
    for sample in drawn(40):
        names = [name for name, _ in sample.facts["shapes"]]
        told = "There are " + str(len(names)) + " shapes. "
        told += " ".join(f"I see the {name}." for name in names)
        counts = Counter(names)
        told += " ".join(f" There are {count} {name}s." for name, count in counts.items())
        assert list(known_claims([(sample, told)])) == [None], told


def test_scenes_without_facts_cannot_be_checked() -> None:
    with pytest.raises(DataError, match="hold no shapes"):
        known_claims([(asked("?", "!", shapes="two"), "There is a cup.")])


def test_steps_that_are_not_true_cost_the_answer() -> None:
    work = step(
        "There are 4 circles, one is red.\nAnswer: red",
        "There is a red circle.\nAnswer: red",
        checks=(known_claims,),
    )
    kept = only(work.apply([asked(QUESTION, "red", **SCENE)])[0])
    assert kept.facts["rejection"]["seed"] == 1
    assert kept.facts["rejection"]["discarded"] == {"steps: says 4 where there are 1": 1}
    assert kept.facts["rejection"]["right"] == 2


class Judge:
    """Says no to what speaks of green, nothing about what speaks of pink, fails for brown."""

    seen: ClassVar[list[str]] = []

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        results: list[Any] = []
        for conversation in conversations:
            last = conversation.messages[-1].content[-1]
            assert isinstance(last, Text)
            type(self).seen.append(last.text)
            told = last.text.split("-----")[1]
            said = (
                "Answer: no" if "green" in told else "Well." if "pink" in told else "Answer: Yes."
            )
            results.append(
                EndpointError("away")
                if "brown" in told
                else GenerationResult(
                    text=f"I compare. Answer: no? {said}",
                    token_ids=(),
                    finish_reason="stop",
                    prompt_tokens=1,
                    completion_tokens=1,
                )
            )
        if any(isinstance(result, EndpointError) for result in results):
            raise SomeUnanswered(results)
        return results


def test_a_model_may_judge_the_steps() -> None:
    work = step(
        *(f"It is {colour} or so.\nAnswer: red" for colour in ("green", "brown", "teal")),
        checks=(partial(judged_by_model, generator=Judge),),
    )
    kept = only(work.apply([asked(QUESTION, "red")])[0])
    assert kept.facts["rejection"]["seed"] == 2
    assert kept.facts["rejection"]["discarded"] == {
        "steps: the judge sees it otherwise": 1,
        "steps not checked": 1,
    }
    assert Judge.seen[0].startswith("\n\n-----\nIt is green")


def test_one_call_asks_for_all_samples_of_a_batch() -> None:
    work = step("red", "blue", read=whole_answer)
    outcomes = work.apply(
        [asked(QUESTION, "red"), asked(QUESTION, "blue"), asked(QUESTION, "pink")]
    )
    assert Student.asked == [(0, 3), (1, 3)]
    seeds = [only(outcome).facts["rejection"]["seed"] for outcome in outcomes[:2]]
    assert seeds == [0, 1]
    assert outcomes[2] == Dropped(reason="none left, most: wrong answer")


@pytest.mark.parametrize(
    "options",
    [
        {"params": SamplingParams()},
        {"keep": 0},
        {"keep": 9},
        {"rate": (0.5, 0.2)},
        {"rate": (-0.1, 1.0)},
    ],
)
def test_bad_options_are_named(options: dict[str, Any]) -> None:
    base = Rejection(generator=Student, verifier=same_text, params=WARM)
    with pytest.raises(ConfigError):
        replace(base, **options)


def test_pixels_of_the_question_stay() -> None:
    sample = drawn(1)[0]
    sample = replace(sample, conversation=Conversation(sample.conversation.messages[:2]))
    truth = answer_text(sample.conversation.messages[-1])
    kept = only(step(f"Answer: {truth}", keep=1, params=SamplingParams()).apply([sample])[0])
    before, after = (
        sample.conversation.messages[0].content[0],
        kept.conversation.messages[0].content[0],
    )
    assert np.array_equal(before.source, after.source)  # type: ignore[union-attr]
