"""CC-OCR (arXiv 2412.02210): reading in scenes and in ten languages, parsing, key information.

Layout: wulipc/CC-OCR, TRACK/KIND/SET_NUMBER.tsv, such as doc_parsing/table/table_scan_eng_75.tsv
(of languages TRACK/SET/...): image in base64, question, answer, and where there is one the set's
name as split. Licence MIT.
Prompt: the question as it is.
Score: reading: F1 of words, of characters in sets of Chinese, Japanese, Korean and Arabic; key
information: F1 of fields; parsing: likeness of LaTeX and SMILES, TEDS of tables. A track is the
mean of its sets, parsing that of its four kinds; the report's number is taken to be the mean of the
four tracks. Fields are read tolerantly: JSON that was cut counts as far as it goes, where the
authors' evaluator counts nothing. `micro_...` and `tree_accuracy` are the evaluator's other means.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.asking import ask
from qvl.evaluation.layouts.pictures import TsvPictures
from qvl.evaluation.layouts.rows import Row, tsv_rows
from qvl.evaluation.scorers.cc_ocr import PARSED, normal_fields
from qvl.evaluation.scorers.donut import field_f1, parse_record, tree_accuracy
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scorers.text_recognition import OverlapScore, cc_ocr_words, set_f1
from qvl.messages import SamplingParams

_SCENES, _LANGUAGES, _PARSING, _FIELDS = (
    "multi_scene_ocr", "multi_lan_ocr", "doc_parsing", "kie",
)  # fmt: skip
_TRACKS = (_SCENES, _LANGUAGES, _PARSING, _FIELDS)
_BY_CHARACTER = ("Arabic", "Japanese", "Korean")
_COUNT = re.compile(r"_\d+$")


def _load(folder: Path, split: str) -> Iterator[Question]:
    for track in _TRACKS:
        files = sorted((folder / track).rglob("*.tsv"))
        if not files:
            raise DataError(
                f"{folder} has no {track}/**/*.tsv", hint="the number is the mean of four tracks"
            )
        for path in files:
            yield from _of_file(path, track, folder)


def _of_file(path: Path, track: str, folder: Path) -> Iterator[Question]:
    pictures = TsvPictures(path)
    kind = path.relative_to(folder / track).parts[0].removesuffix(".tsv")
    for number, row in enumerate(tsv_rows(path, columns=("image", "question", "answer"))):
        name = str(row.get("split", "")) or _COUNT.sub("", path.stem)
        kind = str(row.get("l2-category", "")) or kind
        if track == _PARSING and kind not in PARSED:
            raise DataError(f"{row.where}: kind is {kind!r}, expected {', '.join(PARSED)}")
        yield ask(
            row,
            folder,
            key=f"{track}-{path.stem}-{number}",
            pictures=pictures.of(row) if row.get("image") else [None],
            words=str(row["question"]),
            truth=_truth(row, track),
            groups={"track": track, "kind": kind, "set": name},
        )


def _truth(row: Row, track: str) -> str:
    answer = str(row["answer"])
    if track == _FIELDS and not isinstance(parse_record(answer), dict | list):
        raise DataError(f"{row.where}: answer is no JSON record")
    return answer


def _score(question: Question, reply: Reply) -> Score:
    return _rule(question.groups, question.truth, reply.text)


def _rule(groups: Mapping[str, str], truth: str, text: str) -> Score:
    track = groups["track"]
    if track == _PARSING:
        return PARSED[groups["kind"]](answer=text, truth=truth)
    if track == _FIELDS:
        return field_f1(
            answer=normal_fields(parse_record(text)), truth=normal_fields(parse_record(truth))
        )
    by_character = groups["set"].startswith("zh") or groups["set"] in _BY_CHARACTER
    return cc_ocr_words(
        answer=text,
        truth=truth,
        by_character=by_character,
        only_alphanumeric=track == _SCENES and not by_character,
    )


def _tree(item: Scored) -> float:
    if not item.text:
        return 0.0
    sides = [normal_fields(parse_record(text)) for text in (item.text, item.truth)]
    return tree_accuracy(answer=sides[0], truth=sides[1]).value


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    sets: dict[tuple[str, str, str], list[Scored]] = defaultdict(list)
    for item in scored:
        sets[item.groups["track"], item.groups["kind"], item.groups["set"]].append(item)
    macro: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    micro: dict[str, list[float]] = defaultdict(list)
    trees: list[float] = []
    for (track, kind, _), items in sets.items():
        values = [item.score.value for item in items]
        if track == _PARSING:
            macro[track][kind].append(mean(values))
            continue
        counts = [_rule(item.groups, item.truth, item.text) for item in items]
        both = set_f1([score for score in counts if isinstance(score, OverlapScore)])
        micro[track].append(both.micro)
        macro[track]["all"].append(both.micro if track == _FIELDS else mean(values))
        if track == _FIELDS:
            trees.append(mean([_tree(item) for item in items]))
    tracks = {
        track: 100 * mean([mean(values) for values in kinds.values()])
        for track, kinds in macro.items()
    }
    found = {"mean": mean(list(tracks.values())), **tracks}
    found |= {kind: 100 * mean(values) for kind, values in macro[_PARSING].items()}
    found |= {
        f"micro_{track}": 100 * mean(micro[track])
        for track in (_SCENES, _LANGUAGES)
        if track in micro
    }
    return found | ({"tree_accuracy": 100 * mean(trees)} if trees else {})


CC_OCR = Benchmark(
    name="cc-ocr",
    title="CC-OCR",
    area="documents",
    split="test",
    source="wulipc/CC-OCR",
    load=_load,
    score=_score,
    total=_total,
    metric="mean",
    published={"3b": 74.5, "7b": 77.8, "72b": 79.8},
    params=SamplingParams(max_tokens=4096),
)
