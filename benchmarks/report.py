"""Run benchmarks and write their results: `make bench`, or `make bench ONLY="step data"`.

Reports are named by day and machine. If a script runs again on the same day, its new results
replace its old ones; those of other scripts stay.
"""

import argparse
import importlib
import json
import math
import os
import re
import time
import traceback
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import torch

from da.system.cache import write_whole
from da.system.environment import cores, environment, processor
from da.system.hardware import measure_ceilings
from measure import Bar, Section, end_after, shown, table

HERE = Path(__file__).parent
THREADS = torch.get_num_threads()
SCRIPTS = "step", "training", "data", "mapping", "sweep", "seeds", "scaling", "engines", "plans"
VERDICTS = {"goal": "goal reached", "bar": "bar held", "missed": "missed"}


def machine() -> str:
    """What the machine is: its GPU, or its processor and how many cores of it."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{processor()}, {cores()} cores"


def run(script: str, quick: bool) -> dict[str, Any]:
    """What a script finds, as plain data; an error is a finding too."""
    torch.set_num_threads(THREADS)
    load, start = os.getloadavg()[0], time.perf_counter()
    try:
        found = importlib.import_module(script).measure(quick)
        failed = False
    except Exception as error:
        traceback.print_exc()
        found = Section(f"{script}.py failed", ("error",), [[f"{type(error).__name__}: {error}"]])
        failed = True
    sections = [found] if isinstance(found, Section) else found
    for section in sections:
        print(section.markdown(), flush=True)
    return {
        "sections": [asdict(section) for section in sections],
        "failed": failed,
        "seconds": time.perf_counter() - start,
        "load": [load, os.getloadavg()[0]],
        "environment": environment(),
    }


def about() -> dict[str, Any]:
    """The machine and what it does at best."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return {
        "machine": machine(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "ceilings": measure_ceilings(device)._asdict(),
    }


def section(found: dict[str, Any]) -> Section:
    """A section as it was before it was written."""
    return Section(**found | {"bars": [Bar(**bar) for bar in found["bars"]]})


def markdown(report: dict[str, Any]) -> str:
    """The whole report; its summary is what the README quotes."""
    scripts = report["scripts"]
    sections = {name: [section(s) for s in done["sections"]] for name, done in scripts.items()}
    bars = [bar for some in sections.values() for one in some for bar in one.bars]
    parts = [f"# Speed on {report['machine']}, {report['date']}", _ceilings(report)]
    columns = ("work", "measured against", "bar", "goal", "measured")
    parts += ["## Summary", "\n".join(table(columns, [_summary(bar) for bar in bars]))]
    for name, some in sections.items():
        parts += [*(one.markdown().rstrip() for one in some), _provenance(name, scripts[name])]
    return "\n\n".join(parts) + "\n"


def _ceilings(report: dict[str, Any]) -> str:
    top = report["ceilings"]
    return (
        f"{report['cores']} cores, {report['threads']} threads. Ceilings, measured: matrix product "
        f"{shown(top['fp32'] / 1e9)} GFLOP/s in fp32 and {shown(top['bf16'] / 1e9)} in bf16, "
        f"copy {shown(top['copy'] / 1e9)} GB/s read and written."
    )


def _summary(bar: Bar) -> list[str]:
    measured = "open"
    if bar.measured is not None:
        measured = f"{_quantity(bar, bar.measured)}, {VERDICTS[bar.verdict]}"
    return [bar.work, bar.against, _quantity(bar, bar.bar), _quantity(bar, bar.goal), measured]


def _quantity(bar: Bar, value: float) -> str:
    return f"{shown(float(value))}{'' if bar.unit == 'x' else ' '}{bar.unit}"


def _provenance(name: str, done: dict[str, Any]) -> str:
    versions = " ".join(f"{k} {v}" for k, v in done["environment"].items() if k != "machine")
    return (
        f"`benchmarks/{name}.py`, {done['seconds']:.0f} s, load average {done['load'][0]:.1f} "
        f"before and {done['load'][1]:.1f} after; {versions}"
    )


def write(folder: Path, name: str, report: dict[str, Any]) -> None:
    """As Markdown to be read and as JSON, each whole."""
    report["scripts"] = {s: report["scripts"][s] for s in SCRIPTS if s in report["scripts"]}
    with write_whole(folder / f"{name}.json") as part:
        part.write_text(json.dumps(report, indent=1, default=float) + "\n")
    plain = json.loads((folder / f"{name}.json").read_text())
    with write_whole(folder / f"{name}.md") as part:
        part.write_text(markdown(plain))


def main() -> None:
    """Run scripts and write their report anew after each."""
    present = [name for name in SCRIPTS if (HERE / f"{name}.py").exists()]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help=f"of {', '.join(present)}")
    parser.add_argument("--quick", action="store_true", help="only to see that all scripts run")
    parser.add_argument("--out", type=Path, help="folder of the report")
    parser.add_argument("--seconds", type=float, default=math.inf, help="no row begins after these")
    given = parser.parse_args()
    end_after(given.seconds)
    if unknown := set(given.scripts) - set(present):
        parser.error(f"unknown script {', '.join(unknown)}, known: {', '.join(present)}")
    if given.quick and not given.out:
        parser.error(
            "--quick measures nothing that belongs among the reports: name a folder, --out"
        )
    folder, today = given.out or HERE / "reports", date.today().isoformat()
    name = f"{today}_{re.sub(r'[^a-z0-9]+', '-', machine().lower()).strip('-')}"
    file = folder / f"{name}.json"
    report = json.loads(file.read_text()) if file.exists() else {"scripts": {}}
    todo = given.scripts or present
    for script in todo:
        report |= {"date": today} | about()
        report["scripts"][script] = run(script, given.quick)
        write(folder, name, report)
        print(f"{folder / name}.md")
    raise SystemExit(any(report["scripts"][script]["failed"] for script in todo))


if __name__ == "__main__":
    main()
