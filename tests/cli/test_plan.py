"""What `da plan` prints, and which mistakes it refuses."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from da.cli.main import main
from da.results import time_left
from da.results.records import Record
from da.training import attempts, sweep
from da.training.executors import ray_connection
from da.training.executors.ray_cluster import RayCluster
from da.training.planning import measures
from da.training.planning.run_cost import Cost
from tests.fixtures.fake_ray import FakeRay

EXPERIMENT = """
import da

def runs():
    how = "moons:0-20", "mlp", "random", "full"
    return [da.Run(da.methods.DANN(), *how, steps=2, eval_every=2, seed=seed) for seed in (0, 1)]
"""


@pytest.fixture(autouse=True)
def _experiment(monkeypatch):
    Path("tiny.py").write_text(EXPERIMENT)
    monkeypatch.setattr(measures, "measure_run", lambda run, weights, how: Cost(1800.0))


def test_it_prints_the_plan_and_stores_nothing(capsys):
    main(["plan", "tiny.py", "--workers", "1", "--price", "3"])
    said = capsys.readouterr().out
    assert said.startswith("method  runs  done   a run  together  time from\ndann       2     0")
    assert "\nmoney: 3." in said
    assert [file.name for file in Path().iterdir()] == ["tiny.py"]


def test_only_some_runs_as_json(capsys):
    words = ["plan", "tiny.py", "--workers", "1", "--only", "seed=1", "--format", "json"]
    main(words)
    found = json.loads(capsys.readouterr().out)
    assert found["seconds"] == 1800
    main([*words, "--price", "2"])
    priced = json.loads(capsys.readouterr().out)
    assert priced["money"] == pytest.approx(priced["wall_seconds"] / 1800)
    assert priced.keys() - found.keys() == {"money"}
    assert found["methods"][0]["runs"] == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "0"], "unknown number of workers 0, known: auto, 1 and more"),
        (["--price", "-1"], "unknown price -1.0, known: 0 and more"),
        (["--price", "nan"], "unknown price nan, known: 0 and more"),
        (["--device", "abacus"], "no device 'abacus'"),
        (["--only", "seed=7"], "no run with 'seed=7'"),
        (["--results", "tiny.py"], "--results tiny.py is a file, and no folder of records"),
    ],
)
def test_mistakes_are_one_line(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["plan", "tiny.py", *words])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_sweep_says_how_much_time_is_left_and_a_plan_counts_what_is_done(capsys, monkeypatch):
    def train_together(runs, **_):
        point = {"step": 2, "target_accuracy": 50.0}
        return [(run, Record(run.id, run.settings(), [point], 1.0)) for run in runs]

    monkeypatch.setattr(attempts, "train_together", train_together)
    monkeypatch.setattr(time_left.TimeLeft, "seconds", lambda self: 540.0 * len(self._waiting))
    main(["sweep", "tiny.py", "--workers", "1", "--wandb", "off"])
    first, second, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("[1/2] ")
    assert first.endswith(", about 9 min left")
    assert second.startswith("[2/2] ")
    assert "left" not in second
    main(["plan", "tiny.py", "--workers", "1"])
    assert "runs: 2, of which 2 are done and 0 are to come" in capsys.readouterr().out


def test_a_sweep_on_a_cluster_asks_for_no_gpu_of_this_machine(capsys, monkeypatch):
    def no_driver(_) -> None:
        raise RuntimeError("Found no NVIDIA driver")

    monkeypatch.setattr(torch.cuda, "mem_get_info", no_driver)
    monkeypatch.setattr(ray_connection, "check", lambda: None)
    monkeypatch.setattr(
        sweep, "open_executor", lambda *_: nullcontext(RayCluster(FakeRay(), {}, 0))
    )
    main(["sweep", "tiny.py", "--on", "ray", "--device", "cuda", "--wandb", "off"])
    said = capsys.readouterr().out
    assert "2 of 2 runs of tiny.py have a record" in said
    assert "left" not in said
