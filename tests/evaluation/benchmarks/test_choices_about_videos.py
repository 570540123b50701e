"""Multiple choice about videos, on files in their published layouts."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmarks.egoschema import EGOSCHEMA, EGOSCHEMA_SUBSET
from qvl.evaluation.benchmarks.longvideobench import LONGVIDEOBENCH, LONGVIDEOBENCH_SUBTITLES
from qvl.evaluation.benchmarks.lvbench import LVBENCH
from qvl.evaluation.benchmarks.mlvu import MLVU
from qvl.evaluation.benchmarks.mvbench import _FOLDERS, MVBENCH
from qvl.evaluation.benchmarks.perceptiontest import PERCEPTIONTEST, PERCEPTIONTEST_VAL
from qvl.evaluation.benchmarks.videomme import VIDEOMME, VIDEOMME_SUBTITLES
from qvl.evaluation.run import transforms_of
from qvl.messages import Text, Video
from qvl.processing.media import measure_media
from qvl.processing.settings import DEFAULT_LIMITS
from tests.evaluation.benchmarks.published import load, numbers, parquet, values, words
from tests.evaluation.benchmarks.videos import clip_at, texts_of, video_of
from tests.evaluation.test_layouts import png

DIRECTLY = "Answer with the option's letter from the given choices directly."


def write_json(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def videomme_rows() -> list[dict[str, Any]]:
    row = {
        "video_id": "001", "duration": "short", "domain": "Knowledge", "sub_category": "Law",
        "url": "https://example.org", "videoID": "abc", "question_id": "001-1",
        "task_type": "OCR Problems", "question": "What is it?",
        "options": ["A. a cat.", "B. a dog.", "C. an owl.", "D. a fox."], "answer": "B",
    }  # fmt: skip
    return [
        row,
        {**row, "question_id": "001-2", "answer": "C"},
        {**row, "question_id": "002-1", "duration": "long", "videoID": "gone"},
    ]


def test_videomme(tmp_path: Path) -> None:
    parquet(tmp_path / "videomme", "test", videomme_rows())
    clip_at(tmp_path / "data" / "abc.mp4")
    questions = load(VIDEOMME, tmp_path)
    assert words(questions[0]) == (
        "Select the best answer to the following multiple-choice question based on the video. "
        "Respond with only the letter (A, B, C, or D) of the correct option.\nWhat is it?\n"
        "A. a cat.\nB. a dog.\nC. an owl.\nD. a fox.\nThe best answer is:"
    )
    part = video_of(questions[0])
    assert (part.fps, part.max_frames, part.total_pixels) == (2, 768, 24_576 * 784)
    answers = ("B", "b. a dog", "Best answer: D", "a dog")
    assert values(VIDEOMME, questions[0], *answers) == [1, 1, 0, 1]
    assert [question.broken == "" for question in questions] == [True, True, False]
    assert "no video 'gone' in data" in questions[2].broken
    found = numbers(VIDEOMME, questions, ["B", "Dog? No. C", ""])
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert (found["short"], found["long"]) == (100, 0)
    # The authors' script takes the first of the letters, here that of "Dog".
    assert found["first_letter"] == pytest.approx(100 / 3)


def test_videos_in_archives_are_pointed_at(tmp_path: Path) -> None:
    parquet(tmp_path / "videomme", "test", videomme_rows()[:1])
    (tmp_path / "videos_chunked_01.zip").write_bytes(b"PK")
    (question,) = load(VIDEOMME, tmp_path)
    assert "unpack videos_chunked_01.zip and the like" in question.broken


def test_videomme_with_subtitles(tmp_path: Path) -> None:
    parquet(tmp_path / "videomme", "test", videomme_rows())
    clip_at(tmp_path / "data" / "abc.mp4", seconds=4)
    subtitles = tmp_path / "subtitle" / "abc.srt"
    subtitles.parent.mkdir()
    # A clip of four seconds is seen at 0, 4/7, 8/7, ... 4 s: the second line falls between.
    subtitles.write_text(
        "1\n00:00:00,000 --> 00:00:01,000\nHello.\n\n2\n00:00:01,200 --> 00:00:01,600\nUnseen.\n\n"
        "3\n00:00:02,000 --> 00:00:09,000\n<i>Bye.</i>\n"
    )
    questions = load(VIDEOMME_SUBTITLES, tmp_path)
    assert words(questions[0]).startswith(
        "This video's subtitles are listed below:\nHello.\nBye.\nSelect the best answer to the "
        "following multiple-choice question based on the video and the subtitles. Respond"
    )
    assert "No subtitles available\nSelect" in words(questions[2])
    subtitles.write_text("no times")
    broken = load(VIDEOMME_SUBTITLES, tmp_path)
    assert "has no times" in broken[0].broken
    assert len(broken) == 3


def test_videos_without_a_length_are_asked_with_all_lines(tmp_path: Path) -> None:
    parquet(tmp_path / "videomme", "test", videomme_rows()[:1])
    clip = tmp_path / "data" / "abc.mp4"
    clip.parent.mkdir()
    clip.write_bytes(b"no video")
    subtitles = tmp_path / "subtitle" / "abc.srt"
    subtitles.parent.mkdir()
    subtitles.write_text("1\n00:10:00,000 --> 00:10:01,000\nLate.\n")
    (question,) = load(VIDEOMME_SUBTITLES, tmp_path)
    assert "\nLate.\nSelect" in words(question)


def lvb_row(**changes: Any) -> dict[str, Any]:
    return {
        "id": "v_0", "video_id": "v", "video_path": "v.mp4", "question": "When?",
        "option0": "now", "option1": "later", "option2": "never", "option3": "N/A",
        "option4": "N/A", "correct_choice": 1, "duration": 3.0, "duration_group": 15,
        "question_category": "S2E", "subtitle_path": "v_en.json",
        "starting_timestamp_for_subtitles": 10.0, **changes,
    }  # fmt: skip


def test_longvideobench(tmp_path: Path) -> None:
    rows = [lvb_row(), lvb_row(id="w_0", video_path="w.mp4", duration_group=3600)]
    parquet(tmp_path, "validation", rows)
    clip_at(tmp_path / "videos" / "v.mp4", seconds=3)
    questions = load(LONGVIDEOBENCH, tmp_path)
    assert words(questions[0]) == f"When?\nA. now\nB. later\nC. never\n{DIRECTLY}"
    assert values(LONGVIDEOBENCH, questions[0], "B", "(B) later", "D", "A book") == [1, 1, 0, 0]
    assert questions[1].groups["seconds"] == "3600"
    assert questions[1].broken
    assert numbers(LONGVIDEOBENCH, questions, ["later", ""])["accuracy"] == 50
    parquet(tmp_path, "validation", [lvb_row(correct_choice=3)])
    with pytest.raises(DataError, match="correct_choice is 3 of 3 options"):
        load(LONGVIDEOBENCH, tmp_path)


def test_longvideobench_as_json_with_subtitles_between_spans(tmp_path: Path) -> None:
    row = {k: v for k, v in lvb_row().items() if not k.startswith("option")}
    write_json(tmp_path / "lvb_val.json", [{**row, "candidates": ["now", "later"]}])
    clip_at(tmp_path / "videos" / "v.mp4", seconds=3)
    write_json(
        tmp_path / "subtitles" / "v_en.json",
        [
            {"start": "00:00:03.000", "end": "00:00:04.000", "line": "before the part"},
            {"start": "00:00:10.200", "end": "00:00:10.700", "line": "first"},
            {"start": "00:00:12.000", "end": "00:00:13.000", "line": "third"},
        ],
    )
    (question,) = load(LONGVIDEOBENCH_SUBTITLES, tmp_path)
    parts = question.conversation.messages[0].content
    kinds = [part.text if isinstance(part, Text) else part.video_start for part in parts]
    assert kinds[:5] == [0, "\nfirst\n", 1, 2, "\nthird\n"]
    spans = [part for part in parts if isinstance(part, Video)]
    plans = [measure_media(span, DEFAULT_LIMITS) for span in spans]
    assert [plan.num_frames for plan in plans] == [4, 4, 4]
    assert sum(plan.num_tokens for plan in plans) <= 24_576
    assert words(question).endswith(f"When?\nA. now\nB. later\n{DIRECTLY}")
    (tmp_path / "subtitles" / "v_en.json").unlink()
    (question,) = load(LONGVIDEOBENCH_SUBTITLES, tmp_path)
    assert "v_en.json does not exist" in question.broken


def test_lvbench(tmp_path: Path) -> None:
    asked = {"question": "Who?\n(A) Ann\n(B) Bob\n(C) Cy\n(D) Di", "time_reference": "00:15-00:19"}
    film = {
        "key": "Cm7", "type": "cartoon", "video_info": {"fps": 30.0},
        "qa": [
            {"uid": "0", "answer": "B", "question_type": ["entity recognition"], **asked},
            {"uid": "1", "answer": "D", "question_type": ["reasoning", "summarization"], **asked},
        ],
    }  # fmt: skip
    (tmp_path / "video_info.meta.jsonl").write_text(json.dumps(film) + "\n")
    clip_at(tmp_path / "all_videos" / "Cm7.mp4")
    questions = load(LVBENCH, tmp_path)
    assert words(questions[0]) == (
        "Who?\n(A) Ann\n(B) Bob\n(C) Cy\n(D) Di\nAnswer the question with the option letter"
    )
    assert questions[1].groups == {"kind": "cartoon", "asks for": "reasoning, summarization"}
    assert values(LVBENCH, questions[0], "B", "Bob", "(C)", "") == [1, 1, 0, 0]
    assert numbers(LVBENCH, questions, ["B", "C"])["accuracy"] == 50
    with pytest.raises(DataError, match=r"has no video_info.meta.jsonl"):
        load(LVBENCH, tmp_path / "all_videos")


def test_egoschema(tmp_path: Path) -> None:
    options = [f"{letter}. C does {letter.lower()}" for letter in "ABCDE"]
    row = {"question_idx": "3", "question": "Why?", "video_idx": "u-1", "option": options}
    parquet(tmp_path / "Subset", "test", [{**row, "answer": "4"}])
    parquet(tmp_path / "GENERATION", "test", [{**row, "answer": None}])
    clip_at(tmp_path / "videos" / "u-1.mp4")
    (question,) = load(EGOSCHEMA_SUBSET, tmp_path)
    assert words(question) == "\n".join(["Why?", *options, DIRECTLY])
    assert values(EGOSCHEMA_SUBSET, question, "E", "E. C does e", "A", "F") == [1, 1, 0, 0]
    (question,) = load(EGOSCHEMA, tmp_path)
    assert question.key == "u-1"
    assert values(EGOSCHEMA, question, "E") == [0]
    parquet(tmp_path / "Subset", "test", [{**row, "answer": "5"}])
    with pytest.raises(DataError, match="answer is '5', expected a number below 5"):
        load(EGOSCHEMA_SUBSET, tmp_path)


def test_perceptiontest(tmp_path: Path) -> None:
    row = {"video_name": "video_8", "question": "How many?", "question_id": "2",
           "options": ["one", "two", "three"]}  # fmt: skip
    seen = {**row, "answer_id": "1", "area": "memory", "reasoning": "descriptive"}
    parquet(tmp_path / "mc_question_val", "validation", [seen])
    parquet(tmp_path / "mc_question", "test", [row])
    clip_at(tmp_path / "videos" / "video_8.mp4")
    (question,) = load(PERCEPTIONTEST_VAL, tmp_path)
    assert words(question) == f"How many?\nA. one\nB. two\nC. three\n{DIRECTLY}"
    assert values(PERCEPTIONTEST_VAL, question, "B.", "two", "C", "D") == [1, 1, 0, 0]
    (question,) = load(PERCEPTIONTEST, tmp_path)
    assert question.truth is None
    assert values(PERCEPTIONTEST, question, "B") == [0]


def test_mlvu(tmp_path: Path) -> None:
    tasks = ["plotQA", "needle", "ego", "count", "order", "anomaly_reco", "topic_reasoning"]
    for number, task in enumerate(tasks, 1):
        row = {"video": f"{task}.mp4", "duration": 480.0, "question": "What colour?",
               "candidates": ["red", "blue"], "answer": "blue", "question_type": task}  # fmt: skip
        rows = [row, row] if task == "ego" else [row]
        write_json(tmp_path / "MLVU" / "json" / f"{number}_{task}.json", rows)
    clip_at(tmp_path / "MLVU" / "video" / "1_plotQA" / "plotQA.mp4")
    clip_at(tmp_path / "MLVU" / "video" / "needle" / "needle.mp4")
    questions = load(MLVU, tmp_path)
    assert len({question.key for question in questions}) == 8
    assert [bool(question.broken) for question in questions[:3]] == [False, False, True]
    assert words(questions[0]) == (
        "Carefully watch this video and pay attention to every detail. Based on your observations, "
        "select the best option that accurately addresses the question.\nQuestion: What colour?\n"
        "Options:\n(A) red\n(B) blue\nOnly give the best option."
    )
    assert values(MLVU, questions[0], "(B) blue", "B)", "red") == [1, 1, 0]
    # Right: plotQA, needle, one of two of ego. M-Avg weighs tasks, accuracy questions.
    found = numbers(MLVU, questions, ["B", "B", "B", "A", "A", "A", "A", "A"])
    assert found["m_avg"] == pytest.approx(100 * 2.5 / 7)
    assert found["accuracy"] == pytest.approx(100 * 3 / 8)


def mvbench_at(folder: Path) -> None:
    """Every task with one question; three of the videos are there."""
    for task in _FOLDERS:
        row: dict[str, Any] = {
            "video": f"{task}.mp4", "question": "What happens?",
            "candidates": ["it falls", "it stays"], "answer": "it stays",
        }  # fmt: skip
        if task == "action_sequence":
            row |= {"start": 1.0, "end": 2.5}
        if task == "episodic_reasoning":
            row |= {"video": "show_01", "start": 1.0, "end": 2.0, "fps": 3}
        write_json(folder / "json" / f"{task}.json", [row])
    clip_at(folder / "video" / "star" / "Charades_v1_480" / "action_sequence.mp4", seconds=4)
    clip_at(folder / "video" / "data0613" / "clevrer" / "video_validation" / "moving_count.mp4")
    frames = folder / "video" / "tvqa" / "frames_fps3_hq" / "show_01"
    frames.mkdir(parents=True)
    for number in range(1, 13):
        (frames / f"{number:05d}.jpg").write_bytes(png())


def test_mvbench(tmp_path: Path) -> None:
    mvbench_at(tmp_path)
    questions = {question.groups["task"]: question for question in load(MVBENCH, tmp_path)}
    assert len(questions) == 20
    there = [task for task, question in questions.items() if not question.broken]
    assert there == ["action_sequence", "moving_count", "episodic_reasoning"]
    question = questions["action_sequence"]
    assert texts_of(question) == [
        "\nCarefully watch the video and pay attention to the cause and sequence of events, the "
        "detail and movement of objects, and the action and pose of persons. Based on your "
        "observations, select the best option that accurately addresses the question.\n\n"
        "Question: What happens?\nOptions:\n(A) it falls\n(B) it stays\n"
        "Only give the best option.",
        "Best option:(",
    ]
    part = video_of(question)
    assert (part.video_start, part.video_end) == (1.0, 2.5)
    assert measure_media(part, DEFAULT_LIMITS).num_frames == 4
    assert values(MVBENCH, question, "B)", "(B) it stays", "A", "") == [1, 1, 0, 0]


def test_frames_of_mvbench_are_those_of_the_part(tmp_path: Path) -> None:
    mvbench_at(tmp_path)
    questions = {question.groups["task"]: question for question in load(MVBENCH, tmp_path)}
    part = video_of(questions["episodic_reasoning"])
    assert [Path(str(frame)).stem for frame in part.source] == ["00003", "00004", "00005", "00006"]  # type: ignore[union-attr]
    assert part.fps == 3
    assert transforms_of(questions["episodic_reasoning"].conversation, DEFAULT_LIMITS)


def test_mvbench_with_parts_cut_out(tmp_path: Path) -> None:
    """The branch "video": other folders, and no part is cut a second time."""
    mvbench_at(tmp_path)
    shutil.rmtree(tmp_path / "video")
    clip_at(tmp_path / "star" / "Charades_segment" / "action_sequence.mp4", seconds=2)
    clip_at(tmp_path / "clevrer" / "video_validation" / "moving_count.mp4")
    clip_at(tmp_path / "tvqa" / "video_fps3_hq_segment" / "show_01.mp4")
    questions = {question.groups["task"]: question for question in load(MVBENCH, tmp_path)}
    there = [task for task, question in questions.items() if not question.broken]
    assert there == ["action_sequence", "moving_count", "episodic_reasoning"]
    part = video_of(questions["action_sequence"])
    assert (part.video_start, part.video_end) == (None, None)
    assert "Charades_segment" in questions["action_prediction"].broken


def test_rules_of_mvbench_where_they_differ(tmp_path: Path) -> None:
    mvbench_at(tmp_path)
    questions = load(MVBENCH, tmp_path)[:4]
    found = numbers(MVBENCH, questions, ["B", "it stays", "", "."])
    # The text alone is a choice for us; nothing and "." are wrong by all three.
    assert found == {"accuracy": 50, "lmms_eval": 25, "vlmevalkit": 25}
