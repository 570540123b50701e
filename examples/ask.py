"""One question about one picture: python examples/ask.py [PICTURE [QUESTION]]."""

import sys
from pathlib import Path

import qvl

given = dict(enumerate(sys.argv))
picture = given.get(1, str(Path(__file__).parent / "pictures" / "sign.png"))
question = given.get(2, "Read all the text in the image.")

model = qvl.load()  # or qvl.load("Qwen/Qwen2.5-VL-3B-Instruct"), or a folder
for piece in model.stream(picture, question):
    print(piece, end="", flush=True)
print()
