"""The same picture is known again after resizing and compression; another picture is not."""

import io

import numpy as np
import PIL.Image
import pytest

from qvl.data.dedup.pictures import (
    MOST_RADIUS,
    SamePicture,
    near_pairs,
    picture_signature,
    same_pictures,
)
from qvl.errors import ConfigError
from tests.data.small import drawn


def photo(seed: int, side: int = 160) -> PIL.Image.Image:
    """Smooth blobs of colour, as coarse as a photograph's structure."""
    rng = np.random.default_rng(seed)
    coarse = PIL.Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
    return coarse.resize((side, side), PIL.Image.Resampling.BICUBIC)


def changed(picture: PIL.Image.Image) -> list[PIL.Image.Image]:
    """As pictures come back: smaller, larger, compressed, both."""
    found = [picture.resize(size) for size in ((100, 70), (320, 320), (64, 64))]
    for quality in (30, 60, 90):
        file = io.BytesIO()
        picture.resize((120, 120)).save(file, "JPEG", quality=quality)
        found.append(PIL.Image.open(file))
    return found


def is_same(one: PIL.Image.Image, other: PIL.Image.Image, rule: SamePicture) -> bool:
    signatures = [picture_signature(picture) for picture in (one, other)]
    bits = np.array([signature.bits for signature in signatures], np.uint64)
    thumbnails = np.array([signature.thumbnail for signature in signatures])
    return any(len(left) for left, _ in same_pictures(bits, thumbnails, rule))


def test_resized_and_compressed_pictures_are_the_same() -> None:
    rule = SamePicture()
    pictures = [photo(seed) for seed in range(8)]
    pictures += [
        PIL.Image.fromarray(sample.conversation.messages[0].content[0].source)  # type: ignore[union-attr,arg-type]
        for sample in drawn(4)
    ]
    missed = sum(
        not is_same(picture, other, rule) for picture in pictures for other in changed(picture)
    )
    assert missed <= 1, f"{missed} of {6 * len(pictures)}"


def test_other_pictures_are_not() -> None:
    rule = SamePicture(radius=MOST_RADIUS)
    pictures = [photo(seed) for seed in range(40)]
    signatures = [picture_signature(picture) for picture in pictures]
    bits = np.array([signature.bits for signature in signatures], np.uint64)
    thumbnails = np.array([signature.thumbnail for signature in signatures])
    assert not any(len(left) for left, _ in same_pictures(bits, thumbnails, rule))


def test_colour_tells_flat_pictures_apart() -> None:
    red, blue = (PIL.Image.new("RGB", (90, 60), colour) for colour in ("red", "blue"))
    assert picture_signature(red).bits == picture_signature(blue).bits
    assert not is_same(red, blue, SamePicture())
    assert is_same(red, red.resize((30, 30)), SamePicture())


@pytest.mark.parametrize("radius", [0, 1, 3, 4, 7])
def test_all_near_pairs_are_found_once(radius: int) -> None:
    rng = np.random.default_rng(radius)
    bits = rng.integers(0, 2**64, 300, np.uint64)
    for i in range(150):  # planted at every distance up to a little more than the radius
        flips = rng.choice(64, int(rng.integers(0, radius + 3)), replace=False)
        bits[150 + i] = bits[i] ^ np.bitwise_or.reduce(
            np.uint64(1) << flips.astype(np.uint64), initial=np.uint64(0)
        )
    found = [
        (int(a), int(b))
        for left, right in near_pairs(bits, radius)
        for a, b in zip(left, right, strict=True)
    ]
    distance = np.bitwise_count(bits[:, None] ^ bits[None, :])
    expected = [(a, b) for a, b in np.argwhere(distance <= radius).tolist() if a < b]
    assert sorted(found) == expected
    assert len(expected) > 20


def test_a_radius_that_cannot_be_searched_is_refused() -> None:
    with pytest.raises(ConfigError, match="radius of 8"):
        SamePicture(radius=8)
