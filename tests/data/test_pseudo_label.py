"""Grounding DINO and SAM through the code that loads the published ones, with random weights."""

from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from qvl.data.detections import Belief, asked_step, mark_step
from qvl.data.interchange.pictures import PictureFolder
from qvl.data.lint import check_sample
from qvl.data.local import run_local
from qvl.data.pseudo_label import LabelModels, load_models
from qvl.data.shards import ShardReader
from qvl.errors import CheckpointError, ConfigError, DataError
from tests.data.tiny_detectors import make_detector, make_segmenter

PHRASES = ["red cat", "dog", "traffic light"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return str(make_detector(folder / "detector")), str(make_segmenter(folder / "segmenter"))


@pytest.fixture(scope="module")
def models(folders: tuple[str, str]) -> LabelModels:
    return load_models(*folders)


def picture(seed: int = 0, height: int = 90, width: int = 140) -> PIL.Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return PIL.Image.fromarray(pixels)


def test_finds_boxes_and_masks_in_pixels_of_the_picture(models: LabelModels) -> None:
    found = models.detect(picture(), PHRASES)
    assert found
    assert {item.name for item in found} <= set(PHRASES)
    for item in found:
        x1, y1, x2, y2 = item.box
        assert 0 <= x1 < x2 <= 140
        assert 0 <= y1 < y2 <= 90
        assert models.least_score <= item.score <= 1
        assert item.segmentation is not None
        assert item.segmentation.size == (90, 140)  # type: ignore[union-attr]


def test_boxes_are_those_of_the_library_s_own_reading(models: LabelModels) -> None:
    image = picture(3)
    text = ". ".join(PHRASES) + "."
    inputs = models.processor(images=image, text=text, return_tensors="pt")
    outputs = models.detector(**inputs)
    (expected,) = models.processor.post_process_grounded_object_detection(
        outputs, inputs["input_ids"], threshold=0.0, text_threshold=0.9, target_sizes=[(90, 140)]
    )
    theirs = expected["boxes"].numpy()
    scores = expected["scores"].numpy()
    for item in models.detect(image, PHRASES):
        near = np.abs(np.clip(theirs, 0, [140, 90, 140, 90]) - np.array(item.box)).max(1)
        assert near.min() < 1e-3
        # Theirs is the best of all tokens, full stops too; ours is that of the phrase.
        assert item.score <= scores[near.argmin()] + 1e-5


def test_the_phrase_of_a_box_is_that_of_its_best_token(models: LabelModels) -> None:
    image = picture(5)
    one = {item.box: item.score for item in models.detect(image, ["red cat"])}
    assert all(item.name == "red cat" for item in models.detect(image, ["red cat"]))
    assert one
    with pytest.raises(DataError, match="expected 3"):
        # A phrase of which nothing is left: the tokenizer drops the character.
        models.detect(image, ["cat", "\u200b", "dog"])


def test_many_phrases_go_in_several_prompts(models: LabelModels) -> None:
    words = ["cat", "dog", "person", "cup", "light"]
    phrases = [f"{a} {b}" for a in words for b in words]
    found = models.detect(picture(1), phrases)
    assert {item.name for item in found} <= set(phrases)
    assert any(phrases.index(item.name) >= 20 for item in found)


@pytest.mark.parametrize("phrase", ["", " . ", "x" * 200])
def test_phrases_that_cannot_be_asked_for_are_refused(models: LabelModels, phrase: str) -> None:
    with pytest.raises(DataError, match="expected 1 to 120"):
        models.detect(picture(), [phrase])


def test_models_that_cannot_be_loaded_are_named(tmp_path: Path, folders: tuple[str, str]) -> None:
    with pytest.raises(CheckpointError, match="is no folder"):
        load_models(str(tmp_path / "none"), "")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_models(str(tmp_path), "")
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_models(folders[1], "")  # SAM is no detector


def test_a_run_marks_pictures_and_asks_about_them(tmp_path: Path, folders: tuple[str, str]) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        picture(number, 224, 308).save(pictures / f"{number}.png")
    source = PictureFolder(folder=pictures, licence="CC-BY-4.0", phrases=tuple(PHRASES))
    # Random weights are sure of nothing and their masks fit nothing, so all is believed.
    belief = Belief(at_least=0.1, absent_below=0.05, mask_iou=0.0)
    steps = [
        mark_step("marks", partial(load_models, *folders), belief=belief),
        asked_step("questions"),
    ]
    summary = run_local(source, steps, tmp_path / "out")
    assert summary.num_failed == 0, summary.failures
    assert summary.num_kept + summary.num_dropped == 3
    for sample in ShardReader(tmp_path / "out"):
        assert not list(check_sample(sample))
        assert sample.provenance.licence == "CC-BY-4.0"
        assert sample.provenance.transforms == ("marks", "questions")
        assert "lowest detection" in sample.provenance.scores
        assert sample.facts["asked"]


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no pictures"):
        PictureFolder(folder=tmp_path)
