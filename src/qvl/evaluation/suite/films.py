"""Short films in which a coloured square appears and goes away, beside another that stays.

Owns: the frames and the question. Does not own: how times are written (``tasks.video``).

    rng -> frames uint8[H, W, 3] at two a second -> Sample with the moment
"""

import numpy as np

from qvl.data.records import Provenance, Sample
from qvl.data.synth.palette import NAMED
from qvl.geometry import FACTOR
from qvl.messages import Conversation, Message, Text, Video
from qvl.tasks import video
from qvl.tasks.video import Moment

FPS = 2.0
_COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
_SIDE = 4 * FACTOR


def moment_sample(rng: np.random.Generator, *, seed: tuple[int, ...]) -> Sample:
    """Returns a film of 4 to 12 seconds; when the square is there is asked."""
    pairs = int(rng.integers(4, 13))  # two frames are one step in time for the model
    start, end = sorted(int(v) for v in rng.choice(np.arange(1, pairs), 2, replace=False))
    asked, other = rng.permutation(_COLOURS)[:2]
    shade = int(rng.integers(225, 250))
    ground = np.full((_SIDE, _SIDE, 3), shade, np.uint8)
    columns = rng.permutation(2)
    _square(ground, rng, int(columns[1]), str(other))
    shown = ground.copy()
    _square(shown, rng, int(columns[0]), str(asked))
    frames = [shown if 2 * start <= i < 2 * end else ground for i in range(2 * pairs)]
    moment = Moment(start_s=2 * start / FPS, end_s=2 * end / FPS)
    turn = (
        Message(
            "user",
            (
                Video(frames, fps=FPS, resized_height=_SIDE, resized_width=_SIDE),
                Text(video.prompt(f"a {asked} square is there")),
            ),
        ),
        Message("assistant", (Text(video.format([moment])),)),
    )
    return Sample(
        task="moment",
        conversation=Conversation(turn),
        provenance=Provenance(generator="evaluation.suite moment", seed=seed),
        facts={"start_s": moment.start_s, "end_s": moment.end_s, "duration_s": 2 * pairs / FPS},
    )


def _square(frame: np.ndarray, rng: np.random.Generator, column: int, colour: str) -> None:
    """Paints a square into the left or the right half."""
    side = int(rng.integers(24, _SIDE // 2 - 6))
    x = column * _SIDE // 2 + int(rng.integers(2, _SIDE // 2 - side - 1))
    y = int(rng.integers(2, _SIDE - side - 1))
    frame[y : y + side, x : x + side] = NAMED[colour]
