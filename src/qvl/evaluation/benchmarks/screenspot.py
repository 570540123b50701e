"""ScreenSpot (arXiv 2401.10935) and its corrected second version (arXiv 2410.23218): which element
of a screen an instruction means.

Layout: the authors', screenspot_{mobile,desktop,web}.json beside screenspot_imgs/, and
OS-Copilot/ScreenSpot-v2, screenspot_{mobile,desktop,web}_v2.json beside screenspotv2_image/:
img_filename, bbox (x, y, width, height in pixels), instruction, data_type (text, icon),
data_source; or rootsautomation/ScreenSpot, test-*.parquet: image, file_name, bbox (corners, of 1).
Prompt: the official computer_use tool; picture, then the instruction, as ScreenSpot-Pro's authors
ask Qwen2.5-VL, without the beginning of the answer that they put into its mouth.
Score: the click lies in the box. The report's number is presumably the mean of the six pairs of
platform and kind, as the authors report; `pooled` weighs questions.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.grounded import box_of
from qvl.evaluation.benchmarks.screens import ask_on_screen, clicked, target_of
from qvl.evaluation.layouts.rows import Row, json_rows, parquet_rows
from qvl.evaluation.scorers.pointing import screenspot, screenspot_means
from qvl.evaluation.scorers.score import Score
from qvl.geometry import Box
from qvl.messages import SamplingParams

_PLATFORMS = ("mobile", "desktop", "web")
_SOURCES = {"ios": "mobile", "android": "mobile", "windows": "desktop", "macos": "desktop"}
"""The other sources are sites. Source: arXiv 2401.10935, section 4."""


def _load(folder: Path, split: str, *, version: str, pictures: str) -> Iterator[Question]:
    lists = {name: folder / f"screenspot_{name}{version}.json" for name in _PLATFORMS}
    if not any(path.is_file() for path in lists.values()):
        for number, row in enumerate(parquet_rows(folder, split)):
            platform = _SOURCES.get(str(row["data_source"]).lower(), "web")
            box = box_of(row, "bbox", with_size=False)
            yield _question(row, folder, f"{number}", row.get("image"), platform, box, True)
        return
    for platform, path in lists.items():
        for number, row in enumerate(json_rows(path)):
            box = box_of(row, "bbox", with_size=True)
            name = f"{pictures}/{row['img_filename']}"
            yield _question(row, folder, f"{platform}-{number}", name, platform, box, False)


def _question(
    row: Row,
    folder: Path,
    key: str,
    screenshot: object,
    platform: str,
    box: Box,
    is_relative: bool,
) -> Question:
    return ask_on_screen(
        row,
        folder,
        key=key,
        screenshot=screenshot,
        words=str(row["instruction"]),
        tool="computer_use",
        truth=list(box),
        first="picture",
        targets={"target": box},
        is_relative=is_relative,
        groups={"platform": platform, "kind": str(row["data_type"])},
    )


def score_click(question: Question, reply: Reply) -> Score:
    """Scores 1 if the answer clicks on the only target."""
    return screenspot(point=clicked(reply), truth=target_of(question))


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    found = screenspot_means(
        [(item.groups["platform"], item.groups["kind"], item.score) for item in scored]
    )
    return {
        "average": 100 * found.average,
        "pooled": 100 * found.pooled,
        **{f"{platform} {kind}": 100 * value for (platform, kind), value in found.by_group.items()},
    }


def _benchmark(
    name: str, title: str, source: str, version: str, pictures: str, published: dict[str, float]
) -> Benchmark:
    return Benchmark(
        name=name,
        title=title,
        area="agents",
        split="test",
        source=source,
        load=partial(_load, version=version, pictures=pictures),
        score=score_click,
        total=_total,
        metric="average",
        published=published,
        params=SamplingParams(max_tokens=256),
    )


SCREENSPOT = _benchmark(
    "screenspot",
    "ScreenSpot",
    "rootsautomation/ScreenSpot",
    "",
    "screenspot_imgs",
    {"3b": 55.5, "7b": 84.7, "32b": 88.5, "72b": 87.1},
)
SCREENSPOT_V2 = _benchmark(
    "screenspot-v2", "ScreenSpot v2", "OS-Copilot/ScreenSpot-v2", "_v2", "screenspotv2_image", {}
)
