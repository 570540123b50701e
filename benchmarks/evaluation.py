"""What evaluation costs beside the model: asking, and scoring what was answered.

python benchmarks/evaluation.py
python benchmarks/evaluation.py --answers 5000 --asked 100

Asking: a model that takes a given time for each batch and nothing of the processor, asked questions
with pictures of a photograph's size in JPEG, read from their headers. All that the run takes beyond
the model's time is overhead: pictures, measuring, answers on the disk. A batch of 16 in two seconds
is eight questions a second, about what one large GPU does with short answers.

Scoring: cached answers with string metrics, from the answers' file to scores, result and pages; and
the memory that it takes. With pictures, every wrong answer's picture is drawn into its page.
"""

import argparse
import io
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
from clock import peak_mib

from qvl.evaluation.answers import Answer, AnswerFile
from qvl.evaluation.benchmark import Benchmark, Question, Reply
from qvl.evaluation.evaluate import Run, Subject, ask, score_questions
from qvl.evaluation.manifest import make_manifest, write_manifest
from qvl.evaluation.scorers.anls import anls
from qvl.evaluation.scorers.chartqa import relaxed_accuracy
from qvl.evaluation.scorers.choice_letters import choice
from qvl.evaluation.scorers.score import Score
from qvl.evaluation.scorers.vqa import vqa_v2
from qvl.evaluation.scoring import mean_percent
from qvl.messages import Conversation, GenerationResult, Image, SamplingParams

KINDS = ("anls", "relaxed_accuracy", "vqa_v2", "choice")
TRUTHS = ("12.50", "the red bus", "paris", "B")


def photographs(count: int) -> list[bytes]:
    """JPEG files of 640 x 480 px."""
    rng = np.random.default_rng(7)
    files = []
    for _ in range(count):
        small = PIL.Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
        file = io.BytesIO()
        small.resize((640, 480)).save(file, "JPEG", quality=85)
        files.append(file.getvalue())
    return files


def questions(count: int, pictures: Sequence[bytes]) -> Iterator[Question]:
    """Questions with a truth for each of the string metrics in turn."""
    for number in range(count):
        kind = number % len(KINDS)
        text = f"Question {number}: what does it say?\nAnswer with a word or a number."
        parts = [Image(pictures[number % len(pictures)])] if pictures else []
        yield Question(
            key=str(number),
            conversation=Conversation.user(*parts, text),
            truth=TRUTHS[kind],
            groups={"kind": KINDS[kind]},
        )


def score(question: Question, reply: Reply) -> Score:
    """By the metric of the question's kind."""
    answer, truth = reply.text, question.truth
    if question.groups["kind"] == "anls":
        return anls(answer=answer, truths=[truth])
    if question.groups["kind"] == "relaxed_accuracy":
        return relaxed_accuracy(answer=answer, truth=truth)
    if question.groups["kind"] == "vqa_v2":
        return vqa_v2(answer=answer, truths=[truth] * 10)
    return choice(answer=answer, truth=truth)


def benchmark(count: int, pictures: Sequence[bytes]) -> Benchmark:
    """The questions as a benchmark that needs no files."""
    return Benchmark(
        name="synthetic",
        title="Synthetic",
        area="own",
        split="test",
        source="drawn",
        load=lambda folder, split: questions(count, pictures),
        score=score,
        total=mean_percent,
        metric="accuracy",
        params=SamplingParams(max_tokens=64),
    )


class Sleeper:
    """Takes a time for each call, and none of the processor."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.slept = 0.0

    def generate(
        self, conversations: Sequence[Conversation], params: SamplingParams
    ) -> list[GenerationResult]:
        start = time.perf_counter()
        time.sleep(self.seconds)
        self.slept += time.perf_counter() - start
        result = GenerationResult(
            text="12.5",
            token_ids=(),
            finish_reason="stop",
            prompt_tokens=400,
            completion_tokens=8,
        )
        return [result] * len(conversations)


def asking(count: int, seconds: float, folder: Path) -> None:
    """Prints the overhead of a run, the manifest included and apart."""
    model = Sleeper(seconds)
    subject = Subject(generator=model, identity={"name": "sleeper"})
    run = Run(benchmark=benchmark(count, photographs(64)))
    start, busy = time.perf_counter(), time.process_time()
    summary = ask(run, subject, folder)
    wall, busy = time.perf_counter() - start, time.process_time() - busy
    print(
        f"{count:,} questions with pictures, {seconds:g} s a batch of {run.batch_size}: "
        f"{wall:.2f} s, the model {model.slept:.2f} s\n"
        f"  overhead {100 * (wall - model.slept) / model.slept:.2f} % of the model's time, "
        f"{100 * busy / model.slept:.2f} % as processor time; "
        f"asking without the manifest {100 * (summary.wall_s - model.slept) / model.slept:.2f} %"
    )


def scoring(count: int, wrong: float, folder: Path, *, pictures: Sequence[bytes]) -> None:
    """Prints the time of scoring cached answers, to the last page."""
    made = benchmark(count, pictures)
    manifest = make_manifest(
        replace(made, load=lambda folder, split: questions(1, ())),
        questions(1, ()),
        split="test",
        model={},
        computing={},
        inputs={},
    )
    write_manifest(folder, manifest)
    rng = np.random.default_rng(3)
    AnswerFile(folder).append(
        [
            Answer(
                key=str(number),
                text="no idea at all" if rng.random() < wrong else TRUTHS[number % len(KINDS)],
                sizes=((480, 640, 476, 644),) if pictures else (),
            )
            for number in range(count)
        ]
    )
    start, busy = time.perf_counter(), time.process_time()
    outcome = score_questions(made, made.load(folder, "test"), folder)
    wall, busy = time.perf_counter() - start, time.process_time() - busy
    what = "with pictures" if pictures else "of text"
    print(
        f"{count:,} cached answers {what}, {100 - outcome.headline:.0f} % wrong and shown: "
        f"{wall:.1f} s, {busy:.1f} s of the processor; peak memory {peak_mib():.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--answers", type=int, default=100_000, help="cached answers to score")
    parser.add_argument("--asked", type=int, default=160, help="questions to ask")
    parser.add_argument("--seconds", type=float, default=2.0, help="of a batch")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="qvl-evaluation-"))
    try:
        print(f"imported: {peak_mib():.0f} MiB")
        asking(args.asked, args.seconds, folder / "asked")
        scoring(args.answers, 0.3, folder / "text", pictures=())
        few = max(1, args.answers // 50)
        scoring(few, 0.3, folder / "pictures", pictures=photographs(64))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
