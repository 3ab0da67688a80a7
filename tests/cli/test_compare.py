"""`da compare` at the command line."""

from pathlib import Path
from shutil import copy

import pytest

from da.cli.main import main

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
DIGITS = [str(ROOT / "experiments" / "digits.py"), "--results", str(ROOT / "results" / "published")]


def test_rows_of_an_experiment_or_of_a_whole_folder_are_compared(tmp_path, capsys):
    main(["compare", "dann", "source_only", *DIGITS])
    of_experiment = capsys.readouterr().out
    copy(ROOT / "results" / "published" / "digits.jsonl", tmp_path)
    main(["compare", "dann", "source_only", "--results", str(tmp_path)])
    assert {*capsys.readouterr().out.splitlines()} == {*of_experiment.splitlines()}
    said = of_experiment.splitlines()
    assert said[0].startswith("dann and source_only: digits, 3 tasks, 3 seeds: target accuracy")
    assert said[-2].startswith("Not separable")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["jan", *DIGITS], "row 'jan', known: source_only, subspace_alignment, dann, target_only"),
        (["source_only", "--only", "seed=0"], "--only seed=0 needs an experiment"),
    ],
)
def test_mistakes_are_one_line(capsys, words, error):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "dann", *words])
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert error in line
