"""Puzzles have one solution, code does what it says, texts meet their constraints."""

import json
import re
import subprocess
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qvl.data.encoding import content_id
from qvl.data.records import Sample
from qvl.data.sft.pipeline import RULES
from qvl.data.synth.text_tasks.code import code_sample
from qvl.data.synth.text_tasks.constraints import Constraint, is_met, words
from qvl.data.synth.text_tasks.corpus import CorpusSource, cut, read_text
from qvl.data.synth.text_tasks.dialogs import dialog_sample
from qvl.data.synth.text_tasks.functions import FUNCTIONS, Function
from qvl.data.synth.text_tasks.instructions import instruction_sample
from qvl.data.synth.text_tasks.logic import logic_sample
from qvl.data.synth.text_tasks.notes import note_sample
from qvl.errors import ConfigError, DataError
from qvl.tasks import extraction

PROGRAM = re.compile(r"```python\n(.*?)\n\nprint\((.*)\)\n```", re.DOTALL)
GENERATORS = (code_sample, dialog_sample, instruction_sample, logic_sample, note_sample)


def draw(generator: Callable[..., Sample], count: int) -> list[Sample]:
    return [generator(np.random.default_rng((4, i)), seed=(4, i)) for i in range(count)]


def said(sample: Sample, turn: int) -> str:
    return sample.conversation.messages[turn].content[0].text  # type: ignore[union-attr]


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda g: g.__name__)
def test_samples_repeat_differ_and_pass_all_rules(generator: Callable[..., Sample]) -> None:
    samples = draw(generator, 80)
    assert [content_id(s) for s in samples] == [content_id(s) for s in draw(generator, 80)]
    assert len({content_id(sample) for sample in samples}) > 40
    for sample in samples:
        assert sample.provenance.generator.endswith(generator.__name__)
        for name, rule in RULES.items():
            assert rule(sample) is None, (name, sample.conversation)


def clue_holds(clue: str, row: tuple[str, ...]) -> bool:
    names = [name for name in re.findall(r"[A-Z]\w+", clue) if name in row]
    places = [row.index(name) for name in names]
    if "to the left of" in clue:
        return places[0] < places[1]
    if "not sit next" in clue:
        return abs(places[0] - places[1]) > 1
    assert "one end" in clue
    return places[0] in (0, len(row) - 1)


def test_puzzles_have_one_solution() -> None:
    seen = set()
    for sample in draw(logic_sample, 90):
        question, answer = said(sample, 0), sample.facts["answers"][0]
        kind = sample.facts["kinds"][0]
        seen.add(kind)
        if kind == "seats":
            people, clues = re.match(r"(.*?) sit in a row\. (.*) In which", question).groups()  # type: ignore[union-attr]
            names = re.findall(r"[A-Z]\w+", people)
            fitting = [
                row
                for row in permutations(names)
                if all(clue_holds(clue, row) for clue in clues.split(". "))
            ]
            assert [", ".join(row) for row in fitting] == [answer]
        elif kind == "order":
            pairs = re.findall(r"(\w+) is \w+ than (\w+)\.", question)
            names = sorted({name for pair in pairs for name in pair})
            (row,) = [
                row for row in permutations(names)
                if all(row.index(a) < row.index(b) for a, b in pairs)
            ]  # fmt: skip
            asked = question.rsplit(". ", 1)[1]
            place = 1 if "second" in asked else 0
            if re.search(r"shortest|youngest|slowest|lightest", asked):
                place = -1
            assert row[place] == answer
        else:
            statements = re.findall(r'(\w+) says: "(.*?)"', question)
            names = [name for name, _ in statements]
            fitting = [
                case
                for case in product((True, False), repeat=len(names))
                if all(
                    statement_holds(text, name, dict(zip(names, case, strict=True))) == honest
                    for (name, text), honest in zip(statements, case, strict=True)
                )
            ]
            assert len(fitting) == 1
            roles = [
                f"{name} is {'honest' if honest else 'a liar'}"
                for name, honest in zip(names, fitting[0], strict=True)
            ]
            assert answer == ", ".join(roles)
    assert seen == {"order", "seats", "liars"}


def statement_holds(text: str, speaker: str, honest: dict[str, bool]) -> bool:
    other = text.split()[0]
    if text.endswith("is a liar."):
        return not honest[other] if other in honest else sum(not h for h in honest.values()) == 1
    if text.endswith("is honest."):
        return honest[other]
    if "same kind" in text:
        return honest[other] == honest[speaker]
    count = 1 if "one of us" in text else int(re.search(r"\d+", text)[0])  # type: ignore[index]
    return sum(not h for h in honest.values()) == count


def run(code: str, name: str, case: list[Any]) -> Any:
    """Runs a function of ours."""
    space: dict[str, Any] = {}
    exec(code, space)
    return space[name](*case)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.name)
def test_python_text_does_what_is_said(function: Function) -> None:
    differs = 0
    for number in range(30):
        case = function.arguments(np.random.default_rng(number))
        assert run(function.python, function.name, list(case)) == function.value(*case)
        assert run(function.faulty, function.name, list(case)) == function.faulty_value(*case)
        differs += function.value(*case) != function.faulty_value(*case)
    assert differs > 3


@pytest.mark.skipif(which("node") is None, reason="needs node")
def test_javascript_text_does_the_same() -> None:
    lines = []
    expected = []
    for function in FUNCTIONS:
        name = re.match(r"function (\w+)", function.javascript)[1]  # type: ignore[index]
        case = function.arguments(np.random.default_rng(5))
        lines += [
            function.javascript,
            f"console.log(JSON.stringify({name}(...{json.dumps(case)})))",
        ]
        expected.append(function.value(*case))
    done = subprocess.run(
        ["node", "-e", "\n".join(lines)], capture_output=True, text=True, check=True, timeout=30
    )
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_code_answers_pass_their_tests() -> None:
    for sample in draw(code_sample, 60):
        assert all(len(case) == 2 for case in sample.facts["tests"])
        code = re.search(r"```python\n(.*?)```", said(sample, 1), re.DOTALL)
        if sample.task in ("code generate", "code debug"):
            assert code is not None
            for case, expected in sample.facts["tests"]:
                assert run(code[1], sample.facts["function"], case) == expected
        if sample.task == "code understand" and "print(" in said(sample, 0):
            program = re.search(
                r"```python\n(.*?)\n\nprint\((.*)\)\n```", said(sample, 0), re.DOTALL
            )
            space: dict[str, Any] = {}
            exec(program[1], space)  # type: ignore[index]
            shown = said(sample, 1).rsplit("```\n", 2)[1].removesuffix("\n```")
            assert str(eval(program[2], space)) == shown.strip()  # type: ignore[index]


def test_texts_meet_their_constraints() -> None:
    kinds = set()
    for sample in draw(instruction_sample, 200):
        asked, answer = said(sample, 0), said(sample, 1)
        for fact in sample.facts["constraints"]:
            constraint = Constraint(**fact)
            kinds.add(constraint.kind)
            assert is_met(constraint, answer), (constraint, answer)
            assert words(constraint) in asked
    assert len(kinds) == 10


@pytest.mark.parametrize(
    ("kind", "value", "good", "bad"),
    [
        ("sentences", 2, "It rains. We stay!", "It rains"),
        ("bullets", 2, "- a\n- b", "- a\n* b"),
        ("contains", "bee", "A bee!", "Bees."),
        ("avoids", "bee", "Bees.", "A BEE."),
        ("at most words", 2, "a b", "a b c"),
        ("no commas", "", "a b", "a, b"),
        ("capitals", "", "A 1.", "A b."),
        ("lowercase", "", "a 1.", "A"),
        ("ends with", "The end.", "So. The end.", "The end. So."),
        ("json", "", '```json\n{"sentences": ["a"]}\n```', '{"sentences": "a"}'),
    ],
)
def test_constraints_are_checked(kind: Any, value: int | str, good: str, bad: str) -> None:
    constraint = Constraint(kind=kind, value=value)
    assert is_met(constraint, good)
    assert not is_met(constraint, bad)


def test_fields_stand_in_the_notes() -> None:
    for sample in draw(note_sample, 60):
        text = said(sample, 0).split("\n\n", 1)[1]
        assert all(value in text for value in sample.facts["fields"].values())
        if sample.task == "extraction":
            found = extraction.parse(said(sample, 1), list(sample.facts["fields"]))
            assert found.value == sample.facts["fields"]


def test_sums_in_dialogs_are_right() -> None:
    for sample in draw(dialog_sample, 80):
        if sample.facts["kinds"] == ["running total"]:
            value = int(re.search(r"\d+", said(sample, 0))[0])  # type: ignore[index]
            turns = sample.conversation.messages
            for i in range(2, len(turns), 2):
                request = said(sample, i)
                by = int((re.findall(r"\d+", request) or ["2"])[0])
                value = {
                    "Add": value + by, "Sub": value - by, "Mul": value * by, "Dou": 2 * value,
                }[request[:3]]  # fmt: skip
                assert said(sample, i + 1).endswith(f"The number is {value}.")


# The folder of texts.


def test_a_corpus_is_covered_by_its_pieces(tmp_path: Path) -> None:
    paragraphs = [
        " ".join(f"On day {n} of week {w} the river rose. 河水上涨。" for n in range(8))
        for w in range(8)
    ]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    (tmp_path / "two.md").write_bytes(b"\xef\xbb\xbf" + b"A line of Windows.\r\n" * 30)
    (tmp_path / "short.txt").write_text("Too short.")
    source = CorpusSource(folder=tmp_path, characters=700, licence="CC-BY-4.0")
    samples = [source[number] for number in range(len(source))]
    assert len(samples) == len({content_id(sample) for sample in samples}) > 4
    assert samples[0].provenance.source.startswith("b/one.txt:0")
    assert samples[0].provenance.licence == "CC-BY-4.0"
    for sample in samples:
        shown = said(sample, 0).split("\n\n", 1)[1]
        assert 50 < len(shown) < len(said(sample, 1))
        assert "\r" not in shown + said(sample, 1)
    assert source.fingerprint(0, 2) == CorpusSource(
        folder=tmp_path, characters=700, licence="CC-BY-4.0"
    ).fingerprint(0, 2)


@given(st.text(alphabet="ab. \n。", max_size=3000), st.integers(400, 900))
@settings(max_examples=50, deadline=None)
def test_pieces_follow_one_another(text: str, most: int) -> None:
    pieces = [*cut(text, most)]
    assert all(0 < stop - start <= most for start, stop in pieces)
    assert [start for start, _ in pieces[1:]] == [stop for _, stop in pieces[:-1]]
    assert len(text) - (pieces[-1][1] if pieces else 0) < 200


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"caf\xe9 " * 100)
    with pytest.raises(DataError, match="no UTF-8: byte 3 is 0xe9"):
        read_text(bad)
    bad.write_bytes(b"a\0b")
    with pytest.raises(DataError, match="zero bytes"):
        CorpusSource(folder=tmp_path)
    with pytest.raises(ConfigError, match="no folder"):
        CorpusSource(folder=bad)
    bad.write_text("short")
    with pytest.raises(ConfigError, match="no texts of at least 200"):
        CorpusSource(folder=tmp_path)
