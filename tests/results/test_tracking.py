import json
import struct
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import wandb
from wandb.proto.wandb_internal_pb2 import Record as Entry

from da.results import records, tracking
from da.results.records import Record
from da.results.tracking import Mirror, Tracking

BLOCK = 32768

OFFLINE = Tracking("offline")

TITLE = "dann emoji:noto-twemoji seed 1"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    for name in ("API_KEY", "IDENTITY_TOKEN_FILE", "MODE", "PROJECT", "RUN_GROUP"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setattr(tracking, "_failures", [])
    tracking._say.cache_clear()
    yield
    wandb.teardown()


def record(id: str = "3f2a9c") -> Record:
    settings = {"method": "dann", "task": "emoji:noto-twemoji", "seed": 1, "hp.trade_off": 0.5}
    curve = [
        {"step": 0, "target_accuracy": 41.5, "infomax": 0.25, "loss/task": 2.5},
        {"step": 100, "target_accuracy": 55.25, "infomax": 0.75, "loss/task": 0.5},
    ]
    return Record(id, settings, curve, 12.5, 640.0, 900.0, {"torch": "2.11"})


def entries(folder: Path, id: str = "*") -> list[Entry]:
    """What wandb wrote: a LevelDB log, records in fragments that do not cross blocks."""
    wandb.teardown()  # only then is the file sure to be written out
    (file,) = folder.glob(f"wandb/offline-run-*/run-{id}.wandb")
    data, at, whole, found = file.read_bytes(), 7, b"", []
    while at < len(data):
        if BLOCK - at % BLOCK < 7:
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        whole += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            found.append(Entry.FromString(whole))
            whole = b""
    return found


def plain(items) -> dict:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}


@pytest.mark.slow
def test_an_offline_run_has_the_records_numbers(tmp_path):
    assert tracking.mirror(record(), Tracking("offline", "emoji"))
    log = entries(tmp_path)
    (run,) = [e.run for e in log if e.HasField("run")]
    about = run.run_id, run.display_name, run.run_group, run.project
    assert about == ("3f2a9c", f"{TITLE} 3f2a9c", "emoji", "da")
    config = plain(run.config.update)
    assert {k: config[k] for k in record().settings} == record().settings
    later = plain([item for e in log if e.HasField("config") for item in e.config.update])
    assert later["environment"] == {"torch": "2.11"}
    history = [plain(e.history.item) for e in log if e.HasField("history")]
    steps = [{k: v for k, v in row.items() if k[0] != "_"} for row in history]
    assert [row["_step"] for row in history] == [0, 100]
    assert [{"step": row["_step"], **kept} for row, kept in zip(history, steps, strict=True)] == (
        record().curve
    )
    summary = plain([item for e in log for item in e.summary.update])
    assert summary["target_accuracy"] == 55.25
    costs = summary["seconds"], summary["images_per_second"], summary["peak_memory"]
    assert costs == (12.5, 640.0, 900.0)


@pytest.mark.slow
def test_a_table_is_mirrored(tmp_path):
    rows = [["dann", "55.2 ± 0.3"], ["mcc", "**62.6**"]]
    assert tracking.mirror_table(["method", "average"], rows, Tracking("offline", "emoji"))
    (file,) = tmp_path.glob("wandb/offline-run-*-table-emoji/files/media/table/*.json")
    assert json.loads(file.read_text()) == {"columns": ["method", "average"], "data": rows}


@pytest.mark.slow
def test_two_runs_grow_at_once_in_the_project_and_group_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_PROJECT", "paper")
    monkeypatch.setenv("WANDB_RUN_GROUP", "first try")
    runs = {id: Mirror(id, record().settings, Tracking("offline", "emoji")) for id in "ab"}
    for point in record().curve:
        for one in runs.values():
            one.log(point)
    assert runs["a"].end(record("a"))
    assert runs["b"].end(None)
    for id, code in (("a", 0), ("b", 1)):
        log = entries(tmp_path, id)
        (run,) = [e.run for e in log if e.HasField("run")]
        assert (run.run_id, run.project, run.run_group) == (id, "paper", "first try")
        assert [e.exit.exit_code for e in log if e.HasField("exit")] == [code]
        history = [plain(e.history.item) for e in log if e.HasField("history")]
        assert [row["_step"] for row in history] == [0, 100]


@pytest.mark.slow
def test_push_mirrors_each_record(tmp_path):
    ids = {"a" * 12, "b" * 12}
    for id in ids:
        records.save(record(id), tmp_path / "results")
    assert tracking.push(tmp_path / "results", "offline") == 2
    names = {file.stem for file in tmp_path.glob("wandb/offline-run-*/*.wandb")}
    assert names == {f"run-{id}" for id in ids}


def test_push_names_runs_by_the_settings_in_which_they_differ(tmp_path, monkeypatch):
    for id, lr in (("a" * 12, 0.1), ("b" * 12, 1.0)):
        one = record(id)
        records.save(replace(one, settings=one.settings | {"lr": lr}), tmp_path)
    names: list[str] = []
    monkeypatch.setattr(tracking, "mirror", lambda _, how: bool(names.append(how.name)))
    tracking.push(tmp_path, "off")
    assert names == [f"{TITLE} lr=0.1 {'a' * 12}", f"{TITLE} lr=1 {'b' * 12}"]


def test_push_names_the_folder_without_records(tmp_path):
    with pytest.raises(ValueError, match=f"no records in {tmp_path}"):
        tracking.push(tmp_path, "off")


def test_a_failure_costs_one_line_and_nothing_else(monkeypatch, capsys):
    calls = []

    def fail(**about):
        calls.append(about)
        raise ConnectionError("no\nnetwork")

    monkeypatch.setattr(wandb, "init", fail)
    assert not tracking.mirror(record(), OFFLINE)
    assert not tracking.mirror_table(["method"], [["dann"]], OFFLINE)
    out, err = capsys.readouterr()
    assert (out, len(calls)) == ("", 1)
    assert err.count("\n") == 1
    assert "ConnectionError: no network" in err


def test_a_run_that_breaks_off_midway_goes_on_without_wandb(monkeypatch, capsys):
    class Broken:
        def log(self, values, step):
            if step:
                raise ConnectionError("gone")

    monkeypatch.setattr(wandb, "init", lambda **_: Broken())
    one = Mirror("3f2a9c", record().settings, OFFLINE)
    for point in record().curve:
        one.log(point)
    assert not one.end(record())
    assert capsys.readouterr().err.count("\n") == 1


def test_without_the_library_auto_is_silently_off(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert tracking.settle("auto") == tracking.settle("off") == "off"
    assert capsys.readouterr() == ("", "")


def test_without_the_library_online_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match=r'--wandb offline needs wandb: .*"da-lab\[wandb\]"'):
        tracking.settle("offline")
    assert not tracking.mirror(record(), Tracking("online"))
    assert 'W&B needs wandb: pip install "da-lab[wandb]"' in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["auto", "online"])
def test_without_credentials_one_line_tells_who_asked_how_to_turn_it_on(mode, monkeypatch, capsys):
    monkeypatch.setattr(wandb, "init", pytest.fail)
    if mode == "auto":
        assert tracking.settle(mode) == "off"
        assert capsys.readouterr() == ("", "")
        monkeypatch.setenv("WANDB_MODE", "online")
    assert tracking.settle(mode) == "off"
    assert tracking.settle(mode) == "off"
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "WANDB_API_KEY" in err


def test_a_push_without_credentials_says_why_nothing_is_mirrored(tmp_path, monkeypatch, capsys):
    records.save(record("3f2a9c3f2a9c"), tmp_path)
    assert tracking.push(tmp_path) == 0
    assert "WANDB_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["environment", "netrc"])
def test_auto_is_online_where_credentials_exist(where, tmp_path, monkeypatch):
    host = wandb.setup().settings.base_url
    if where == "environment":
        monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    else:
        machine = host.removeprefix("https://")
        (tmp_path / "netrc").write_text(f"machine {machine} login user password {'a' * 40}\n")
    assert tracking._way("auto", host) == "online"


def test_auto_obeys_wandbs_own_variable(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert tracking._way("auto", wandb.setup().settings.base_url) == "offline"
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert tracking._way("auto", wandb.setup().settings.base_url) is None


def test_off_touches_nothing(monkeypatch, capsys):
    monkeypatch.setattr(wandb, "setup", pytest.fail)
    assert tracking.settle("off") == "off"
    assert not tracking.mirror(record(), Tracking("off"))
    assert capsys.readouterr() == ("", "")
