"""Print the table of all scripts: which recipe they are of, and how far our steps are from theirs.

python -m tests.fidelity.table [NAME ...]
"""

import sys
from pathlib import Path

import pytest
import torch

from da.runs.recipes import RECIPES
from tests.fidelity.inputs import STEPS
from tests.fidelity.peers import SCRIPTS
from tests.fidelity.replay import recorded, replay
from tests.fidelity.test_neighbors import CASES, replay_neighbors
from tests.fidelity.test_shot import replay_shot
from tests.fidelity.test_streams import SINGLE, STREAMS, replay_stream
from tests.fidelity.test_trajectories import ALMOST, CLOSE, EQUAL

HEAD = "| file | script | commit | recipe | steps | float64 | float32 |"
RULE = "| --- | --- | --- | --- | --- | --- | --- |"
NONE = "-"
PAGE = Path(__file__).parents[2] / "docs/contributing/fidelity.md"
"""Page of docs that has the table."""


def recipe(name: str) -> str:
    """Return the recipe that a script is of, as method and name, where there is one."""
    peer, _, rest = name.partition("_")
    known = [m for m in RECIPES if rest == m or rest.startswith(f"{m}_")]
    method = max(known, key=len, default="")
    return f"`{method} {peer}`" if peer in RECIPES.get(method, {}) else NONE


def about(name: str) -> str:
    """Return the columns of a row that need no training."""
    peer, rates = recorded(name)["peer"], recorded(name)["rates"]
    file, steps = peer["file"].rpartition("/")[2], min(len(rates), STEPS)
    return f"| `{name}` | `{file}` | {peer['commit'][:7]} | {recipe(name)} | {steps} |"


def largest(name: str, format: str) -> float | None:
    """Return the largest difference of a case, or None where it is not compared in a format."""
    single = name in {"authors_shot", *CASES, *SINGLE}
    if single and format == "float64":
        return None
    if name in STREAMS:
        with pytest.MonkeyPatch.context() as patch:
            return max(replay_stream(name, format, patch).values())
    if name in CASES:
        return max(replay_neighbors(name).values())
    if name == "authors_shot":
        return max(replay_shot().values())
    every = EQUAL | ALMOST
    return max(replay(every[name], recorded(name), format).values()) if name in every else None


def row(name: str) -> str:
    """Return the row of a script."""
    gaps = [largest(name, format) for format in CLOSE]
    return f"{about(name)} {' | '.join(NONE if gap is None else f'{gap:.0e}' for gap in gaps)} |"


def refresh(text: str) -> str:
    """Return the page of docs with commits, recipes and steps of all its rows as they are now."""
    lines = []
    for line in text.splitlines():
        name = line.split("`")[1] if line.startswith("| `") else ""
        gaps = line.rsplit("|", 3)[1:]
        lines.append("|".join([about(name)[:-1], *gaps]) if name in SCRIPTS else line)
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> None:
    """Print the rows of some scripts or of all, or bring the page up to date."""
    if words == ["--recipes"]:
        PAGE.write_text(refresh(PAGE.read_text()))
        return
    print(f"{HEAD}\n{RULE}", flush=True)
    for name in words or SCRIPTS:
        print(row(name), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
