import sys

import pytest

from da.system.extras import extra, installed, require


@pytest.fixture
def without(monkeypatch):
    """A function that makes a library look as if it were not installed."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize(
    ("module", "library"),
    [("matplotlib", "matplotlib"), ("ot", "POT"), ("torch_pruning", "torch-pruning")],
)
def test_a_missing_library_names_its_extra_in_one_line(without, module, library):
    without(module)
    with pytest.raises(ValueError, match="needs") as caught, extra("some", "a thing"):
        __import__(module)
    assert str(caught.value) == f'a thing needs {library}: pip install "da-lab[some]"'


def test_a_missing_part_of_a_library_names_the_library(without):
    without("onnx.helper")
    with pytest.raises(ValueError, match=r'needs onnx: pip install "da-lab\[export\]"'):
        require("export", "a file", "json", "onnx.helper")


def test_other_errors_of_an_import_stay_as_they_are():
    with pytest.raises(ImportError, match="nothing"), extra("plot", "a plot"):
        from json import nothing  # noqa: F401


def test_installed_says_what_can_be_imported(without):
    assert installed("json")
    without("wandb")
    assert not installed("wandb")
