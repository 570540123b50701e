"""The main job on a few pictures that none of our generators drew; drawings go to out/.

Run by ``make demo``. The tiny model answers; its mistakes are shown as they are.
"""

import time
from importlib.util import find_spec
from pathlib import Path

import PIL.Image

import qvl
from qvl.tasks import grounding
from qvl.tasks.draw import draw

HERE = Path(__file__).parent / "pictures"
OUT = Path("out")
READ = "Read all the text in the image."


def photographed_text() -> Path | None:
    """A real photograph of text that comes with scikit-image, when that is installed."""
    package = find_spec("skimage")
    path = Path(package.origin or "").parent / "data" / "text.png" if package else None
    return path if path is not None and path.is_file() else None


def timed(start: float) -> str:
    """Seconds since ``start``."""
    return f"{time.perf_counter() - start:.1f} s"


def ask(model: qvl.VisionLanguageModel, picture: Path, question: str) -> None:
    """Prints one answer."""
    start = time.perf_counter()
    answer = model.ask(picture, question, max_tokens=100)
    print(f"{picture.name:12} {question}\n{'':12} -> {answer!r}  ({timed(start)})")


def show(model: qvl.VisionLanguageModel, picture: Path, question: str, *, out: str) -> None:
    """Draws what an answer locates."""
    start = time.perf_counter()
    (plan,) = model.bill(picture, question).items
    found = grounding.parse(
        model.ask(picture, question, max_tokens=400), transforms=[plan.transform]
    )
    draw(PIL.Image.open(picture), found.items).save(OUT / out)
    print(f"{picture.name:12} {question}\n{'':12} -> {OUT / out}, {len(found.items)} drawn", end="")
    print(f"  ({timed(start)})")


OUT.mkdir(exist_ok=True)
vlm = qvl.load()
ask(vlm, HERE / "sign.png", READ)
ask(vlm, HERE / "note.png", READ)
ask(vlm, HERE / "shapes.png", "How many shapes are there in the image?")
ask(vlm, HERE / "dialog.png", "Click the Cancel button.")
show(vlm, HERE / "note.png", grounding.SPOTTING_PROMPT, out="note.png")
show(vlm, HERE / "shapes.png", grounding.prompt("the red circle"), out="shapes.png")
show(vlm, HERE / "dialog.png", grounding.prompt("the Save button"), out="dialog.png")
if (photo := photographed_text()) is not None:
    ask(vlm, photo, READ)
