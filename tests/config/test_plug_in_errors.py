"""Errors of plug-ins name file and line, and those of our own code stay as they are."""

import pytest

from da.cli.errors import one_line_errors
from da.config.plug_in_errors import PlugInError, explain_plug_in
from da.config.registry import SELECTORS
from da.methods import SourceOnly
from da.runs.run import Run
from da.training.failures import explain_failures


def raised_by(plugins, line):
    (plugins / "selectors" / "mine.py").write_text(f"\n\ndef score(p):\n    {line}\n")
    return SELECTORS["mine"]


@pytest.mark.parametrize(
    ("line", "kind", "said"),
    [
        ("{}['boo']", PlugInError, "mine.py, line 4: KeyError: 'boo'"),
        ("assert p", PlugInError, "mine.py, line 4: AssertionError"),
        ("raise SystemExit(0)", PlugInError, "mine.py, line 4: SystemExit: 0"),
        ("int('x')", ValueError, "mine.py, line 4: ValueError: invalid literal"),
        ("open('/nope')", ValueError, "mine.py, line 4: FileNotFoundError: "),
    ],
)
def test_an_error_has_file_and_line(plugins, capsys, line, kind, said):
    score = raised_by(plugins, line)
    with pytest.raises(SystemExit) as ended, one_line_errors():
        score("")
    assert ended.value.code == (1 if kind is PlugInError else 2)
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    with pytest.raises(kind, match=r"mine\.py, line 4"):
        explain_failures(lambda run: score(""))(
            Run(SourceOnly(), "moons:0-40", "mlp", "random", "full")
        )


def test_mistakes_that_our_own_code_finds_stay_as_they_are(plugins):
    score = raised_by(plugins, "from da.data.tasks import parse_task; parse_task('nope:a-b')")
    with pytest.raises(ValueError, match="unknown benchmark") as error:
        score("")
    assert explain_plug_in(error.value) is None
    assert explain_plug_in(KeyError("x")) is None
