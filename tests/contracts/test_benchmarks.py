"""Benchmarks run to their end, count rightly, and let everybody do the same work. None is timed."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torch import nn

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import measure  # noqa: E402
import peers  # noqa: E402
import report  # noqa: E402
import step  # noqa: E402
import tllib_emoji  # noqa: E402
import tllib_sides  # noqa: E402
from da.training.formats import Formats  # noqa: E402
from measure import Bar, Section, Timing  # noqa: E402
from tllib import tllib_style  # noqa: E402

QUICK = [sys.executable, str(BENCHMARKS / "report.py"), "--quick", "--out"]


@pytest.mark.slow
def test_every_script_runs_to_its_end(tmp_path):
    done = subprocess.run(
        [*QUICK, str(tmp_path)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    [file] = tmp_path.glob("*.json")
    scripts = json.loads(file.read_text())["scripts"]
    assert scripts.keys() == {s for s in report.SCRIPTS if (BENCHMARKS / f"{s}.py").exists()}
    assert all(section["rows"] for done in scripts.values() for section in done["sections"])


def test_contenders_take_turns_and_each_is_first_in_turn():
    seen: list[str] = []
    contenders = {name: (lambda name=name: seen.append(name)) for name in "abc"}
    timing = measure.interleaved(contenders, 3, warm_up=0)
    assert "".join(seen) == "abcbcacab"
    assert {name: len(times) for name, times in timing.seconds.items()} == dict.fromkeys("abc", 3)


def test_a_ratio_is_the_median_of_rounds():
    timing = Timing({"fast": (1.0, 1.0, 4.0), "slow": (2.0, 3.0, 4.0)}, 10, (0, 0))
    assert timing.ratio("fast", "slow") == 2
    assert timing.median("slow") == 3
    assert timing.rate("fast") == 10


@pytest.mark.parametrize(
    ("measured", "verdicts"),
    [(None, "open open"), (1, "missed goal"), (3, "bar bar"), (5, "goal missed")],
)
def test_what_a_bar_says(measured, verdicts):
    more = Bar("w", "a", bar=2, goal=4, measured=measured)
    less = Bar("w", "a", bar=4, goal=2, measured=measured, better="less")
    assert f"{more.verdict} {less.verdict}" == verdicts


def plain_report(*names: str) -> dict:
    section = Section("Title", ("a", "b"), [("x", 1.2345)], ["note"], bars=[Bar("w", "p", 2, 4, 3)])
    done = {
        "sections": [asdict(section)],
        "seconds": 1,
        "load": [0, 0],
        "environment": {"commit": "c"},
        "failed": False,
    }
    top = {"fp32": 1e9, "bf16": 2e9, "copy": 3e9}
    about = {"machine": "m", "date": "d", "cores": 2, "threads": 2, "ceilings": top}
    return about | {"scripts": dict.fromkeys(names, done)}


def test_a_report_has_summary_sections_and_provenance(tmp_path):
    report.write(tmp_path, "r", plain_report("data", "step"))
    text = (tmp_path / "r.md").read_text()
    assert "# Speed on m, d\n" in text
    assert text.count("| w | p | 2x | 4x | 3x, bar held |") == 2
    assert "## Title\n\n| a | b |\n| --- | ---: |\n| x | 1.23 |\n\n- note\n" in text
    assert text.index("`benchmarks/step.py`") < text.index("`benchmarks/data.py`")


def test_scripts_that_do_not_run_again_stay_in_todays_report(tmp_path, monkeypatch):
    about = {key: value for key, value in plain_report().items() if key != "scripts"}
    monkeypatch.setattr(report, "about", lambda: about)
    monkeypatch.setattr(report, "machine", lambda: "M, 1")
    monkeypatch.setattr(report, "run", lambda script, quick: plain_report("x")["scripts"]["x"])
    for script in ("data", "step"):
        monkeypatch.setattr(sys, "argv", ["report.py", script, "--out", str(tmp_path)])
        with pytest.raises(SystemExit) as ended:
            report.main()
        assert not ended.value.code
    [file] = tmp_path.glob("*_m-1.json")
    assert list(json.loads(file.read_text())["scripts"]) == ["step", "data"]


def test_a_script_that_fails_is_a_section_and_an_exit_status(monkeypatch):
    def broken(quick: bool) -> Section:
        raise RuntimeError("no data")

    monkeypatch.setattr(step, "measure", broken)
    done = report.run("step", True)
    assert done["failed"]
    assert done["sections"][0]["rows"] == [["RuntimeError: no data"]]


CASE = step.Case("lenet", 28, 4, 1, 1)


@pytest.mark.parametrize("pool_first", [False, True])
def test_peers_have_our_network_in_their_own_layers(pool_first):
    method = step.build("dann", "lenet").eval()
    batch, data = step.data(method, 28, 4)
    parts = peers.plain(method, pool_first=pool_first)
    kinds = [type(layer) for layer in parts.features.modules()]
    assert (kinds.index(nn.MaxPool2d) < kinds.index(nn.ReLU)) == pool_first
    assert {type(m) for m in parts.head.modules()} == {nn.Sequential, nn.Linear, nn.ReLU}
    theirs = parts.head(parts.features(data.x_s))
    torch.testing.assert_close(theirs, method.predict(batch.source.x))


def moved(parts: peers.Parts) -> list[torch.Tensor]:
    return [p.detach() for m in (parts.features, parts.head) for p in m.parameters()]


@pytest.mark.parametrize("peer", [peers.pytorch_adapt, tllib_style])
@pytest.mark.filterwarnings("ignore")
def test_a_step_of_source_only_is_the_same_step_for_everybody(peer):
    method = step.build("source_only", "lenet")
    batch, data = step.data(method, 28, 4)
    parts = peers.plain(method)
    peer(parts, "source_only", data)()
    step.ours(method, batch, Formats())()
    torch.testing.assert_close(moved(parts), moved(peers.plain(method)))


@pytest.mark.parametrize("peer", [peers.pytorch_adapt, tllib_style])
@pytest.mark.parametrize("name", step.NAMES)
@pytest.mark.filterwarnings("ignore")
def test_every_part_of_a_peer_moves(name, peer):
    method = step.build(name, "lenet")
    parts = peers.plain(method)
    do = peer(parts, name, step.data(method, 28, 4)[1])
    do()
    before = [p.clone() for module in parts.all() if module for p in module.parameters()]
    do()
    after = [p for module in parts.all() if module for p in module.parameters()]
    assert len(before) == len(list(method.parameters()))
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("method", tllib_sides.METHODS)
def test_runs_beside_tllib_are_the_first_steps_of_its_own(method):
    of = [
        tllib_sides.run_of(tllib_sides.Job("da", method, tllib_sides.TASKS[0], n, 0, Path()))
        for n in (100, 400)
    ]
    few, many = (run.settings() for run in of)
    scaled = {"anneal_gamma", "hp.steepness"} & few.keys()
    assert {name for name in few if few[name] != many[name]} == {"steps", "eval_every", *scaled}
    assert all(many[name] == pytest.approx(4 * few[name]) for name in scaled)
    assert few["neck"] == 256 * (method != "source_only")


def test_a_comparison_with_tllib_has_no_more_steps_than_its_time_allows():
    timing = [
        {"side": side, "accuracy": 50.0, "of_step": seconds}
        for side, seconds in (("tllib_ready", 0.02), ("da", 0.01))
    ]
    steps = tllib_emoji.choose_steps([*timing, {"side": "da", "of_step": 9.0}], 200)
    assert steps == 400  # 200 s of three processes, of which a step of all thirty pairs takes 1.5


def test_a_comparison_with_tllib_is_continued_where_it_ended(tmp_path):
    job = tllib_sides.Job("da", "dann", tllib_sides.TASKS[0], 200, 0, Path())
    done = {"side": "da", "method": "dann", "task": job.task, "steps": 200, "seed": 0}
    report = tllib_emoji.Report(tmp_path / "a.json", {"machine": "M"})
    report.add("runs", done | {"accuracy": 50.0, "of_step": 0.01, "whole": 2.0})
    report.add("runs", done | {"seed": 1, "error": "none", "of_step": 0.0, "whole": 2.0})
    again = tllib_emoji.Report(tmp_path / "a.json", {"machine": "another"})
    assert again.found["machine"] == "M"
    assert [again.has("runs", replace(job, seed=seed)) for seed in (0, 1, 2)] == [1, 0, 0]
