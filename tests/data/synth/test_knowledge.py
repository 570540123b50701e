"""Flags have the colours of their words, countries their facts, and captions say them."""

import numpy as np
import pytest

from qvl.data.filters.licences import licence_allowed
from qvl.data.records import Sample
from qvl.data.sft.pipeline import RULES
from qvl.data.synth.knowledge.flags import COLOURS, FLAGS, draw_flag
from qvl.errors import MissingDependencyError
from qvl.messages import Image


def texts(sample: Sample) -> list[str]:
    return [m.content[-1].text for m in sample.conversation.messages]  # type: ignore[union-attr]


@pytest.mark.parametrize("code", FLAGS)
def test_a_flag_has_its_colours_and_no_other(code: str) -> None:
    flag = FLAGS[code]
    picture = draw_flag(code, 120)
    tall, wide = flag.ratio
    assert abs(picture.width - 120 * wide / tall) <= 1
    colours = {COLOURS[str(part[1])] for part in flag.parts}
    pixels = np.asarray(picture).reshape(-1, 3)
    found, counts = np.unique(pixels, axis=0, return_counts=True)
    large = {tuple(int(v) for v in c) for c, n in zip(found, counts, strict=True) if n > 100}
    assert colours <= {tuple(int(v) for v in c) for c in found}
    assert len(large - colours) <= 2  # smoothed edges
    said = flag.words.lower().replace("dark blue", "blue").replace("light blue", "blue")
    assert any(name.split()[-1] in said for name in COLOURS)


def test_flags_differ() -> None:
    pictures = {code: draw_flag(code, 60).resize((60, 40)) for code in FLAGS}
    codes = [*FLAGS]
    for i, one in enumerate(codes):
        for other in codes[i + 1 :]:
            gap = np.asarray(pictures[one], float) - np.asarray(pictures[other], float)
            assert np.abs(gap).mean() > 2, (one, other)


def test_countries() -> None:
    pytest.importorskip("babel")
    from qvl.data.synth.knowledge.countries import country, name_in

    japan = country("JP")
    assert (japan.capital, japan.currency, japan.languages) == (
        "Tokyo", "Japanese Yen", ("Japanese",),
    )  # fmt: skip
    assert name_in("JP", "zh") == "日本"
    assert country("BG").currency == ""
    for code in FLAGS:
        found = country(code)
        assert found.name
        assert found.continent
        assert code != "UA" or found.languages == ("Ukrainian",)


@pytest.mark.parametrize("name", ["flag_sample", "thing_sample"])
def test_samples_repeat_and_pass_all_rules(name: str) -> None:
    pytest.importorskip("babel")
    from qvl.data.synth.knowledge import samples

    generator = getattr(samples, name)
    try:
        drawn = [generator(np.random.default_rng((5, i)), seed=(5, i)) for i in range(25)]
    except MissingDependencyError as error:
        pytest.skip(error.message)
    for number, sample in enumerate(drawn):
        again = generator(np.random.default_rng((5, number)), seed=(5, number))
        one, other = (s.conversation.messages[0].content[0] for s in (sample, again))
        assert isinstance(one, Image)
        assert np.array_equal(one.source, other.source)
        assert texts(sample) == texts(again)
        assert one.source.shape[0] % 28 == one.source.shape[1] % 28 == 0
        assert licence_allowed(sample) is None
        for rule_name, rule in RULES.items():
            # Names of countries in other languages are asked for in those languages.
            assert rule(sample) is None, (rule_name, texts(sample))


def test_every_fact_has_its_picture() -> None:
    from qvl.data.synth.knowledge.facts import FACTS
    from qvl.data.synth.knowledge.samples import known_glyphs

    assert {glyph.noun.name for glyph in known_glyphs()} == set(FACTS)
