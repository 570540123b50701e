"""A video as patches that are decoded while they are read, so that never all are in memory.

Owns: cutting a video between pairs of frames. Does not own: decoding (video), patches (patches),
what is done with a piece (inference).

    Video -> a few pairs of frames at a time -> patchify -> Patches, one piece after the other
"""

from collections.abc import Iterator
from dataclasses import dataclass

from qvl.errors import InputError
from qvl.geometry import TEMPORAL_PATCH, ImageSize, PixelLimits, patch_grid
from qvl.messages import Video
from qvl.processing.patches import GridTHW, Patches, patchify
from qvl.processing.video import iter_frames


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoChunks:
    """The patches of a video; each iteration decodes it anew.

    Joined, the pieces are the ``pixel_values`` of the whole video, bit for bit.

    Attributes:
        video: as given.
        limits: pixel limits of the checkpoint.
        grid: of the whole video.
        max_patches: most patches of a piece; a pair of frames is never cut.
    """

    video: Video
    limits: PixelLimits
    grid: GridTHW
    max_patches: int

    def __iter__(self) -> Iterator[Patches]:
        """Yields the pieces in order.

        Raises:
            InputError: the video is damaged, or is no longer what it was when it was measured.
        """
        num_frames = pairs_per_piece(self.grid, self.max_patches) * TEMPORAL_PATCH
        pairs = 0
        for frames in iter_frames(self.video, self.limits, num_frames=num_frames):
            size = ImageSize(*frames.shape[1:3])
            pairs += len(frames) // TEMPORAL_PATCH
            if patch_grid(size) != self.grid[1:] or pairs > self.grid.t:
                raise _changed()
            yield patchify(frames)
        if pairs != self.grid.t:
            raise _changed()


def pairs_per_piece(grid: tuple[int, int, int], max_patches: int) -> int:
    """How many pairs of frames of a grid (t, h, w) make a piece of at most ``max_patches``.

    >>> pairs_per_piece((300, 24, 24), 16384), pairs_per_piece((300, 200, 200), 16384)
    (28, 1)
    """
    _, rows, columns = grid
    return max(1, max_patches // (rows * columns))


def _changed() -> InputError:
    return InputError(
        "the video is not what it was when it was measured",
        hint="the file was changed while it was read",
    )
