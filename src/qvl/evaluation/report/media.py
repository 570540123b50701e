"""Pictures and videos of a question as pieces of a page.

Owns: making them small, marking places on the first picture. Does not own which question.

    Image, marks -> a figure;  Video -> figures of some frames with their seconds

What cannot be read is said in its place.
"""

import base64
import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import PIL.Image

from qvl.errors import QvlError
from qvl.geometry import Box, ImageSize, Point
from qvl.messages import Image, Video
from qvl.processing.image import load_image
from qvl.processing.settings import DEFAULT_LIMITS
from qvl.processing.video import prepare_video
from qvl.tasks import draw_svg
from qvl.tasks.marks import Mark, layout

_WIDEST_PX = 420
_MOST_PICTURES, _MOST_MARKS, _MOST_FRAMES = 6, 40, 12
_FRAME_PIXELS = 784 * 40

Place = tuple[str, str, Box | Point]
"""Group, label, and where it is in original_px of its picture."""


def media_html(parts: Sequence[object], places: Sequence[Sequence[Place]]) -> str:
    """Returns the pictures and frames of a question; empty if it has none.

    Args:
        parts: of its messages.
        places: of each picture, what is marked on it.
    """
    pictures = [part for part in parts if isinstance(part, Image)]
    shown = [
        _figure(_picture(part, marked), f"picture {number}" if len(pictures) > 1 else "")
        for number, (part, marked) in enumerate(
            zip(pictures[:_MOST_PICTURES], places, strict=False), 1
        )
    ]
    found = _block(shown, "many" if len(pictures) > 1 else "")
    if len(pictures) > _MOST_PICTURES:
        found += f"<p>and {len(pictures) - _MOST_PICTURES} more pictures</p>"
    for part in parts:
        if isinstance(part, Video):
            found += _video(part)
    return found


def escaped(value: object) -> str:
    """Text for HTML; what is no character is shown as such."""
    return html.escape(str(value).encode("utf-8", "replace").decode("utf-8"))


def _block(figures: Sequence[str], kind: str) -> str:
    return f'<div class="media {kind}">{"".join(figures)}</div>' if figures else ""


def _figure(content: str, caption: str) -> str:
    told = f"<figcaption>{escaped(caption)}</figcaption>" if caption else ""
    return f"<figure>{content}{told}</figure>"


def _picture(part: Image, places: Sequence[Place]) -> str:
    """The picture with the places of the answer and of the truth, if there are any."""
    try:
        picture = load_image(part.source)
    except QvlError as error:
        return f'<p class="warn">{escaped(error.message)}</p>'
    scale = min(1.0, _WIDEST_PX / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.resize(size)
    if not places:
        return _image(small)
    marks = [
        Mark(label=label, shape=type(shape)(*(value * scale for value in shape)), group=group)
        for group, label, shape in places[:_MOST_MARKS]
    ]
    return draw_svg.write(layout(ImageSize(small.height, small.width), marks), small)


def _image(picture: PIL.Image.Image) -> str:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=80)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="" loading="lazy" src="data:image/jpeg;base64,{data}">'


def _video(video: Video) -> str:
    """Some frames of a video, evenly over the part that is asked about."""
    is_named = isinstance(video.source, str) or not isinstance(video.source, Sequence)
    told = f"<p><small>{escaped(str(video.source)[:200])}</small></p>" if is_named else ""
    try:
        return _block(list(_frames(few_frames(video))), "frames") + told
    except QvlError as error:
        return f'<p class="warn">{escaped(error.message)}</p>{told}'


def _frames(video: Video) -> Iterator[str]:
    prepared = prepare_video(video, DEFAULT_LIMITS)
    for pixels, second in zip(prepared.frames, prepared.timestamps_s.tolist(), strict=True):
        yield _figure(_image(PIL.Image.fromarray(pixels)), f"{second:.1f} s")


def few_frames(video: Video) -> Video:
    """Returns the video with few and small frames, over the same seconds."""
    small = replace(
        video,
        nframes=None,
        min_frames=None,
        max_frames=None,
        min_pixels=784,
        max_pixels=_FRAME_PIXELS,
        total_pixels=None,
        resized_height=None,
        resized_width=None,
    )
    if isinstance(video.source, Sequence) and not isinstance(video.source, str | bytes):
        total = len(video.source)
        if total <= _MOST_FRAMES:
            return small
        chosen = [video.source[i * total // _MOST_FRAMES] for i in range(_MOST_FRAMES)]
        fps = None if video.fps is None else video.fps * _MOST_FRAMES / total
        return replace(small, source=chosen, fps=fps)
    return replace(small, fps=None, max_frames=_MOST_FRAMES)
