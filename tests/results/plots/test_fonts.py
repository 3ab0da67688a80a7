"""Characters of other scripts are drawn by an installed font, or one line says which are not."""

import warnings
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, fontManager

from da.results.plots import fonts
from da.results.plots.style import save_figure

OTHER = Path(matplotlib.get_data_path(), "fonts/ttf/STIXGeneral.ttf")
"""A font with letters that the usual one lacks."""
OWN, NOWHERE = "\u1d84", "\U0002f801"


@pytest.fixture(autouse=True)
def known(monkeypatch):
    """No font is known but the usual ones, and nothing was told."""
    usual = [entry for entry in fontManager.ttflist if entry.name == "DejaVu Sans"]
    monkeypatch.setattr(fontManager, "ttflist", usual)
    monkeypatch.setattr(fonts, "findSystemFonts", list)
    fonts._find_families.cache_clear()
    fonts._say_missing.cache_clear()
    yield usual
    fonts._find_families.cache_clear()


def titled(text: str) -> Figure:
    figure = Figure()
    panel = figure.subplots()
    panel.set_title(text)
    panel.set_xticks([0], [text])
    return figure


def families(figure: Figure) -> list[list[str]]:
    panel = figure.axes[0]
    return [panel.title.get_fontfamily(), panel.get_xticklabels()[0].get_fontfamily()]


def test_text_in_the_usual_font_is_left_as_it_is(monkeypatch, capsys):
    monkeypatch.setattr(fonts, "findSystemFonts", pytest.fail)
    figure = titled("café 57.0 ± 0.3, كلب")
    fonts.settle_fonts(figure)
    assert families(figure) == [["sans-serif"]] * 2
    assert capsys.readouterr().err == ""


def test_a_font_installed_later_draws_what_the_usual_one_lacks(monkeypatch, capsys, known):
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: [str(OTHER), "nowhere.ttf"])
    figure = titled(OWN)
    fonts.settle_fonts(figure)
    assert families(figure) == [["sans-serif", "STIXGeneral"]] * 2
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_what_no_font_has_is_one_line_for_all_figures(tmp_path, capsys, known):
    known.append(FontEntry(fname=str(OTHER), name="Last Resort", style="normal"))
    for name in ("one", "two"):
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            save_figure(titled(f"汽车 {OWN}"), tmp_path / name)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"no font here has {OWN}汽车 (CJK, Latin)" in said
    assert warned == []


def test_of_fonts_with_the_same_characters_one_without_serifs_is_taken(known):
    for name in ("A Sans", "B Serif"):
        known.append(FontEntry(fname=str(OTHER), name=name, style="normal"))
    assert fonts._find_families(frozenset(OWN + NOWHERE)) == (["A Sans"], {NOWHERE})
