"""A damaged record gives one line that names it, whatever reads it, and is never a path."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.faults.children import call_in_child, da
from tests.contracts.faults.command_lines import write_no_export
from tests.contracts.faults.outcomes import REFUSED, RESULT, Outcome, Tally, run_command
from tests.contracts.faults.test_command_lines import GOOD
from tests.fixtures.pictures import class_folders

COMMANDS = {
    "table": "table lab.py",
    "plot": "plot lab.py",
    "diagnose": "diagnose RUN",
    "predict": "predict RUN A/cat/0.png",
    "export": "export RUN --to pt2",
    "publish": "publish lab.py --out published",
    "sweep": "sweep lab.py --wandb off",
    "table again": "table lab.py",
}
EVIL = "../../evil", "/tmp/evil", "..", "", "0" * 12 + "\n", "A" * 12, 12, None, ["a"], "x" * 300
VALUES: list[Any] = [None, "", "text", -1, [], {}, [1], {"a": {}}, True]
POINTS: list[Any] = [None, 1, "text", [], {}, {"step": 1}, {"target_accuracy": 50.0}]


def texts(good: str) -> dict[str, str | bytes]:
    """Return files that are no JSON, or no object."""
    return {
        "empty": "",
        "blank": " \n",
        "half": good[: len(good) // 2],
        "almost whole": good[:-3],
        "twice": good + good,
        "a list": f"[{good}]",
        "a number": "1",
        "null": "null",
        "zeros": b"\0" * 500,
        "binary": bytes(range(256)),
        "UTF-16": good.encode("utf-16"),
        "deep": "[" * 100_000,
        "no object in it": "{}",
        "not a number": good.replace('"seconds": ', '"seconds": NaN, "x": '),
    }


def with_changes(good: dict[str, Any]) -> dict[str, str | bytes]:
    """Return records of which one part is gone or of another kind."""
    curve, settings = good["curve"], good["settings"]
    changed: dict[str, dict[str, Any]] = {f"id {id!r}": {"id": id} for id in EVIL}
    changed |= {f"curve {value!r}": {"curve": value} for value in VALUES}
    changed |= {f"point {point!r}": {"curve": [*curve, point]} for point in POINTS}
    changed |= {f"settings {value!r}": {"settings": value} for value in VALUES[:6]}
    for name, value in (("method", "no such"), ("method", None), ("task", 3), ("seed", "x")):
        changed[f"{name} {value!r}"] = {"settings": settings | {name: value}}
    for value in ("high", None, float("nan"), float("inf")):
        last = curve[-1] | {"target_accuracy": value}
        changed[f"accuracy {value!r}"] = {"curve": [*curve[:-1], last]}
    for name, value in (("seconds", "long"), ("environment", [1]), ("made_from", 3), ("new", 1)):
        changed[f"{name} {value!r}"] = {name: value}
    gone = {f"no {n}": {k: v for k, v in good.items() if k != n} for n in ("id", "settings")}
    return {name: json.dumps(x) for name, x in gone.items()} | {
        name: json.dumps(good | new) for name, new in changed.items()
    }


@pytest.fixture
def swept(lab: Path) -> Path:
    """A folder with one finished run whose weights are stored."""
    class_folders(lab, each=4)
    (lab / "lab.py").write_text(GOOD)
    done = da(lab, "sweep", "lab.py", "--wandb", "off", "--save-weights")
    assert done.kind == RESULT, done.said
    return lab


def carry_out(run: str, damages: dict[str, str | bytes]) -> list[Outcome]:
    """Give all commands with each of the damaged records."""
    file = Path("results", f"{run}.json")
    good, found = file.read_bytes(), []
    write_no_export()
    for name, damage in damages.items():
        for command, words in COMMANDS.items():
            if command != "table again":
                file.write_bytes(damage.encode() if isinstance(damage, str) else damage)
            outcome = run_command(words.replace("RUN", run).split(), seconds=20)
            unnamed = outcome.kind == REFUSED and run not in outcome.said
            done = Outcome(f"{command}, {name}", outcome.kind, outcome.said)
            found.append(done.unless(unnamed, "names no file"))
    file.write_bytes(good)
    return found


def test_60_damaged_records(swept, tally: Tally):
    (record,) = (swept / "results").glob("*.json")
    good = record.read_text()
    damages = texts(good) | with_changes(json.loads(good))
    outcomes = call_in_child(swept, carry_out, record.stem, damages)
    outside = [file for top in swept.parents[:3] for file in top.glob("evil*")]
    outcomes.append(Outcome("files outside", RESULT).unless(bool(outside), f"{outside}"))
    tally.check(outcomes)


def test_mirror_of_damaged_records(swept, tally: Tally, monkeypatch):
    (record,) = (swept / "results").glob("*.json")
    good = record.read_text()
    outcomes = []
    for name, text in (("half", good[:100]), ("no curve", good.replace('"curve"', '"carve"'))):
        record.write_text(text)
        done = da(swept, "wandb", "push", "results", "--mode", "offline")
        bad = done.kind != REFUSED or record.stem not in done.said
        outcomes.append(Outcome(f"wandb, {name}", done.kind, done.said).unless(bad, "not refused"))
    tally.check(outcomes)
