"""MVBench (arXiv 2311.17005): twenty tasks of multiple choice about what changes in short videos.

Layout: OpenGVLab/MVBench, json/TASK.json, a list each: video, question, candidates, answer (text of
a candidate), and for some tasks start and end in seconds of the part that is meant; video/ from
the archives, a folder a source. Pictures of episodic_reasoning are folders of frames at 3 a second,
counted from 1. What the archive data0613 holds may stay in its folder. Videos of fine_grained_pose
are not published with the rest: its 200 questions count as wrong without them.
Or its branch "video", as lmms-eval reads it: folders without video/ in front, and parts are videos
cut out already (star/Charades_segment and others), so start and end are not applied to them.
Prompt: the authors', as VLMEvalKit gives it to models of video: instruction, question and options
in front of the video, "Best option:(" behind it.
Score: the letter, by our own reading, over all questions. lmms-eval leaves empty answers out
of the count and VLMEvalKit takes some for right; `lmms_eval` and `vlmevalkit` are their rules
without that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from qvl.data.interchange.named_files import file_below
from qvl.errors import DataError
from qvl.evaluation.benchmark import Benchmark, Question, Scored
from qvl.evaluation.benchmarks.choices import lettered, score_letter
from qvl.evaluation.benchmarks.watching import film_of_frames, watch
from qvl.evaluation.layouts.rows import Row, json_rows
from qvl.evaluation.scorers.choice_letters_peers import mvbench_lmms_eval, mvbench_vlmevalkit
from qvl.evaluation.scorers.score import mean
from qvl.messages import Conversation, SamplingParams

_FOLDERS = {
    "action_sequence": "star/Charades_v1_480",
    "action_prediction": "star/Charades_v1_480",
    "action_antonym": "ssv2_video",
    "fine_grained_action": "Moments_in_Time_Raw/videos",
    "unexpected_action": "FunQA_test/test",
    "object_existence": "clevrer/video_validation",
    "object_interaction": "star/Charades_v1_480",
    "object_shuffle": "perception/videos",
    "moving_direction": "clevrer/video_validation",
    "action_localization": "sta/sta_video",
    "scene_transition": "scene_qa/video",
    "action_count": "perception/videos",
    "moving_count": "clevrer/video_validation",
    "moving_attribute": "clevrer/video_validation",
    "state_change": "perception/videos",
    "fine_grained_pose": "nturgbd",
    "character_order": "perception/videos",
    "egocentric_navigation": "vlnqa",
    "episodic_reasoning": "tvqa/frames_fps3_hq",
    "counterfactual_inference": "clevrer/video_validation",
}
"""Source: OpenGVLab/Ask-Anything video_chat2/mvbench.ipynb; VLMEvalKit dataset/MVBench.py."""
_CUT = {
    "star/Charades_v1_480": "star/Charades_segment",
    "sta/sta_video": "sta/sta_video_segment",
    "tvqa/frames_fps3_hq": "tvqa/video_fps3_hq_segment",
    "ssv2_video": "ssv2_video_mp4",
    "nturgbd": "nturgbd_convert",
}
"""Folders of the branch "video" that have another name. Source: lmms-eval mvbench/utils.py."""
_OF_FRAMES = "episodic_reasoning"
_FRAMES_PER_S = 3.0
_MOST_FILES = 100_000

_OPENING = (
    "\nCarefully watch the video and pay attention to the cause and sequence of events, the detail "
    "and movement of objects, and the action and pose of persons. Based on your observations, "
    "select the best option that accurately addresses the question.\n\n"
)
_CLOSING = "\nOnly give the best option."
_BEGUN = "Best option:("


def _load(folder: Path, split: str) -> Iterator[Question]:
    if split != "test":
        raise DataError(f"no split {split!r}, expected test")
    is_cut = any((folder / place).is_dir() for place in _CUT.values())
    for task in _FOLDERS:
        for row in json_rows(folder / "json" / f"{task}.json"):
            yield _question(row, folder, task, is_cut)


def _question(row: Row, folder: Path, task: str, is_cut: bool) -> Question:
    options = lettered([str(option) for option in row["candidates"]])
    letters = [letter for letter, option in options.items() if option == str(row["answer"])]
    if not letters:
        raise DataError(f"{row.where}: answer {row['answer']!r} is not among {options}")
    lines = [f"({letter}) {option}" for letter, option in options.items()]
    asked = "\n".join([f"Question: {row['question']}", "Options:", *lines])
    source = _FOLDERS[task]
    start_s, end_s = row.get("start"), row.get("end")
    places = (f"video/{source}", f"video/data0613/{source}")
    if is_cut:
        start_s = end_s = None
        source = _CUT.get(source, source)
        places = (source, f"data0613/{source}")
    question = watch(
        row,
        folder,
        key=row.where,
        video=str(row["video"]),
        places=places,
        before=f"{_OPENING}{asked}{_CLOSING}",
        words=_BEGUN,
        truth=letters[0],
        start_s=start_s,
        end_s=end_s,
        groups={"task": task},
        facts={"options": options, "cluster": f"{source}/{row['video']}"},
    )
    if task != _OF_FRAMES or is_cut:
        return question
    frames = _frames(row, folder / "video" / source, start_s, end_s)
    if not frames:
        return replace(question, broken=f"{row.where}: no frames of {row['video']!r}")
    opening, *_, closing = question.conversation.messages[0].content
    parts = (opening, film_of_frames(frames, fps=_FRAMES_PER_S), closing)
    return replace(question, conversation=Conversation.user(*parts), broken="")


def _frames(row: Row, folder: Path, start_s: float | None, end_s: float | None) -> list[Path]:
    """Pictures of a part, by their names; all without bounds."""
    place = file_below(str(row["video"]), folder, kind=f"{row.where}: the frames")
    if not place.is_dir():
        return []
    names = sorted(path for path in place.iterdir() if path.suffix in (".jpg", ".png"))
    if len(names) > _MOST_FILES:
        raise DataError(f"{place} has {len(names):,} frames, expected at most {_MOST_FILES:,}")
    first = max(1, round((start_s or 0.0) * _FRAMES_PER_S))
    last = len(names) if end_s is None else round(end_s * _FRAMES_PER_S)
    return names[first - 1 : last]


def _total(scored: Sequence[Scored]) -> dict[str, float]:
    lmms_eval = [
        mvbench_lmms_eval(answer=item.text, truth=str(item.truth)).value for item in scored
    ]
    vlmevalkit = [
        mvbench_vlmevalkit(
            answer=item.text, truth=f"({item.truth}) {item.facts['options'][item.truth]}"
        ).value
        for item in scored
    ]
    return {
        "accuracy": 100 * mean([item.score.value for item in scored]),
        "lmms_eval": 100 * mean(lmms_eval),
        "vlmevalkit": 100 * mean(vlmevalkit),
    }


MVBENCH = Benchmark(
    name="mvbench",
    title="MVBench",
    area="video",
    split="test",
    source="OpenGVLab/MVBench",
    load=_load,
    score=score_letter,
    total=_total,
    metric="accuracy",
    published={"3b": 67.0, "7b": 69.6, "72b": 70.4},
    params=SamplingParams(max_tokens=64),
)
