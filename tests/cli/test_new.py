"""First files of one's own work from folders of any name, beside those of other folders."""

import os
import runpy

import pytest

from da.cli.new import new


@pytest.mark.parametrize("before", ["", "other"])
@pytest.mark.parametrize("kind", ["method", "dataset", "backbone", "selector"])
def test_its_test_adds_its_folder_to_those_that_are_named(
    plugins, tmp_path, monkeypatch, capsys, kind, before
):
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("DA_PLUGINS", before and str(tmp_path / before))
    own = tmp_path / "a b"
    new(kind, "mine", own)
    assert f"export DA_PLUGINS='{own}'" in capsys.readouterr().out
    runpy.run_path(str(own / "test_mine.py"))
    named = os.environ["DA_PLUGINS"].split(os.pathsep)
    assert named == [str(tmp_path / "other")] * bool(before) + [str(own)]
