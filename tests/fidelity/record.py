"""Record what the authors' code computes, from a user's clone of it.

    git clone https://github.com/thuml/Transfer-Learning-Library PATH
    python -m tests.fidelity.record --peer tllib PATH

writes `tests/fidelity/trajectories/tllib_*.json`: numbers alone, by which the tests compare our
methods without that code.
"""

import argparse
import json
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.fidelity import inputs, peer_tllib
from tests.fidelity.peers import PEERS
from tests.fidelity.script import Script
from tests.fidelity.spy import Spy

FOLDER = Path(__file__).parent / "trajectories"
SAMPLES = {torch.float64: 200, torch.float32: 50}
"""Most entries of a parameter that are recorded."""
PICTURES = "tllib_pictures"
"""Name of the file about images."""
FORMATS = {"float64": torch.float64, "float32": torch.float32}


def record(path: Path, script: Script) -> dict[str, Any]:
    """Run a script in both formats and return what it computed.

    Args:
        path: Clone of the script's repository.
        script: The script.
    """
    found = {}
    for kind, dtype in FORMATS.items():
        spy = Spy(script.roles)
        with tempfile.TemporaryDirectory() as folder, default_dtype(dtype):
            settings = script.run(path, spy, Path(folder))
            found[kind] = {
                "losses": {
                    term: [_plain(x, dtype) for x in spy.losses[term]] for term in spy.losses
                },
                "parts": {role: summarize(spy.parts[role]) for role in spy.parts},
            }
    return {
        "peer": source(path, script.repository, script.file),
        "changes": script.changes,
        "arguments": script.arguments,
        "settings": {key: value for key, value in settings.items() if key not in NO_SETTINGS},
        "optimizers": spy.optimizers,
        "rates": spy.rates,
        "batches": digest_batches(script.target_images),
        "initial": spy.initial,
        **found,
    }


NO_SETTINGS = {"root", "log", "pretrain", "checkpath", "workers", "print_freq", "class_names"}
"""Settings of a script that are paths or of no effect on a number."""


def record_images(path: Path) -> dict[str, Any]:
    """Return what the library makes of one picture, by given crops."""
    from tests.fidelity.pictures_tllib import record_pictures

    file = f"{peer_tllib.SCRIPTS}/utils.py"
    return {"peer": source(path, peer_tllib.REPOSITORY, file), **record_pictures(path)}


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Let new tensors have a format within the context."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def source(path: Path, repository: str, file: str) -> dict[str, str]:
    """Return where a script is published, and what ran it.

    Args:
        path: Clone of the repository.
        repository: Address of the repository.
        file: Path of the script in it.
    """
    commit = subprocess.run(
        ["git", "-C", str(path), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return {
        "repository": repository,
        "commit": commit.stdout.strip(),
        "file": file,
        "python": platform.python_version(),
        "torch": torch.__version__.partition("+")[0],
        "numpy": np.__version__,
    }


def digest_batches(many: int) -> str:
    """Return the digest of all images and labels of a case."""
    steps = inputs.batches(many)
    return inputs.digest(x for s in steps for x in (s.x_s, s.y_s, s.x_t, s.strong))


def summarize(parameters: Sequence[Tensor]) -> list[dict[str, Any]]:
    """Return the norm of each parameter, and entries of it."""
    return [
        {
            "norm": _plain(p.norm().item(), p.dtype),
            "entries": [_plain(x, p.dtype) for x in sample(p)],
        }
        for p in parameters
    ]


def sample(parameter: Tensor) -> list[float]:
    """Return entries of a parameter, evenly spaced in row-major order: see `SAMPLES`."""
    flat = parameter.detach().flatten()
    return flat[:: -(-len(flat) // SAMPLES[flat.dtype])].tolist()


def _plain(number: float, dtype: torch.dtype) -> float:
    """Return the shortest number that its format reads as the same."""
    return number if dtype == torch.float64 else float(str(np.float32(number)))


def write(name: str, found: dict[str, Any]) -> None:
    """Write a file of numbers, a line for each key."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items()]
    (FOLDER / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main(arguments: list[str] | None = None) -> None:
    """Record all scripts of a repository, or those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", required=True, choices=PEERS, help="repository to record")
    parser.add_argument("path", type=Path, help="clone of the repository")
    parser.add_argument("--only", nargs="*", help="names of files; all by default")
    chosen = parser.parse_args(arguments)
    path, scripts = chosen.path.resolve(), PEERS[chosen.peer]
    first = next(iter(scripts.values()))
    if not (path / first.file).is_file():
        parser.error(f"{chosen.path} is no clone of {first.repository}")
    pictures = [PICTURES] if chosen.peer == "tllib" else []
    for name in chosen.only or [*scripts, *pictures]:
        write(name, record_images(path) if name == PICTURES else record(path, scripts[name]))
        print(FOLDER / f"{name}.json")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
