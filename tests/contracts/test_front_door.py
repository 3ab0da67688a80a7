"""What `import da` offers: everything by name, and nothing before it is asked for."""

import subprocess
import sys
from pathlib import Path

import pytest
from pandas import DataFrame

import da
from da.results.record_list import Records
from da.results.records import Record

PUBLISHED = Path(__file__).parents[2] / "results" / "published"


@pytest.mark.parametrize("name", da.__all__)
def test_every_name_is_there(name):
    assert getattr(da, name)
    assert name in dir(da)
    assert "Any" not in dir(da)  # what a tab shows


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match=r"no attribute 'trian', known: Batch, FineTuning, "):
        _ = da.trian


@pytest.mark.slow
def test_import_loads_nothing_but_the_names():
    code = "import sys, da; print(*{'torch', 'numpy', 'tyro'} & {*sys.modules}, da.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == da.__version__


def test_settings_of_methods_go_by_the_names_of_their_classes():
    assert da.methods.DANN(trade_off=0.5) == da.methods.METHODS["dann"].Hparams(trade_off=0.5)
    assert "MCC" in dir(da.methods)
    assert "Any" not in dir(da.methods)
    with pytest.raises(AttributeError, match="no method 'DANNN', known: AaD, AdaBN"):
        _ = da.methods.DANNN


def test_a_run_of_one_line_is_trained_and_found(tmp_path):
    run = da.Run(
        da.methods.SourceOnly(), "moons:0-40", backbone="mlp", init="random", regime="full", steps=1
    )
    (record,) = da.sweep([run], tmp_path, workers=1)
    assert record.curve == da.train(run, quiet=True).curve
    found = da.load_records(tmp_path)
    assert found == [record] == da.load_records(tmp_path, [run])
    reached = record.curve[-1]["target_accuracy"]
    assert found.accuracy() == found.accuracy("oracle") == [round(reached, 4)]
    assert repr(record) == f"<record {run.id}: source_only moons:0-40 seed 0>"
    assert repr(found).splitlines()[1:] == [f"{reached:.1f} %  {run.title} {run.id}"]
    assert "source_only" in da.table(found, chosen_by="infomax")


def test_a_sweep_in_python_warns_of_what_a_run_ends_with(tmp_path, capsys):
    run = da.Run(da.methods.CORAL(trade_off=0.0), "moons:0-40", "mlp", "random", "full", steps=2)
    da.sweep([run], tmp_path, workers=1)
    (said,) = capsys.readouterr().err.splitlines()
    assert f"{run.id}: warning: adaptation gradient exactly zero" in said
    da.sweep([run], tmp_path, workers=1)
    assert capsys.readouterr().err == ""


def test_a_failed_run_is_named_after_all_others_are_done(tmp_path):
    runs = [
        da.Run(
            da.methods.SourceOnly(), "moons:0-40", backbone="mlp", init="random", regime="full",
            steps=2, optimizer="sgd", lr=lr,
        )
        for lr in (1e30, 0.1)
    ]  # fmt: skip
    label = rf"source_only moons:0-40 seed 0 lr=1e\+30 {runs[0].id}"
    with pytest.raises(RuntimeError, match=f"^{label} failed: Diverged"):
        da.sweep(runs, tmp_path, workers=1)
    assert [record.id for record in da.load_records(tmp_path)] == [runs[1].id]


def test_records_become_a_table_of_pandas():
    record = Record("0" * 12, {"method": "dann"}, [{"step": 1, "target_accuracy": 50.0}], 2.0)
    frame = Records([record]).to_frame()
    assert isinstance(frame, DataFrame)
    assert frame.loc["0" * 12, "target_accuracy"] == 50.0


def test_no_records_is_one_line(tmp_path):
    with pytest.raises(ValueError, match="no records in"):
        da.load_records(tmp_path)
