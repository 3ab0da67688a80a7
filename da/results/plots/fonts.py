"""Fonts for text in other scripts, chosen among those that are installed. Does not import torch."""

import logging
import sys
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache

from da.system.extras import extra

with extra("plot", "a plot"):
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties, findfont, findSystemFonts, fontManager
    from matplotlib.ft2font import FT2Font
    from matplotlib.text import Text


LAST_RESORT = "Last Resort"
"""Beginning of the names of fonts that have a box for each script, and no letters."""


@contextmanager
def without_warnings() -> Iterator[None]:
    """Draw without a warning for each missing letter or bold font; `settle_fonts` tells of all."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")
            yield
    finally:
        logger.setLevel(level)


def settle_fonts(figure: Figure) -> None:
    """Give each text of a figure the fonts that its characters need.

    One line on stderr says which characters no installed font has.
    """
    texts = list(_texts(figure))
    wanted = {c for text in texts for c in text.get_text() if c.isprintable() and c != " "}
    families, missing = _find_families(frozenset(wanted - _characters(findfont(FontProperties()))))
    for text in texts:
        if not text.get_text().isascii():
            text.set_fontfamily([*text.get_fontfamily(), *families])
    if missing:
        _say_missing(missing)


def _texts(figure: Figure) -> Iterator[Text]:
    for panel in figure.axes:
        panel.get_xticklabels(), panel.get_yticklabels()  # which only now get their texts
    yield from figure.findobj(Text)


@cache
def _find_families(wanted: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return installed families that have the wanted characters, and the characters that none has.

    The family that has the most comes first, then the one that has most of the rest.
    """
    families: list[str] = []
    if wanted:
        _add_new_fonts()
        found = {
            entry.name: wanted & _characters(entry.fname)
            for entry in fontManager.ttflist
            if entry.style == "normal" and not entry.name.startswith(LAST_RESORT)
        }
        while best := _best(found, wanted):
            families.append(best)
            wanted -= found[best]
    return families, wanted


def _best(found: Mapping[str, frozenset[str]], wanted: frozenset[str]) -> str:
    """Return the family with most of the wanted characters, or nothing if none has any.

    Of several, one with serifs or of one width for all characters comes last.
    """

    def rank(name: str) -> tuple[int, bool, str]:
        return len(wanted & found[name]), not {"Serif", "Mono"} & {*name.split()}, name

    best = max(found, key=rank, default="")
    return best if best and wanted & found[best] else ""


@cache
def _characters(file: str) -> frozenset[str]:
    """Return all characters that a font has."""
    try:
        return frozenset(map(chr, FT2Font(file).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


def _add_new_fonts() -> None:
    """Make fonts known that were installed after matplotlib made its list."""
    known = {entry.fname for entry in fontManager.ttflist}
    for file in {*findSystemFonts()} - known:
        try:
            fontManager.addfont(file)
        except (OSError, RuntimeError, ValueError):
            continue


@cache
def _say_missing(missing: frozenset[str]) -> None:
    scripts = {unicodedata.name(c, "UNKNOWN").split()[0].split("-")[0] for c in missing}
    names = ", ".join(name if name == "CJK" else name.capitalize() for name in sorted(scripts))
    few = "".join(sorted(c for c in missing if unicodedata.category(c)[0] != "M")[:10])
    print(
        f"da: no font here has {few} ({names}): they are drawn as boxes; a font for them, such as "
        "one of Noto Sans, draws them once it is installed",
        file=sys.stderr,
    )
