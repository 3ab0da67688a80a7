"""Notebooks work from top to bottom, and are stored without what they print."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_holds_no_outputs(file):
    cells = nbformat.read(file, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_works_from_top_to_bottom(file, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = NotebookClient(nbformat.read(file, as_version=4), timeout=300, allow_errors=False)
    made.execute(cwd=str(tmp_path))
    assert all(cell.execution_count for cell in made.nb.cells if cell.cell_type == "code")
    assert len([*(tmp_path / "results").glob("*.json")]) == 3
