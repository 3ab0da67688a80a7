"""What the files of methods say, read without importing them."""

from dataclasses import fields

import pytest

from da.methods import METHODS, without_importing
from da.methods._source import read_method
from da.runs.run import Run
from tests.conftest import skip_without

PLAIN = (
    *("name", "paper", "family", "frozen_only", "blind", "takes_shots", "takes_strong"),
    *("takes_domains", "source_free", "taught", "streams", "needs", "batchable", "__name__"),
)
FUNCTIONS = "predict", "after_step", "forward", "prepare", "embed", "phases"


@pytest.mark.parametrize("name", METHODS)
def test_a_file_says_what_its_class_has(name):
    read, kind = read_method(name), METHODS[name]
    assert [getattr(read, key) for key in PLAIN] == [getattr(kind, key) for key in PLAIN]
    assert [read.overrides(f) for f in FUNCTIONS] == [kind.overrides(f) for f in FUNCTIONS]
    ours = [(f.name, f.default, f.type) for f in fields(read.Hparams)]
    assert ours == [(f.name, f.default, f.type) for f in fields(kind.Hparams)]
    skip_without(kind.needs)


def test_settings_that_are_read_give_the_same_runs():
    from da import methods

    imported = methods.PseudoLabel(ramp_start=0.2)
    with without_importing():
        read = methods.PseudoLabel(ramp_start=0.2)
        with pytest.raises(ValueError, match="ramp_start is at most ramp_end"):
            methods.PseudoLabel(ramp_start=0.7)
        with pytest.raises(ValueError, match="tca needs regime frozen"):
            Run(methods.TCA(), "moons:0-40", "mlp", "random", "full")
    assert type(read) is not type(imported)
    assert Run(read, "emoji:noto-twemoji").id == Run(imported, "emoji:noto-twemoji").id


def test_what_needs_the_rest_of_its_file_is_imported(plugins):
    text = '"""A."""\nimport torch\nfrom dataclasses import dataclass\nfrom da import Method'
    body = '''
class Mine(Method):
    """M."""
    paper = "Me 2026, here"
    family = "mine"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """S."""
        threads: int = torch.get_num_threads() * 0 + 3
'''
    (plugins / "methods" / "mine.py").write_text(f"{text}\n\n{body}")
    assert read_method("mine") is None
    assert METHODS["mine"].Hparams().threads == 3
