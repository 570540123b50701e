"""Where something is, in pixels of the picture as given: python examples/ground.py."""

from pathlib import Path

import PIL.Image

import qvl
from qvl.tasks.draw import draw

PICTURE = Path(__file__).parent / "pictures" / "shapes.png"
OUT = Path("out")

model = qvl.load()
found = model.ground(PICTURE, "the red circle")
for item in found.boxes:
    print([round(value) for value in item.box], item.label)

OUT.mkdir(exist_ok=True)
draw(PIL.Image.open(PICTURE), found.items).save(OUT / "ground.png")
