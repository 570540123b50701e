"""What stands on pages: sentences, formulas, tunes, molecules, tables, sums."""

import datetime
import itertools
import re
from fractions import Fraction

import numpy as np
import pytest

from qvl.data.synth.documents import formulas, molecules, music, people, prose, scenes, tables
from qvl.data.synth.documents.layouts import office
from qvl.data.synth.documents.layouts.sheet import Sheet
from qvl.data.synth.documents.style import Style
from qvl.geometry import ImageSize
from qvl.tasks.document_elements import Table


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_sentences_have_no_open_slots_and_say_different_things() -> None:
    said = set()
    for number, subject in enumerate(prose.SUBJECTS):
        text = prose.paragraph(rng(1, number), subject, sentences=(6, 9))
        assert not set("{}") & set(text)
        assert text[0].isupper()
        assert text.endswith(".")
        said.add(text)
        assert "{" not in prose.title(rng(2, number), subject)
    assert len(said) == len(prose.SUBJECTS)


def test_every_template_fits_every_subject() -> None:
    kinds = (prose.FINDINGS, prose.REASONS, prose.METHODS, prose.CONTRASTS, prose.ADVICE)
    templates = itertools.chain(*kinds, prose.OPENINGS, prose.TITLES, prose.SHORT_TITLES)
    for template, subject in itertools.product(templates, prose.SUBJECTS):
        text = prose.fill(rng(3), template, subject)
        assert "{" not in text


def test_formulas_have_balanced_braces_and_environments() -> None:
    for number in range(300):
        for latex in (formulas.invented(rng(4, number)), formulas.inline(rng(5, number))):
            depth = 0
            for character in latex.replace(r"\{", "").replace(r"\}", ""):
                depth += (character == "{") - (character == "}")
                assert depth >= 0
            assert depth == 0
            assert latex.count(r"\begin") == latex.count(r"\end")
            assert latex.count(r"\left(") == latex.count(r"\right)")


_NOTE = re.compile(r"[_^=]?([A-Ga-gz])(\d*)")


@pytest.mark.parametrize("number", range(40))
def test_every_bar_fills_its_metre_and_the_tune_ends_on_its_tonic(number: int) -> None:
    abc = music.melody(rng(6, number), bars=8, title="A tune", words=number % 2 == 0)
    head = dict(line.split(":", 1) for line in abc.splitlines()[:5])
    lines = [line for line in abc.splitlines()[5:] if not line.startswith("w:")]
    body = re.sub(r'"[^"]*"', "", " ".join(lines))
    bars = [bar for bar in re.split(r"\|[:\]]?|:\|", body.replace("|:", "")) if bar.strip(" :")]
    assert len(bars) == 8
    for bar in bars:
        eighths = sum(int(length or 1) for _, length in _NOTE.findall(bar))
        assert Fraction(eighths, 8) == Fraction(head["M"])
    assert _NOTE.findall(bars[-1])[-1][0].upper() == head["K"][0]


def test_engraved_tunes_are_the_same_again_and_hold_every_note() -> None:
    pytest.importorskip("verovio", reason="engraving music needs verovio")
    abc = music.melody(rng(7), bars=4)
    svg = music.engraved(abc, width_px=500, staff_px=24)
    assert svg == music.engraved(abc, width_px=500, staff_px=24)
    letters = _NOTE.findall(re.sub(r'"[^"]*"', "", abc.split("\n", 4)[4]))
    assert svg.count('class="note"') == sum(letter != "z" for letter, _ in letters)


def test_molecules_are_valid_and_canonical() -> None:
    chem = pytest.importorskip("rdkit.Chem", reason="molecules need rdkit")
    found = [molecules.molecule(rng(8, number)) for number in range(60)]
    assert len({m.smiles for m in found}) > 45
    for each in found:
        again = chem.MolFromSmiles(each.smiles)
        assert again is not None
        assert chem.MolToSmiles(again) == each.smiles
    svg = molecules.drawn(rng(9), found[0].smiles, bond_px=20)
    assert svg.startswith("<svg")
    assert svg == molecules.drawn(rng(9), found[0].smiles, bond_px=20)


def grid(table: Table) -> None:
    """Asserts that the cells of a table cover a rectangle, each place once."""
    taken: set[tuple[int, int]] = set()
    for row, cells in enumerate(table.rows):
        column = 0
        for cell in cells:
            while (row, column) in taken:
                column += 1
            places = set(
                itertools.product(
                    range(row, row + cell.row_span), range(column, column + cell.col_span)
                )
            )
            assert not places & taken
            taken |= places
    height = len(table.rows)
    width = 1 + max(column for _, column in taken)
    assert len(taken) == height * width


@pytest.mark.parametrize(
    "make", [tables.data_table, tables.grouped_table, tables.schedule, tables.some_table]
)
def test_cells_of_tables_cover_a_rectangle(make) -> None:  # type: ignore[no-untyped-def]
    for number in range(60):
        grid(make(rng(10, number), prose.SUBJECTS[number % len(prose.SUBJECTS)]))


STYLE = Style(
    font="DejaVu Sans",
    heading_font="DejaVu Sans",
    size_px=14,
    line=1.4,
    ink="#000",
    accent="#123456",
    paper="#fff",
    justified=False,
    indented=False,
    numbered=False,
    coloured=False,
    bullet="-",
    table_look="bordered",
    grey=False,
)


def test_sums_of_invoices_are_right() -> None:
    for number in range(40):
        sheet = Sheet(
            rng=rng(11, number),
            style=STYLE,
            subject=prose.SUBJECTS[0],
            size=ImageSize(1120, 784),
            margin_px=40,
            described=False,
            fonts="train",
        )
        rows = office._items(sheet, ("$", "")).rows
        cents = [[_cents(cell.text) for cell in row] for row in rows[1:]]
        for goods in cents[:-3]:
            assert int(rows[goods[0] // 100][2].text) * goods[3] == goods[4]
        net, tax, total = (row[-1] for row in cents[-3:])
        rate = int(re.findall(r"\d+", rows[-2][0].text)[0])
        assert net == sum(goods[4] for goods in cents[:-3])
        assert tax == round(net * rate / 100)
        assert total == net + tax


def _cents(text: str) -> int:
    digits = re.sub(r"[^\d.]", "", text)
    return round(float(digits) * 100) if digits else 0


def test_addresses_belong_to_nobody() -> None:
    for number in range(30):
        person = people.name(rng(12, number))
        assert re.fullmatch(r"[a-z.]+@example\.(org|com)", people.email(person, rng(number)))
    assert people.written(rng(1), datetime.date(2024, 2, 3)).count("3")


def test_scenes_show_what_they_say() -> None:
    for number in range(80):
        svg, seen = scenes.scene(rng(13, number), 1.5)
        assert seen.endswith(".")
        assert "  " not in seen
        boats = re.search(r"(\d+) sailing boats|(a) sailing boat", seen)
        if boats:
            assert svg.count('fill="#6b4226"') == int(boats.group(1) or 1)
        trees = re.search(r"(\d+) fir trees|(a) fir tree\b", seen)
        if trees:
            assert svg.count('fill="#5b4030"') == int(trees.group(1) or 1)
        houses = re.search(r"a row of (\d+) houses", seen)
        if houses:
            assert svg.count('fill="#6d3b32"') == int(houses.group(1))
