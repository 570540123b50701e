"""A pack as training would see it, from a few numbers or from real samples.

Owns the stand-in where there is no data yet. Does not own packing (``data/packing``).

    length, share of media, picture, sample -> typical_pack -> Pack
"""

from qvl.errors import ConfigError
from qvl.model.config import VisionConfig
from qvl.training.plan.work import Pack

# Of the language model's tokens half are of pictures, each about a screen of 728 x 560; a sample is
# a picture with a long answer, or a few. Ours, where nothing better is known.
MEDIA_SHARE = 0.5
PICTURE_PX = (560, 728)
SAMPLE_TOKENS = 1024
# Share of the text that is predicted. Ours.
_ANSWERED = 0.7


def typical_pack(
    length: int,
    vision: VisionConfig,
    *,
    media_share: float = MEDIA_SHARE,
    picture_px: tuple[int, int] = PICTURE_PX,
    sample_tokens: int = SAMPLE_TOKENS,
) -> Pack:
    """Returns a full pack of samples of one length with pictures of one size.

    Args:
        length: tokens of the pack.
        vision: has the sizes of patches and merged tokens.
        media_share: of the tokens.
        picture_px: (height, width), rounded down to whole merged tokens.
        sample_tokens: of one sample.

    Raises:
        ConfigError: a number makes no sense.
    """
    if not 0 <= media_share < 1:
        raise ConfigError(f"media_share is {media_share}, expected from 0 to below 1")
    if not 0 < sample_tokens <= length:
        raise ConfigError(f"sample_tokens is {sample_tokens}, expected from 1 to {length}")
    side = vision.patch_size * vision.spatial_merge_size
    rows, columns = picture_px[0] // side, picture_px[1] // side
    if not rows * columns:
        raise ConfigError(f"picture_px is {picture_px}, expected at least {side} x {side}")
    pictures = round(media_share * length / (rows * columns))
    merge = vision.spatial_merge_size
    lengths = [sample_tokens] * (length // sample_tokens)
    if length % sample_tokens:
        lengths.append(length % sample_tokens)
    return Pack(
        lengths=tuple(lengths),
        grids=((1, rows * merge, columns * merge),) * pictures,
        answers=max(1, round(_ANSWERED * (length - pictures * rows * columns))),
    )
