"""Training steps of each network and method against peers, on several machines side by side."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

from tools.docs.markdown import table

REPORTS = Path(__file__).parents[2] / "benchmarks" / "reports"
AGAINST = "vs pytorch-adapt", "vs TLlib-style"


def compare_machines(folder: Path = REPORTS) -> str:
    """Compare our steps in fp32 with those of each peer, by the newest report of each machine."""
    newest: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.glob("*_*.json")):
        report = json.loads(file.read_text())
        if "step" in report.get("scripts", {}):
            newest[file.stem.partition("_")[2]] = report
    ratios = {report["machine"]: _ratios(report) for report in newest.values()}
    keys = dict.fromkeys(key for found in ratios.values() for key in found)
    heads = ["network, images", "method"]
    heads += [f"{who} on {machine}" for machine in ratios for who in AGAINST]
    none = [""] * len(AGAINST)
    rows = [[*key, *chain(*(found.get(key, none) for found in ratios.values()))] for key in keys]
    return table(heads, rows, range(2, len(heads)))


def _ratios(report: dict[str, Any]) -> dict[tuple[str, str], list[str]]:
    """Return how many times faster our step is than that of each peer, by network and method."""
    (section,) = report["scripts"]["step"]["sections"]
    places = [section["columns"].index(who) for who in AGAINST]
    return {
        (row[0], row[1]): ["" if row[i] is None else f"{row[i]:.2f}" for i in places]
        for row in section["rows"]
    }
