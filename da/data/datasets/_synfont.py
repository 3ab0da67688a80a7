"""Drawing digits with fonts, in the manner of SynNumbers (Ganin & Lempitsky 2015).

The digit in the middle is the class; the frame cuts off its neighbors. Colors, place, size,
rotation, blur and noise are random. Training and test images share no family of fonts.
"""

import re
from importlib.resources import files
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from da.system.extras import extra

TRAIN_FONTS = {
    "Amatic SC": ("font_amatic_sc", "files/AmaticSC-*.ttf"),
    "Computer Modern": ("matplotlib", "mpl-data/fonts/ttf/cm[brt]*10.ttf"),
    "DejaVu Sans": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans[-.]*ttf"),
    "DejaVu Sans Mono": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSansMono*.ttf"),
    "Intuitive": ("font_intuitive", "files/*.ttf"),
    "Manrope": ("font_manrope", "files/*.ttf"),
    "Roboto": ("font_roboto", "files/*.ttf"),
    "Source Serif": ("font_source_serif_pro", "files/*.ttf"),
    "STIX": ("matplotlib", "mpl-data/fonts/ttf/STIXGeneral*.ttf"),
}
"""Each family of training images, with the package that carries it and its files there."""

TEST_FONTS = {
    "Caladea": ("font_caladea", "files/*.ttf"),
    "DejaVu Serif": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSerif[-.]*ttf"),
    "Fredoka One": ("font_fredoka_one", "files/*.ttf"),
    "Hanken Grotesk": ("font_hanken_grotesk", "files/*.otf"),
    "Source Sans": ("font_source_sans_pro", "files/*.ttf"),
}
"""Each family of test images, as in `TRAIN_FONTS`."""

FAINT = re.compile("Thin|ExtraLight|Variable")
"""Files to leave out: their lines vanish at 28 pixels, or they repeat a weight."""

SIDE = 28
"""Width and height of images, in pixels."""

EM = 64
"""Font size of the digits in pixels, before they are turned and shrunk to half their size."""


def draw_digits(
    n: int, families: dict[str, tuple[str, str]], *, seed: int
) -> tuple[UInt8[np.ndarray, "n 28 28 3"], Int[np.ndarray, "n"]]:
    """Draw `n` images and return them with their digits.

    Each family is equally likely, and so is each file of a family.

    Args:
        n: Number of images.
        families: Families of fonts, as in `TRAIN_FONTS`.
        seed: Seed of all that is random.
    """
    rng = np.random.default_rng(seed)
    letters = [[_font(file) for file in list_fonts(*item)] for item in families.items()]
    y = rng.integers(10, size=n)
    ink = np.stack([_ink(str(digit), letters[rng.integers(len(letters))], rng) for digit in y])
    return _photograph(ink, rng), y


def list_fonts(family: str, where: tuple[str, str]) -> list[Path]:
    """List the font files of a family in alphabetical order, without those of `FAINT`.

    Raises:
        ValueError: If the package is not installed or lacks them.
    """
    package, pattern = where
    with extra("digits", f"the font {family}"):
        found = sorted(Path(str(files(package))).glob(pattern))
    if not found:
        raise ValueError(f"no font {family}: install {package.replace('_', '-')} again")
    return [file for file in found if not FAINT.search(file.stem)]


def _font(file: Path) -> ImageFont.FreeTypeFont:
    # Every build of Pillow has the basic layout, so all machines draw the same.
    try:
        return ImageFont.truetype(file, EM, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise ValueError(f"cannot read the font {file}: {error}; install it again") from error


def _ink(
    digit: str, family: list[ImageFont.FreeTypeFont], rng: np.random.Generator
) -> UInt8[np.ndarray, "28 28"]:
    """Draw a digit between up to two others, turned by up to 20 degrees, 15 to 23 pixels high."""
    font = family[rng.integers(len(family))]
    left, right = (str(rng.integers(10)) if rng.random() < 0.4 else "" for _ in range(2))
    x0, y0, x1, y1 = font.getbbox(digit, anchor="ls")
    width, height = 4 * EM, 2 * EM
    canvas = Image.new("L", (width, height))
    start = width / 2 - font.getlength(left) - (x0 + x1) / 2, height / 2 - (y0 + y1) / 2
    ImageDraw.Draw(canvas).text(start, left + digit + right, 255, font, anchor="ls")
    zoom = (y1 - y0) / (2 * rng.uniform(15, 23))
    angle = np.radians(rng.uniform(-20, 20))
    turn = zoom * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shift = np.array([width, height]) / 2 - turn @ (SIDE + rng.uniform(-3, 3, 2))
    matrix = np.column_stack([turn, shift]).ravel().tolist()
    drawn = canvas.transform(
        (2 * SIDE, 2 * SIDE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    return np.asarray(drawn.reduce(2))


def _photograph(
    ink: UInt8[np.ndarray, "n h w"], rng: np.random.Generator
) -> UInt8[np.ndarray, "n h w 3"]:
    """Put ink on paper, both of random colors, out of focus and with a sensor's noise."""
    n = len(ink)
    alpha = _blur(ink / np.float32(255), rng)[..., None]
    paper, pen = _colors(n, rng)[:, :, None, None].astype(np.float32)
    x = paper + alpha * (pen - paper)
    x += rng.uniform(0, 16, (n, 1, 1, 1)).astype(np.float32) * rng.standard_normal(
        x.shape, np.float32
    )
    return x.round().clip(0, 255).astype(np.uint8)


def _blur(x: Float[np.ndarray, "n h w"], rng: np.random.Generator) -> Float[np.ndarray, "n h w"]:
    """Blur every image with one of four Gaussian widths; a width of 0 is no blur."""
    with extra("digits", "the data set digits"):
        from scipy.ndimage import gaussian_filter
    widths = np.array([0, 0.4, 0.7, 1.0])
    chosen = rng.integers(len(widths), size=len(x))
    for i, sigma in enumerate(widths):
        x[chosen == i] = gaussian_filter(x[chosen == i], sigma, axes=(1, 2))
    return x


def _colors(n: int, rng: np.random.Generator) -> Float[np.ndarray, "2 n 3"]:
    """Draw two colors per image: of 16 random pairs the first that differs by 60 in brightness."""
    pairs = rng.uniform(0, 255, (2, n, 16, 3))
    brightness = pairs @ [0.299, 0.587, 0.114]
    first = (abs(brightness[0] - brightness[1]) >= 60).argmax(1)
    return pairs[:, np.arange(n), first]
