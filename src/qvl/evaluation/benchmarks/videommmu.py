"""Video-MMMU (arXiv 2501.13826): what is learned from a lecture, in three tracks.

Layout: lmms-lab/VideoMMMU, Perception/, Comprehension/, Adaptation/test-*.parquet: id
("validation_Art_Theory_1", "dev_..."), question, options, answer (a letter, or words),
question_type ("multiple-choice", "open", in Adaptation only); unpacked archives
DISCIPLINE/ID.mp4, whose last frame shows the question's picture, and question_only/ID_image.mp4,
the picture alone.
Prompt: the authors', as in lmms-eval.
Score: the letter, and for open questions MMMU's rule. `accuracy` is over all tracks, as the report
presumably gives it. The authors' other number, the gain of knowledge, compares answers to
Adaptation after the lecture with those before it: `videommmu-knowledge` asks both.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply, Scored
from qvl.evaluation.benchmarks.choices import ALPHABET, score_letter
from qvl.evaluation.benchmarks.mmmu import subject_of
from qvl.evaluation.benchmarks.watching import watch
from qvl.evaluation.layouts.rows import Row, parquet_rows
from qvl.evaluation.scorers.mmmu import mmmu_open
from qvl.evaluation.scorers.score import Score, mean
from qvl.evaluation.scoring import percents_by

_TRACKS = ("Perception", "Comprehension", "Adaptation")
_DISCIPLINES = {
    "Art": ("Art", "Art_Theory", "Design", "Music"),
    "Science": ("Biology", "Chemistry", "Geography", "Math", "Physics"),
    "Humanities": ("History", "Literature", "Sociology", "Psychology"),
    "Engineering": (
        "Agriculture", "Architecture_and_Engineering", "Computer_Science", "Electronics",
        "Energy_and_Power", "Materials", "Mechanical_Engineering",
    ),
    "Medicine": (
        "Basic_Medical_Science", "Clinical_Medicine", "Diagnostics_and_Laboratory_Medicine",
        "Pharmacy", "Public_Health",
    ),
    "Business": ("Accounting", "Economics", "Finance", "Manage", "Marketing"),
}  # fmt: skip
_OF = {subject: name for name, subjects in _DISCIPLINES.items() for subject in subjects}

_QUIZ = "\nPlease ignore the Quiz question in last frame of the video."
_LEARN = (
    "You should watch and learn the video content. Then apply what you learned to answer the "
    "following {kind} question. The image for this question is at the end of the video.\n"
)


def _load(folder: Path, split: str) -> Iterator[Question]:
    for track in _TRACKS:
        for row in parquet_rows(folder, split, config=track):
            yield _question(row, folder, track)


def _load_twice(folder: Path, split: str) -> Iterator[Question]:
    for row in parquet_rows(folder, split, config="Adaptation"):
        yield _question(row, folder, "Adaptation", lecture="before")
        yield _question(row, folder, "Adaptation", lecture="after")


def _question(row: Row, folder: Path, track: str, *, lecture: str = "") -> Question:
    key = str(row["id"])
    subject = subject_of(key)
    if subject not in _OF:
        raise DataError(f"{row.where}: id {key!r} names no subject, expected such as dev_Math_1")
    options = _options(row)
    is_choice = row.get("question_type", "multiple-choice") == "multiple-choice"
    asked = "\n".join([str(row["question"]), *(f"{k}. {v}" for k, v in options.items())])
    if track != "Adaptation":
        words = asked + _QUIZ
    elif lecture == "before":
        words = asked
    else:
        words = _LEARN.format(kind="multi-choice" if is_choice else "open-ended") + asked
    groups = {"track": track.lower(), "discipline": _OF[subject]}
    is_before = lecture == "before"
    return watch(
        row,
        folder,
        key=f"{track.lower()}-{key}" + (f"-{lecture}" if lecture else ""),
        video=f"{key}_image" if is_before else key,
        places=("question_only",) if is_before else (_OF[subject], f"videos/{_OF[subject]}"),
        words=words,
        truth=str(row["answer"]),
        groups={**groups, "lecture": lecture} if lecture else groups,
        facts={"options": options if is_choice else {}, "cluster": key},
    )


def _options(row: Row) -> dict[str, str]:
    """Options by letter; some rows have the letters in their texts."""
    texts = [str(option) for option in row.get("options", ())]
    letters = ALPHABET[: len(texts)]
    if all(text.startswith(f"{letter}.") for letter, text in zip(letters, texts, strict=True)):
        texts = [text[2:].strip() for text in texts]
    return dict(zip(letters, texts, strict=True))


def _score(question: Question, reply: Reply) -> Score:
    if question.facts["options"]:
        return score_letter(question, reply)
    return mmmu_open(answer=reply.text, truths=[str(question.truth)])


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        **percents_by(scored, "track"),
    }


def _knowledge(scored: Sequence[Scored]) -> dict[str, float]:
    """Gain by the lecture, in percent of what could be gained. Source: arXiv 2501.13826, eq. 1.

    A model that knew everything before can gain nothing: 0.
    """
    found = percents_by(scored, "lecture")
    before, after = found.get("before", 0.0), found.get("after", 0.0)
    gain = (after - before) / (100 - before) * 100 if before < 100 else 0.0
    return {"knowledge_gain": gain, "before": before, "after": after}


VIDEOMMMU = Benchmark(
    name="videommmu",
    title="Video-MMMU",
    area="video",
    split="test",
    source="lmms-lab/VideoMMMU",
    load=_load,
    score=_score,
    total=_total,
    metric="accuracy",
    published={"7b": 47.4, "72b": 60.2},
)
VIDEOMMMU_KNOWLEDGE = Benchmark(
    name="videommmu-knowledge",
    title="Video-MMMU, gain of knowledge",
    area="video",
    split="test",
    source="lmms-lab/VideoMMMU",
    load=_load_twice,
    score=_score,
    total=_knowledge,
    metric="knowledge_gain",
)
