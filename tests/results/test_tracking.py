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

BLOCK = 32768

TITLE = "dann emoji:noto-twemoji seed 1"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
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


def entries(folder: Path) -> list[Entry]:
    """What wandb wrote: a LevelDB log, records in fragments that do not cross blocks."""
    wandb.teardown()  # only then is the file sure to be written out
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
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
    assert tracking.mirror(record(), "offline", "emoji")
    log = entries(tmp_path)
    (run,) = [e.run for e in log if e.HasField("run")]
    about = run.run_id, run.display_name, run.run_group, run.project
    assert about == ("3f2a9c", f"{TITLE} 3f2a9c", "emoji", "da")
    config = plain(run.config.update)
    assert {k: config[k] for k in record().settings} == record().settings
    assert config["environment"] == {"torch": "2.11"}
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
    assert tracking.mirror_table(["method", "average"], rows, "offline", "emoji")
    (file,) = tmp_path.glob("wandb/offline-run-*-table-emoji/files/media/table/*.json")
    assert json.loads(file.read_text()) == {"columns": ["method", "average"], "data": rows}


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
    told: list[dict] = []
    monkeypatch.setattr(tracking, "_write", lambda _, about, write: bool(told.append(about)))
    tracking.push(tmp_path, "off")
    names = [about["name"] for about in told]
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
    assert not tracking.mirror(record(), "offline")
    assert not tracking.mirror_table(["method"], [["dann"]], "offline")
    out, err = capsys.readouterr()
    assert (out, len(calls)) == ("", 1)
    assert err.count("\n") == 1
    assert "ConnectionError: no network" in err


def test_without_the_library_auto_is_silently_off(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    assert not tracking.mirror(record())
    assert capsys.readouterr() == ("", "")
    tracking.check("auto")
    tracking.check("off")


def test_without_the_library_online_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ValueError, match=r'--wandb offline needs wandb: .*"da-lab\[wandb\]"'):
        tracking.check("offline")
    assert not tracking.mirror(record(), "online")
    assert 'W&B needs wandb: pip install "da-lab[wandb]"' in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["auto", "online"])
def test_without_credentials_one_line_tells_who_asked_how_to_turn_it_on(mode, monkeypatch, capsys):
    monkeypatch.setattr(wandb, "init", pytest.fail)
    if mode == "auto":
        assert not tracking.mirror(record(), mode)
        assert capsys.readouterr() == ("", "")
        monkeypatch.setenv("WANDB_MODE", "online")
    assert not tracking.mirror(record(), mode)
    assert not tracking.mirror(record("other"), mode)
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
    assert not tracking.mirror(record(), "off")
    assert capsys.readouterr() == ("", "")
