"""Pictures of every mode come out upright, on white, resized; bad ones as one line at once."""

import base64
import hashlib
import importlib.util
import io
import json
import logging
import random
import struct
import threading
import time
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from safetensors.numpy import load_file

from qvl.errors import InputError
from qvl.geometry import Box, ImageSize, PixelLimits
from qvl.messages import Image
from qvl.processing.image import FORMATS, load_image, measure_image, measure_size, prepare_image
from qvl.processing.patches import patchify
from tests.material import material, requires_material

LIMITS = PixelLimits(min_pixels=3136, max_pixels=12_845_056)
ORIENTATION = 0x0112


def encode(picture: PIL.Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(height: int = 40, width: int = 60) -> PIL.Image.Image:
    """Red grows to the right, green downwards, so a turn or a flip shows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return PIL.Image.fromarray(pixels)


def rgb_of(source: object) -> np.ndarray:
    return np.asarray(load_image(source))  # type: ignore[arg-type]


def error_of(source: object, **options: int) -> str:
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as caught:
            prepare_image(Image(source, **options), LIMITS)  # type: ignore[arg-type]
    assert time.process_time() - start < 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


def example(name: str) -> Path:
    """A picture that comes with scikit-image or matplotlib."""
    for package, folder in (("skimage", "data"), ("matplotlib", "mpl-data/sample_data")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            path = Path(spec.origin).parent / folder / name
            if path.exists():
                return path
    pytest.skip(f"{name} is not installed: it comes with scikit-image or matplotlib")


@requires_material
@pytest.mark.parametrize("number", range(4))
def test_pixel_values_equal_the_image_processor(number: int) -> None:
    case = json.loads(material("golden", "pixel_values.json").read_text())["cases"][number]
    path = example(case["file"])
    assert hashlib.sha256(path.read_bytes()).hexdigest() == case["sha256"]
    golden = load_file(material("golden", "pixel_values.safetensors"))[case["tensor"]]
    small = prepare_image(Image(path, max_pixels=case["max_pixels"]), LIMITS)
    patches = patchify(small.pixels[None])
    assert list(patches.grid) == case["image_grid_thw"]
    # Stored as float16; a grey level off by one would be 0.015.
    np.testing.assert_allclose(patches.pixel_values, golden.astype(np.float32), atol=1e-3)
    large = patchify(prepare_image(Image(path), LIMITS).pixels[None])
    released = case["at_released_limits"]
    assert list(large.grid) == released["image_grid_thw"]
    values = large.pixel_values
    np.testing.assert_allclose(values[0, :8], released["first_patch_head"], atol=1e-5)
    np.testing.assert_allclose(values[-1, -8:], released["last_patch_tail"], atol=1e-5)
    np.testing.assert_allclose(values[:8].mean(1), released["patch_means_head"], atol=1e-5)


@requires_material
def test_every_picture_of_the_cookbooks_is_read() -> None:
    for path in sorted(material("cookbooks", "assets").glob("*.[jp][pn]*g")):
        prepared = prepare_image(Image(path, max_pixels=100_000), LIMITS)
        assert prepared.pixels.std() > 5, path  # their names lie about their formats


def test_every_kind_of_source_gives_the_same_pixels(tmp_path: Path) -> None:
    picture = gradient()
    data = encode(picture)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    uri = "data:image/png;base64," + base64.b64encode(data).decode()
    for source in (path, str(path), f"file://{path}", data, uri, picture, np.asarray(picture)):
        np.testing.assert_array_equal(rgb_of(source), np.asarray(picture))


def test_a_prepared_picture_carries_its_transform() -> None:
    prepared = prepare_image(Image(gradient(451, 300)), LIMITS)
    assert prepared.pixels.shape == (448, 308, 3)
    assert prepared.pixels.dtype == np.uint8
    assert prepared.transform.original == ImageSize(451, 300)
    assert prepared.transform.to_resized(Box(0, 0, 300, 451)) == Box(0, 0, 308, 448)
    assert measure_image(Image(gradient(451, 300)), LIMITS) == prepared.transform


def test_options_settle_the_size() -> None:
    picture = gradient(451, 300)
    small = prepare_image(Image(picture, max_pixels=56_448), LIMITS)
    assert small.pixels.shape[0] * small.pixels.shape[1] <= 56_448
    exact = prepare_image(Image(picture, resized_height=100, resized_width=600), LIMITS)
    assert exact.pixels.shape == (112, 588, 3)
    assert "min_pixels 3136 and max_pixels 784 leave no size" in error_of(picture, max_pixels=784)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_undone(orientation: int, kind: str) -> None:
    upright = gradient(40, 60)
    # What a camera stores so that a viewer shows `upright`. Source: Exif 2.32, Orientation.
    turns = PIL.Image.Transpose
    undo = {
        1: None, 2: turns.FLIP_LEFT_RIGHT, 3: turns.ROTATE_180, 4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE, 6: turns.ROTATE_90, 7: turns.TRANSVERSE, 8: turns.ROTATE_270,
    }[orientation]  # fmt: skip
    stored = upright if undo is None else upright.transpose(undo)
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 100} if kind in ("JPEG", "WEBP") else {}
    data = encode(stored, kind, exif=exif, **options)
    shown = rgb_of(data).astype(int)
    assert shown.shape == (40, 60, 3)
    assert np.abs(shown - np.asarray(upright)).mean() < 4  # lossy formats
    assert measure_size(data) == ImageSize(40, 60)
    prepared = prepare_image(Image(data), LIMITS)
    assert prepared.transform.original == ImageSize(40, 60)
    assert rgb_of(PIL.Image.open(io.BytesIO(data))).shape == (40, 60, 3)


def test_damaged_exif_does_not_cost_the_picture() -> None:
    data = encode(gradient(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert rgb_of(data).shape == (40, 60, 3)


def test_transparent_parts_are_white_in_every_mode() -> None:
    half = PIL.Image.new("RGBA", (4, 2), (0, 0, 200, 255))
    half.paste((0, 0, 0, 0), (2, 0, 4, 2))
    blue, white = (0, 0, 200), (255, 255, 255)
    for picture in (half, half.convert("PA"), encode(half.convert("P"), "PNG")):
        pixels = rgb_of(picture)
        assert tuple(pixels[0, 0]) == blue
        assert tuple(pixels[0, 3]) == white
    grey = PIL.Image.merge("LA", (PIL.Image.new("L", (2, 1), 60), PIL.Image.new("L", (2, 1), 0)))
    assert rgb_of(encode(grey)).min() == 255
    keyed = PIL.Image.new("RGB", (2, 1), (9, 9, 9))
    keyed.putpixel((1, 0), (50, 60, 70))
    pixels = rgb_of(encode(keyed, transparency=(9, 9, 9)))
    assert pixels.tolist() == [[[255, 255, 255], [50, 60, 70]]]
    faint = PIL.Image.new("RGBA", (1, 1), (0, 0, 0, 51))
    assert rgb_of(faint).tolist() == [[[204, 204, 204]]]


def test_values_deeper_than_eight_bits_are_scaled_not_clipped() -> None:
    ramp = np.array([[0, 257, 32_896, 65_535]], np.uint16)
    expected = [[0, 1, 128, 255]]
    sixteen = PIL.Image.fromarray(ramp)
    for source in (sixteen, encode(sixteen, "PNG"), encode(sixteen, "TIFF")):
        assert rgb_of(source)[..., 0].tolist() == expected
    assert rgb_of(sixteen.convert("I"))[..., 0].tolist() == expected
    floats = PIL.Image.fromarray(np.array([[0.0, 0.2, 1.0]], np.float32))
    assert rgb_of(encode(floats, "TIFF"))[..., 0].tolist() == [[0, 51, 255]]
    signed = PIL.Image.fromarray(np.array([[-100, 20, 100]], np.int32))
    assert rgb_of(signed)[..., 0].tolist() == [[0, 153, 255]]
    eight = PIL.Image.fromarray(np.array([[3, 200]], np.int32))
    assert rgb_of(eight)[..., 0].tolist() == [[3, 200]]
    nothing = PIL.Image.fromarray(np.array([[np.nan, 1.0]], np.float32))
    assert "not a number" in error_of(nothing)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "HSV", "LAB", "I;16", "F"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    picture = gradient().convert("L").convert(mode) if mode in ("I;16", "F") else gradient()
    pixels = rgb_of(picture.convert(mode) if mode != "LAB" else PIL.Image.new("LAB", (60, 40)))
    assert pixels.shape == (40, 60, 3)


def test_cmyk_photographs_keep_their_colours() -> None:
    red = PIL.Image.new("RGB", (32, 32), (220, 30, 40))
    pixels = rgb_of(encode(red.convert("CMYK"), "JPEG"))
    assert np.abs(pixels.reshape(-1, 3).mean(0) - (220, 30, 40)).max() < 6


def test_arrays() -> None:
    grey = np.full((30, 40), 7, np.uint8)
    assert (rgb_of(grey) == 7).all()
    assert (rgb_of(grey[:, :, None]) == 7).all()
    assert rgb_of(np.zeros((30, 40, 4), np.uint8)).min() == 255
    assert rgb_of(np.zeros((60, 80, 3), np.uint8)[::2, ::2]).shape == (30, 40, 3)
    assert "type is float64, expected uint8" in error_of(np.zeros((30, 40, 3)))
    assert "3 x 30 x 40, expected H x W" in error_of(np.zeros((3, 30, 40), np.uint8))
    assert "transpose(1, 2, 0)" in error_of(np.zeros((3, 30, 40), np.uint8))
    assert "expected at least 1 x 1" in error_of(np.zeros((0, 40, 3), np.uint8))
    assert "more than" in error_of(np.broadcast_to(np.uint8(0), (10**5, 10**5, 3)))


def png_of_size(width: int, height: int) -> bytes:
    """A few bytes that claim to be a huge picture."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    body = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (encode(gradient(), "JPEG")[:700], "picture: damaged or cut off: 'image file is truncated"),
        (encode(gradient())[:-60], "damaged or cut off"),
        (b"hello world", "in no known format, expected one of PNG, JPEG"),
        (b"%PDF-1.7 ...", "give pages of a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "in no known format"),
        (png_of_size(60_000, 60_000), "more than 178,956,970 pixels"),
        (png_of_size(13_000, 13_000), "damaged or cut off"),  # between Pillow's two limits
        (png_of_size(10_000, 1), "size is 10000 x 1 px: aspect ratio 10000 exceeds 200"),
        (gradient(1, 10_000), "aspect ratio 10000 exceeds 200"),
        (png_of_size(0, 5), "in no known format"),
        (5, "image source is a int, expected a path"),
        (None, "image source is a NoneType"),
        (["a.png"], "image source is a list"),
        ("none.png", "image file 'none.png' does not exist"),
        ("https://example.com/a.png", "download it first and give the path"),
    ],
)
def test_a_bad_picture_is_one_line_at_once(source: object, message: str) -> None:
    assert message in error_of(source)


def test_the_message_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(encode(gradient(), "JPEG")[:700])
    assert error_of(path).startswith(f"picture {str(path)!r}: damaged or cut off")
    assert "is a directory" in error_of(tmp_path)
    with PIL.Image.open(io.BytesIO(encode(gradient()))) as closed:
        closed.load()
    closed.close()
    assert "picture: damaged" in error_of(closed)


def test_an_impossible_shape_is_refused_before_decoding() -> None:
    data = png_of_size(100_000, 400)  # no pixels in it: decoding would say "damaged"
    assert "aspect ratio 250" in error_of(data)
    with pytest.raises(InputError, match="picture: size is 100000 x 400 px"):
        measure_image(Image(data), LIMITS)


def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    data = bytearray(encode(PIL.Image.fromarray(noise), "TIFF", compression="tiff_adobe_deflate"))
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    path = tmp_path / "damaged.tif"
    path.write_bytes(data)
    error_of(path)
    error_of(png_of_size(13_000, 13_000))
    assert logging.getLogger("PIL").handlers, "without a handler Pillow's errors reach stderr"
    assert capfd.readouterr() == ("", "")


def test_filters_for_warnings_are_left_as_they_were() -> None:
    before = list(warnings.filters)
    pictures = [gradient() for _ in range(8)]
    threads = [threading.Thread(target=load_image, args=(picture,)) for picture in pictures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def test_two_thousand_damaged_files_are_read_or_refused(capfd: pytest.CaptureFixture[str]) -> None:
    picture = gradient(20, 24)
    files = [
        encode(picture, kind, **options)
        for kind, options in (
            ("PNG", {}), ("JPEG", {}), ("JPEG", {"progressive": True}), ("WEBP", {}), ("GIF", {}),
            ("BMP", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {}), ("PPM", {}),
            ("ICO", {"sizes": [(24, 20)]}), ("TGA", {}), ("JPEG2000", {}),
        )
    ]  # fmt: skip
    files += [encode(picture.convert("P")), encode(picture.convert("F"), "TIFF")]
    draw = random.Random(0)
    refused = 0
    for _ in range(2000):
        data = bytearray(draw.choice(files))
        if draw.random() < 0.3:
            del data[draw.randrange(len(data)) :]
        else:
            reach = draw.choice([60, len(data)])
            for place in draw.choices(range(min(reach, len(data))), k=draw.randint(1, 8)):
                data[place] = draw.randrange(256)
        try:
            prepare_image(Image(bytes(data), max_pixels=10_000), LIMITS)
        except InputError as error:
            refused += 1
            if "\n" in str(error):
                pytest.fail(f"more than one line: {error}")
    assert 500 < refused < 2000
    assert capfd.readouterr() == ("", "")


def test_formats_that_start_other_programs_are_not_read() -> None:
    assert not {"EPS", "WMF", "PDF", "FPX"} & set(FORMATS)
