"""Measure how well `da plan` tells what `da sweep` takes, for three experiments of other kinds.

Cost: eight minutes on 2 cores.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from da.system.environment import cores
from measure import Bar, Section, show
from sweep import EMOJI

PIXELS = '''
"""Four methods on pixels of a digit's size."""

from itertools import product

import da

METHODS = da.methods.SourceOnly(), da.methods.DANN(), da.methods.MCC(), da.methods.MCD()
PAIRS = "noto-twemoji", "fluent-contrast"


def runs() -> list[da.Run]:
    steps = dict(side=28, steps=300, eval_every=100)
    return [
        da.Run(method, f"emoji:{pair}", "lenet", "random", "full", **steps)
        for pair, method in product(PAIRS, METHODS)
    ]
'''
POINTS = '''
"""Six methods on points."""

from itertools import product

import da

METHODS = [getattr(da.methods, name)() for name in "SourceOnly DANN MCC CDAN DAN MCD".split()]


def runs() -> list[da.Run]:
    return [
        da.Run(method, f"moons:0-{angle}", "mlp", "random", "full")
        for angle, method in product(ANGLES, METHODS)
    ]
'''
FEW = POINTS.replace('"full")', '"full", steps=4, eval_every=2)').replace("ANGLES", "[20]")


def experiments(quick: bool, folder: Path) -> dict[str, list[str | Path]]:
    """Words that name each experiment on the command line, by what it trains on."""
    texts = {"points": FEW} if quick else {"pixels": PIXELS, "points": POINTS}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text.replace("ANGLES", "(20, 40, 60)"))
    found: dict[str, list[str | Path]] = {name: [folder / f"{name}.py"] for name in texts}
    return found if quick else {"frozen features": [EMOJI, "--only", "seed=0"]} | found


def da(*words: str | Path, **options: str | Path) -> str:
    """What a command prints; raises RuntimeError where it fails."""
    given = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "da", *words, *given]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def measure(quick: bool) -> Section:
    """Each plan is made right before its sweep."""
    rows: list[list[object]] = []
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        for what, words in experiments(quick, Path(name)).items():
            results = Path(name) / what
            plan = json.loads(da("plan", *words, "--prepare", results=results, format="json"))
            start = time.perf_counter()
            da("sweep", *words, results=results, wandb="off")
            took = time.perf_counter() - start
            runs = sum(method["runs"] for method in plan["methods"])
            rows.append([what, runs, plan["wall_seconds"], took, plan["wall_seconds"] / took])
    worst = max(abs(float(str(row[-1])) - 1) for row in rows)
    notes = [
        f"planned, then swept, with one process for each of {cores()} cores",
        f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after",
    ]
    bars = [
        Bar("`da plan`, error", "the sweep", 25, 10, None if quick else 100 * worst, "%", "less")
    ]
    columns = ("trained on", "runs", "planned, seconds", "took, seconds", "planned of taken")
    return Section("A plan and its sweep", columns, rows, notes, bars=bars)


if __name__ == "__main__":
    show(measure)
