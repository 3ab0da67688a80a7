import subprocess
import sys
from pathlib import Path
from zlib import compress

import numpy as np
import pytest
from PIL import Image

from da.data import decode
from da.data.decode import decode_image, find_fault, try_decode
from tests.fixtures import damaged

GRAY = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_gray_of_16_bits_is_gray_of_8_bits(tmp_path, suffix):
    Image.fromarray(GRAY).save(tmp_path / "8.png")
    Image.fromarray(GRAY.astype(np.uint16) * 257).save(tmp_path / f"16.{suffix}")
    deep = decode_image(tmp_path / f"16.{suffix}", 8)
    assert np.array_equal(deep, decode_image(tmp_path / "8.png", 8))


def test_big_endian_gray_is_gray(tmp_path):
    deep = (GRAY.astype(np.uint16) * 257).astype(">u2")
    Image.frombytes("I;16B", (8, 8), deep.tobytes()).save(tmp_path / "16.tif")
    Image.fromarray(GRAY).save(tmp_path / "8.png")
    assert np.array_equal(decode_image(tmp_path / "16.tif", 8), decode_image(tmp_path / "8.png", 8))


def test_a_stated_range_is_used(tmp_path):
    (tmp_path / "12.pgm").write_bytes(b"P5 2 2 4095\n" + np.full(4, 4095, ">u2").tobytes())
    assert (decode_image(tmp_path / "12.pgm", 2) == 255).all()


def test_12_bits_in_16_are_dark_and_told(tmp_path):
    Image.fromarray(np.full((4, 4), 4095, np.uint16)).save(tmp_path / "12.png")
    made = try_decode(tmp_path / "12.png", 4)
    assert made.largest == 4095
    assert (made.pixels == 16).all()
    assert "2 images of 16 bits is above 4095 of 65535" in decode.describe_range([-1, 9, 4095])
    assert decode.describe_range([4095, 65535]) == decode.describe_range([-1]) == ""


@pytest.mark.parametrize(("kind", "said"), [(np.float32, "floats"), (np.int32, "integers")])
def test_values_without_a_range_are_refused(tmp_path, kind, said):
    file = tmp_path / "x.tif"
    Image.fromarray(np.zeros((4, 4), kind)).save(file)
    with pytest.raises(ValueError, match=rf"{file}: its pixels are 32-bit .*{said} .*8 or 16 bits"):
        decode_image(file, 4)
    assert "save it with 8 or 16 bits" in find_fault(file)


@pytest.mark.parametrize("lies", [True, False])
def test_an_image_becomes_a_square(tmp_path, lies):
    """It has three squares side by side, or one above the other: 100, 200 and 50."""
    thirds = np.array([100, 200, 50], np.uint8).repeat(16).reshape(3, 4, 4)
    file = tmp_path / "x.png"
    Image.fromarray((np.hstack if lies else np.vstack)(thirds)).save(file)
    assert (decode_image(file, 4, "crop") == 200).all()
    bars = decode_image(file, 3, "pad")[..., 0]
    bars = bars.T if lies else bars
    assert not bars[:, [0, 2]].any()
    assert np.abs(bars[:, 1].astype(int) - [100, 200, 50]).max() <= 25  # cubic at the borders
    assert decode_image(file, 12, "squash").shape == (12, 12, 3)
    assert (decode_image(file, 12, "pad") > 0).all(2).mean() == pytest.approx(1 / 3)


def test_a_thread_of_pixels_keeps_one_in_the_square(tmp_path):
    Image.new("L", (1000, 1), 255).save(tmp_path / "x.png")
    assert (decode_image(tmp_path / "x.png", 8, "pad")[..., 0] > 0).sum() == 8
    assert decode_image(tmp_path / "x.png", 8, "crop").min() == 255


@pytest.mark.parametrize(
    ("name", "mode", "color", "options"),
    [
        ("a.png", "RGBA", (0, 0, 0, 0), {}),
        ("a.webp", "RGBA", (0, 0, 0, 0), {"lossless": True}),
        ("a.tif", "RGBA", (0, 0, 0, 0), {}),
        ("a.png", "LA", (0, 0), {}),
        ("a.png", "P", 0, {"transparency": 0}),
        ("a.gif", "P", 0, {"transparency": 0}),
        ("a.png", "RGB", (1, 2, 3), {"transparency": (1, 2, 3)}),
        ("a.png", "L", 3, {"transparency": 3}),
        ("a.png", "1", 0, {"transparency": 0}),
        ("a.png", "I;16", 300, {"transparency": 300}),
    ],
)
def test_what_is_transparent_is_white(tmp_path, name, mode, color, options):
    Image.new(mode, (4, 4), color).save(tmp_path / name, **options)
    assert (decode_image(tmp_path / name, 4) == 255).all()


def test_half_transparent_black_is_gray_and_opaque_colors_stay(tmp_path):
    image = Image.new("RGBA", (2, 1), (10, 20, 30, 255))
    image.putpixel((1, 0), (0, 0, 0, 128))
    image.resize((8, 8), Image.Resampling.NEAREST).save(tmp_path / "x.png")
    pixels = decode_image(tmp_path / "x.png", 8)
    assert (pixels[:, 0] == (10, 20, 30)).all()
    assert (pixels[:, -1] == 127).all()


def png(bits: int, kind: int, row: bytes, clear: bytes) -> bytes:
    """A PNG of 2 by 1 pixels, for depths that Pillow does not save."""
    head = (2).to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes([bits, kind, 0, 0, 0])
    chunks = (b"IHDR", head), (b"tRNS", clear), (b"IDAT", compress(b"\0" + row)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(damaged.chunk(*each) for each in chunks)


@pytest.mark.parametrize(
    ("bits", "kind", "row", "clear"),
    [
        (2, 0, b"\x50", b"\0\x01"),
        (4, 0, b"\x11", b"\0\x01"),
        (16, 2, b"\x03\xe8\x07\xd0\xea\x60" * 2, b"\x03\xe8\x07\xd0\xea\x60"),
    ],
)
def test_a_transparent_color_of_another_depth_is_white(tmp_path, bits, kind, row, clear):
    (tmp_path / "x.png").write_bytes(png(bits, kind, row, clear))
    assert (decode_image(tmp_path / "x.png", 4) == 255).all()


def test_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ((9, 9, 9), (200, 0, 0))]
    frames[0].save(tmp_path / "x.png", save_all=True, append_images=frames[1:])
    assert (decode_image(tmp_path / "x.png", 4) == 9).all()


def test_a_broken_chunk_names_the_file(tmp_path):
    file = tmp_path / "x.png"
    Image.fromarray(GRAY).save(file)
    damaged.break_png(file)
    with pytest.raises(ValueError, match=rf"cannot decode {file}: broken PNG"):
        decode_image(file, 4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"P6\n64 x4\n255\n" + bytes(12288), r"it is damaged \(invalid literal"),
        (b"P6\n90000 90000\n255\n", "Image size .8100000000 pixels. exceeds limit"),
        (
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
            "no format of images",
        ),
        (b"", "not an image, or of an unknown format"),
    ],
)
def test_contents_that_are_no_image_name_the_file(tmp_path, content, said):
    file = tmp_path / "x.ppm"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"cannot decode {file}: .*{said}"):
        decode_image(file, 4)


def test_a_header_is_enough_to_find_most_faults(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    assert find_fault(tmp_path / "x.png") == "it is not an image, or of an unknown format"
    assert find_fault(tmp_path / "gone.png") == "No such file or directory"
    Image.fromarray(GRAY).save(tmp_path / "x.png")
    assert find_fault(tmp_path / "x.png") == ""


@pytest.mark.parametrize("seed", range(2))
def test_damaged_images_are_decoded_or_named(tmp_path, seed):
    for file in damaged.write_images(tmp_path, 100, seed):
        with decode.ignore_warnings():
            made = try_decode(file, 8)
        if isinstance(made, str):
            assert len(made.splitlines()) == 1
        else:
            assert made.pixels.shape == (8, 8, 3)


ALOUD = """
import sys
from pathlib import Path
from da.data.decode import decode_image

for file in sorted(Path(sys.argv[1]).iterdir()):
    try:
        decode_image(file, 8)
    except ValueError:
        pass
"""


@pytest.mark.slow
def test_damaged_images_print_nothing(tmp_path):
    damaged.write_images(tmp_path, 400)
    command = [sys.executable, "-c", ALOUD, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
