"""Questions about videos that letters alone do not answer, on files in their published layouts."""

import json
from pathlib import Path
from typing import Any

import pytest

from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.benchmarks.charades_sta import CHARADES_STA, CHARADES_STA_LMMS_EVAL
from qvl.evaluation.benchmarks.mmbench_video import MMBENCH_VIDEO
from qvl.evaluation.benchmarks.mmvu import MMVU
from qvl.evaluation.benchmarks.tempcompass import TEMPCOMPASS, TEMPCOMPASS_CAPTIONING
from qvl.evaluation.benchmarks.videommmu import VIDEOMMMU, VIDEOMMMU_KNOWLEDGE
from qvl.evaluation.scorers.score import Score
from tests.evaluation.benchmarks.published import load, numbers, parquet, values, words
from tests.evaluation.benchmarks.videos import clip_at, texts_of


def judged(benchmark: Benchmark, question: Question, answer: str, verdict: str) -> Score:
    """What an answer scores if the judge says so, after its prompt was made."""
    assert benchmark.judge is not None
    prompt = benchmark.judge.prompt(question, Reply(text=answer))
    assert answer in "".join(part.text for part in prompt.messages[-1].content)  # type: ignore[union-attr]
    return benchmark.judge.read(question, verdict)


def test_mmvu(tmp_path: Path) -> None:
    row = {"question": "Which sort is it?", "metadata": {"subject": "Computer_Science"}}
    rows = [
        {**row, "id": "validation_0", "question_type": "multiple-choice", "answer": "B",
         "choices": {"A": "merge", "B": "quick", "C": "heap", "D": "radix", "E": "shell"},
         "video": "https://huggingface.co/datasets/yale-nlp/MMVU/resolve/main/videos/CS/0.mp4"},
        {**row, "id": "validation_1", "question_type": "open-ended", "answer": "depth-first search",
         "choices": {letter: "" for letter in "ABCDE"},
         "video": "https://huggingface.co/datasets/yale-nlp/MMVU/resolve/main/videos/CS/1.mp4"},
    ]  # fmt: skip
    (tmp_path / "validation.json").write_text(json.dumps(rows))
    clip_at(tmp_path / "videos" / "CS" / "0.mp4")
    questions = load(MMVU, tmp_path)
    assert words(questions[0]) == (
        "\nQuestion:Which sort is it?\nA: merge\nB: quick\nC: heap\nD: radix\nE: shell\n"
        "Visual Information: processed video\nDo not generate any intermediate reasoning process. "
        "Answer directly with the option letter from the\ngiven choices.\n"
    )
    assert "Directly output the final answer." in words(questions[1])
    assert [bool(question.broken) for question in questions] == [False, True]
    assert values(MMVU, questions[0], "B", "B: quick", "quick", "shell") == [1, 1, 1, 0]
    answers = ("It is depth-first search.", "breadth-first")
    assert values(MMVU, questions[1], *answers) == [1, 0]
    assert numbers(MMVU, questions, ["B", ""])["accuracy"] == 50
    verdicts = [judged(MMVU, questions[1], "DFS", text) for text in ("Correct", "incorrect.", "?")]
    assert [score.value for score in verdicts] == [1, 0, 0]
    assert not verdicts[2].is_parsed


def test_mmvu_in_parquet(tmp_path: Path) -> None:
    rows = [{"id": "v", "question": "?", "question_type": "open-ended", "answer": "3",
             "choices": {"A": ""}, "video": "x", "video_path": "videos/Art/0.mp4"}]  # fmt: skip
    clip_at(tmp_path / "videos" / "Art" / "0.mp4")
    (question,) = load(MMVU, parquet(tmp_path, "validation", rows))
    assert not question.broken
    assert values(MMVU, question, "the answer is 3", "4") == [1, 0]


def videommmu_at(folder: Path) -> None:
    row = {"id": "validation_Art_Theory_1", "question": "Which?", "answer": "B"}
    listed = {**row, "options": ["A. red", "B. blue"], "question_type": "multiple-choice"}
    parquet(folder / "Perception", "test", [listed])
    parquet(folder / "Comprehension", "test", [{**listed, "options": ["red", "blue"]}])
    opened = {"id": "dev_Math_2", "question": "How much?", "options": [], "answer": "0.5"}
    parquet(folder / "Adaptation", "test", [listed, {**opened, "question_type": "open"}])
    clip_at(folder / "Art" / "validation_Art_Theory_1.mp4")
    clip_at(folder / "Science" / "dev_Math_2.mp4")
    clip_at(folder / "question_only" / "dev_Math_2_image.mp4")


def test_videommmu(tmp_path: Path) -> None:
    videommmu_at(tmp_path)
    questions = load(VIDEOMMMU, tmp_path)
    assert len({question.key for question in questions}) == 4
    assert not any(question.broken for question in questions)
    ignored = "\nPlease ignore the Quiz question in last frame of the video."
    assert words(questions[0]) == words(questions[1]) == f"Which?\nA. red\nB. blue{ignored}"
    learnt = (
        "You should watch and learn the video content. Then apply what you learned to answer the "
        "following {} question. The image for this question is at the end of the video.\n"
    )
    assert words(questions[2]) == learnt.format("multi-choice") + "Which?\nA. red\nB. blue"
    assert words(questions[3]) == learnt.format("open-ended") + "How much?"
    assert values(VIDEOMMMU, questions[0], "B", "blue", "A") == [1, 1, 0]
    assert values(VIDEOMMMU, questions[3], "So the result is 0.5", "0.6") == [1, 0]
    found = numbers(VIDEOMMMU, questions, ["B", "A", "B", "1"])
    assert found == {"accuracy": 50, "perception": 100, "comprehension": 0, "adaptation": 50}
    odd = {"id": "dev_Magic_1", "question": "?", "options": ["a"], "answer": "A"}
    parquet(tmp_path / "Perception", "test", [odd])
    with pytest.raises(DataError, match="names no subject"):
        load(VIDEOMMMU, tmp_path)


def test_gain_of_knowledge(tmp_path: Path) -> None:
    videommmu_at(tmp_path)
    questions = load(VIDEOMMMU_KNOWLEDGE, tmp_path)
    assert [question.groups["lecture"] for question in questions] == ["before", "after"] * 2
    assert [bool(question.broken) for question in questions] == [True, False, False, False]
    assert words(questions[2]) == "How much?"
    # Before: one of two, after: two of two. All of what was left is gained.
    found = numbers(VIDEOMMMU_KNOWLEDGE, questions, ["B", "B", "1", "0.5"])
    assert found == {"before": 50, "after": 100, "knowledge_gain": 100}
    found = numbers(VIDEOMMMU_KNOWLEDGE, questions, ["B", "A", "1", "1"])
    assert found["knowledge_gain"] == -100


def test_charades_sta(tmp_path: Path) -> None:
    (tmp_path / "charades_sta_test.txt").write_text(
        "3MSZA 24.3 30.4##person turn a light on.\n\nAMT7R 0.0 10##a person sits.\n"
    )
    clip_at(tmp_path / "Charades_v1_480" / "3MSZA.mp4")
    questions = load(CHARADES_STA, tmp_path)
    assert words(questions[0]) == (
        "Give the query: 'person turn a light on', when does the described content occur in the "
        "video? Use seconds for time format."
    )
    assert [bool(question.broken) for question in questions] == [False, True]
    right = "The given query happens in 24.3 - 30.4 seconds."
    half = "It happens from 00:05 to 00:10."
    assert values(CHARADES_STA, questions[0], right, "24.3", "never") == [1, 0, 0]
    assert values(CHARADES_STA, questions[1], half, "10 - 5 seconds") == [0.5, 0.5]
    found = numbers(CHARADES_STA, questions, [right, half])
    assert found == {"miou": 75, "r1@0.3": 100, "r1@0.5": 100, "r1@0.7": 50}
    assert numbers(CHARADES_STA, questions, [right, ""])["r1@0.3"] == 50
    (other, _) = load(CHARADES_STA_LMMS_EVAL, tmp_path)
    assert words(other).endswith(
        "sentence: person turn a light on.. Please return its start time and end time."
    )
    (tmp_path / "charades_sta_test.txt").write_text("3MSZA 24.3##x\n")
    with pytest.raises(DataError, match=r"charades_sta_test.txt:0 is '3MSZA 24.3##x'"):
        load(CHARADES_STA, tmp_path)


def test_charades_sta_in_parquet(tmp_path: Path) -> None:
    rows = [{"video": "AO8RW.mp4", "caption": "a person eats", "timestamp": "[1.5, 4.0]"}]
    clip_at(tmp_path / "Charades_v1_480" / "AO8RW.mp4")
    (question,) = load(CHARADES_STA, parquet(tmp_path, "test", rows))
    assert not question.broken
    assert question.truth == [1.5, 4.0]
    parquet(tmp_path, "test", [{**rows[0], "timestamp": "soon"}])
    with pytest.raises(DataError, match="timestamp is 'soon'"):
        load(CHARADES_STA, tmp_path)


def tempcompass_at(folder: Path) -> None:
    row = {"video_id": "77", "dim": "direction"}
    forms: dict[str, dict[str, Any]] = {
        "multi-choice": {"question": "Which way?\nA. up\nB. down", "answer": "B. down"},
        "yes_no": {"question": "Does it fall?", "answer": "yes"},
        "caption_matching": {
            "question": "Which caption fits?\nCaption A: The ball falls.\nCaption B: It rises.",
            "answer": "Caption A: The ball falls.",
        },
        "captioning": {
            "question": "Describe it.", "answer": "", "mc_question": "Which way?\nA. up\nB. down",
            "mc_answer": "B. down",
        },
    }  # fmt: skip
    for form, values_ in forms.items():
        parquet(folder / form, "test", [{**row, **values_}])
    clip_at(folder / "videos" / "77.mp4")


def test_tempcompass(tmp_path: Path) -> None:
    tempcompass_at(tmp_path)
    choice, yes_no, caption = load(TEMPCOMPASS, tmp_path)
    assert words(choice) == "Which way?\nA. up\nB. down\nPlease directly give the best option:"
    assert words(yes_no) == "Does it fall?\nPlease answer yes or no:"
    assert values(TEMPCOMPASS, choice, "B", "B. down", "down", "A)", "") == [1, 1, 1, 0, 0]
    assert values(TEMPCOMPASS, yes_no, "Yes, it does.", "no", "maybe") == [1, 0, 0]
    right = ("Caption A", "A", "The ball falls", "Caption A: The ball falls.", "(A)", "A.")
    assert values(TEMPCOMPASS, caption, *right) == [1] * 6
    wrong = ("B", "Caption B: It rises.", "Caption A or Caption B", "neither", "")
    assert values(TEMPCOMPASS, caption, *wrong) == [0] * 5
    found = numbers(TEMPCOMPASS, [choice, yes_no, caption], ["B", "no", "Caption A"])
    assert found["average"] == pytest.approx(200 / 3)
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert found["yes_no"] == 0


def test_options_of_tempcompass_may_be_numbers(tmp_path: Path) -> None:
    asked = {"question": "Which?\nOption 1: It spins.\nOption 2: It stops.",
             "answer": "Option 2: It stops."}  # fmt: skip
    tempcompass_at(tmp_path)
    parquet(tmp_path / "caption_matching", "test", [{"video_id": "77", "dim": "action", **asked}])
    caption = load(TEMPCOMPASS, tmp_path)[2]
    assert values(TEMPCOMPASS, caption, "Option 2", "2", "it stops.", "1") == [1, 1, 1, 0]


def test_captions_of_tempcompass(tmp_path: Path) -> None:
    tempcompass_at(tmp_path)
    (question,) = load(TEMPCOMPASS_CAPTIONING, tmp_path)
    assert words(question) == "Describe it."
    answers = ("A ball falls down.", "A ball goes up.", "Up and down.", "downtown")
    assert values(TEMPCOMPASS_CAPTIONING, question, *answers) == [1, 0, 0, 0]
    verdicts = [
        judged(TEMPCOMPASS_CAPTIONING, question, "It drops.", text) for text in ("B", "A", "None.")
    ]
    assert [score.value for score in verdicts] == [1, 0, 0]
    assert verdicts[2].is_parsed


def test_mmbench_video(tmp_path: Path) -> None:
    header = "index\tvideo\tvideo_type\tquestion\tanswer\tdimensions\tvideo_path\n"
    line = "{}\tabc\tsports\tWho wins?\tThe red team\t{}\t./video/abc_processed.mp4\n"
    (tmp_path / "MMBench-Video.tsv").write_text(
        header + line.format(0, "['OCR', 'Counting']") + line.format(1, "['OCR']")
    )
    clip_at(tmp_path / "video" / "abc_processed.mp4")
    questions = load(MMBENCH_VIDEO, tmp_path)
    assert texts_of(questions[0]) == ["Who wins?"]
    assert not questions[0].broken
    assert not MMBENCH_VIDEO.score(questions[0], Reply(text="red")).is_parsed
    verdicts = [judged(MMBENCH_VIDEO, questions[0], "red", text) for text in ("3", " 1.", "2.5")]
    assert [3 * score.value for score in verdicts] == [3, 1, 0]
    assert not verdicts[2].is_parsed
    assert MMBENCH_VIDEO.judge is not None
    prompt = MMBENCH_VIDEO.judge.prompt(questions[0], Reply(text="red"))
    assert prompt.messages[0].role == "system"
    assert prompt.messages[1].content[0].text == (  # type: ignore[union-attr]
        "Question: Who wins?\nGroundtruth answer: The red team\nCandidate answer: red\n"
        "Your response: "
    )
