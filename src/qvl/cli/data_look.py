"""The actions of ``qvl data`` that look at data: lint, show, index.

Owns: printing. Does not own: what is wrong with a sample (``data.lint``).
"""

import argparse
import json
from pathlib import Path
from typing import Any

from qvl.cli.options import load_processor, model_folder, named_model
from qvl.cli.terminal import progress, write, write_json
from qvl.data.encoding import EncodedSample, encode_sample, media_of
from qvl.data.interchange.opening import Data, open_data, where
from qvl.data.lint import lint as lint_data
from qvl.data.places import answer_text, places
from qvl.data.records import Sample
from qvl.data.shard_index import index_tars
from qvl.data.video_sheets import video_sheet, videos_of
from qvl.errors import InputError
from qvl.geometry import ImageSize, PixelLimits
from qvl.messages import Image, Text
from qvl.processing.image import load_image
from qvl.processing.processor import Processor
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.tasks import draw_svg
from qvl.tasks.marks import layout


def _open(args: argparse.Namespace, limits: PixelLimits = DEFAULT_LIMITS) -> Data:
    root = Path(args.root) if args.root else None
    return open_data(Path(args.data), root=root, whole=False, limits=limits)


def lint(args: argparse.Namespace) -> int:
    """Prints what is wrong with the data."""
    processor = _processor(args)
    data = _open(args, DEFAULT_LIMITS if processor is None else processor.settings.limits)

    def show_progress(done: int, total: int) -> None:
        progress(f"{done}/{total} samples", done=done == total)

    report = lint_data(
        data, processor=processor, max_tokens=args.max_length, progress=show_progress
    )
    if args.json:
        write_json(report.to_json())
    else:
        write(str(report))
    return 0 if report.is_clean else 1


def _processor(args: argparse.Namespace) -> Processor | None:
    """That of the model that is named, or of any, if an option needs one."""
    if named_model(args) is None and args.max_length is None and args.max_pixels is None:
        return None
    processor = load_processor(model_folder(args, weights=False), args)
    if args.max_pixels is not None:
        processor = processor.shrinking_to(args.max_pixels)
    most = processor.settings.context_length
    if args.max_length is not None and not 0 < args.max_length <= most:
        raise InputError(f"--max-length is {args.max_length:,}, expected 1 to {most:,}")
    return processor


def show(args: argparse.Namespace) -> int:
    """Prints one sample, or writes its files."""
    data = _open(args)
    if not 0 <= args.number < len(data):
        raise InputError(f"sample is {args.number}, expected 0 to {len(data) - 1}")
    sample = data[args.number]
    encoded = encode_sample(sample)
    if args.output is not None:
        _write_files(Path(args.output), sample, encoded)
    if args.json:
        write_json({"id": encoded.id, **json.loads(encoded.files["json"])})
    else:
        write("\n".join(_lines(where(data, args.number), sample, encoded)))
    return 0


def _lines(place: str, sample: Sample, encoded: EncodedSample) -> list[str]:
    origin = sample.provenance
    facts: dict[str, Any] = {
        "place": place,
        "id": encoded.id,
        "task": sample.task,
        "from": origin.source or f"{origin.generator} {origin.seed or ''}".strip(),
        "licence": origin.licence,
        "steps": ", ".join(origin.transforms),
        "scores": ", ".join(f"{name} {value:g}" for name, value in origin.scores.items()),
        "dropped": origin.dropped,
    }
    lines = [f"{name:<8} {value}" for name, value in facts.items() if value]
    sizes = iter(encoded.media)
    for message in sample.conversation.messages:
        words = []
        for part in message.content:
            if isinstance(part, Text):
                words.append(part.text)
                continue
            size = next(sizes)
            frames = f", {size.num_frames} frames" if size.kind == "video" else ""
            words.append(f"[{size.kind} {size.width} x {size.height} px{frames}]")
        has_media = any(not isinstance(part, Text) for part in message.content)
        is_plain_answer = message.role == "assistant" and not has_media
        text = answer_text(message) if is_plain_answer else " ".join(words)
        lines += ["", f"{message.role}:", text]
    return lines


def _write_files(folder: Path, sample: Sample, encoded: EncodedSample) -> None:
    """The files as they are stored, a drawing of every picture with what answers point at, and a
    sheet of every video with the moments of answers."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in encoded.files.items():
            (folder / ("sample.json" if name == "json" else name)).write_bytes(data)
        found = places(sample)
        pictures = [part for part in media_of(sample.conversation) if isinstance(part, Image)]
        for number, part in enumerate(pictures):
            marks = [place.mark() for place in found if place.picture == number]
            if marks:
                picture = load_image(part.source)
                scene = layout(ImageSize(picture.height, picture.width), marks)
                drawing = draw_svg.write(scene, picture)
                (folder / f"drawn-{number}.svg").write_text(drawing, encoding="utf-8")
        for number in range(len(videos_of(sample))):
            video_sheet(sample, number).save(folder / f"sheet-{number}.png")
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror}") from error


def index(args: argparse.Namespace) -> int:
    """Makes indexes and prints how many samples there are."""
    folder = Path(args.folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder")
    write(f"{index_tars(folder)} samples")
    return 0
