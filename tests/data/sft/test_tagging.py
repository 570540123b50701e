"""Tags are right on wordings that were never seen, unsure ones abstain, and nothing is guessed."""

import json
from pathlib import Path

import numpy as np
import pytest

from qvl.data.records import Sample
from qvl.data.sft.classifier import Classifier, features_of, templated_classifier, train
from qvl.data.sft.tagging import (
    CONFIDENCE,
    LEAST_CONFIDENCE,
    ask,
    classifier_tag_step,
    model_tag_step,
    read_category,
)
from qvl.data.sft.taxonomy import CATEGORIES, DOMAINS, UNTAGGED, domain_of
from qvl.data.sft.templates import templated
from qvl.data.steps import Failed, Kept, Step
from qvl.errors import ConfigError, DataError, QvlError
from qvl.messages import Conversation, GenerationResult, Image, Text
from tests.data.small import asked, picture


def kept(step: Step, samples: list[Sample]) -> list[Sample]:
    outcomes = step.apply(samples)
    assert all(isinstance(outcome, Kept) for outcome in outcomes)
    return [outcome.samples[0] for outcome in outcomes if isinstance(outcome, Kept)]


def test_the_taxonomy_has_the_published_size() -> None:
    assert (len(DOMAINS), len(CATEGORIES)) == (8, 30)
    coding = {name for name, category in CATEGORIES.items() if category.domain == "Coding"}
    assert coding == {
        "Code_Debugging", "Code_Generation", "Code_Translation", "Code_Understanding",
    }  # fmt: skip
    assert domain_of("Task_Planning") == "Planning"


def test_held_out_wordings_are_told() -> None:
    heldout, trained = templated(split="heldout"), templated(split="train")
    texts = {str(sample.conversation) for sample, _ in trained}
    assert {category for _, category in heldout} == set(CATEGORIES)
    classifier = templated_classifier()
    verdicts = [(classifier.classify(sample), category) for sample, category in heldout]
    right = np.mean([verdict.category == category for verdict, category in verdicts])
    sure = [v.category == category for v, category in verdicts if v.confidence >= LEAST_CONFIDENCE]
    assert right > 0.88
    assert np.mean(sure) > max(right, 0.92)  # abstaining leaves the better ones
    assert len(sure) > 0.85 * len(heldout)
    assert not any(str(sample.conversation) in texts for sample, _ in heldout)


def test_training_repeats_and_survives_its_file(tmp_path: Path) -> None:
    samples = [item for item in templated(split="train") if domain_of(item[1]) == "Coding"]
    one, other = train(samples), train(samples)
    assert np.array_equal(one.weights, other.weights)
    one.save(tmp_path / "tags.npz")
    read = Classifier.load(tmp_path / "tags.npz")
    assert read.categories == one.categories
    assert all(read.classify(s) == one.classify(s) for s, _ in samples[:20])
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="no classifier"):
        Classifier.load(tmp_path / "broken.npz")
    with pytest.raises(ConfigError, match="at least two"):
        train(samples[:3])


def test_media_are_features() -> None:
    plain, pictured = asked("How many birds?", "3"), asked("How many birds?", "3", Image(picture()))
    assert set(features_of(plain)) != set(features_of(pictured))
    assert len(features_of(asked("?!", "3"))) <= 1


def test_unsure_questions_are_untagged_and_counted() -> None:
    step = classifier_tag_step(templated_classifier(), least_confidence=0.3)
    code = asked("Write a Python function that sorts a list of names.", "def f(): ...")
    samples = kept(step, [code, asked("Zwölf Boxkämpfer jagen Viktor.", "?")])
    assert samples[0].facts["category"] == "Code_Generation"
    assert samples[0].facts["domain"] == "Coding"
    assert samples[0].provenance.scores[CONFIDENCE] >= 0.3
    assert samples[1].facts["category"] == UNTAGGED
    assert samples[1].facts["domain"] == UNTAGGED
    assert samples[0].conversation == code.conversation


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        ('```json\n{"category": "Chart_Understanding"}\n```', "Chart_Understanding"),
        ('{"category": "chart understanding",}', "Chart_Understanding"),
        ("The category is **Table-Understanding**.", "Table_Understanding"),
        ('{"category": "Astrology"}', UNTAGGED),
        ("Writing, or perhaps Translation", UNTAGGED),
        ("", UNTAGGED),
    ],
)
def test_answers_of_models(answer: str, category: str) -> None:
    assert read_category(answer) == category


class Scripted:
    """Answers by what the question holds."""

    def __init__(self) -> None:
        self.asked: list[Conversation] = []

    def generate(self, conversations: list[Conversation], params: object) -> list[object]:
        self.asked += conversations
        results: list[object] = []
        for conversation in conversations:
            text = conversation.messages[0].content[-1].text  # type: ignore[union-attr]
            if "no answer" in text:
                results.append(QvlError("the server is busy"))
                continue
            answer = json.dumps({"category": "Writing" if "poem about rain?" in text else "hm"})
            results.append(
                GenerationResult(
                    text=answer,
                    token_ids=(),
                    finish_reason="stop",
                    prompt_tokens=1,
                    completion_tokens=1,
                )
            )
        return results


def test_a_model_tags() -> None:
    step = model_tag_step(Scripted)  # type: ignore[arg-type]
    samples = [asked("A poem about rain?", "Drip.".lower()), asked("A no answer?", "x")]
    samples[0] = asked("Can I have a poem about rain?", "Drip.")
    outcomes = step.apply([*samples, asked("Odd?", "x")])
    assert isinstance(outcomes[0], Kept)
    assert outcomes[0].samples[0].facts["category"] == "Writing"
    assert isinstance(outcomes[1], Failed)
    assert isinstance(outcomes[2], Kept)
    assert outcomes[2].samples[0].facts["domain"] == UNTAGGED


def test_the_model_sees_the_pictures_and_all_categories() -> None:
    conversation = ask(asked("What is it?", "A cup.", Image(picture())))
    *media, words = conversation.messages[0].content
    assert len(media) == 1
    assert isinstance(words, Text)
    assert all(name in words.text for name in CATEGORIES)
    assert "A cup." not in words.text
