"""Record what the authors' code computes, from a user's clone of it.

    git clone https://github.com/thuml/Transfer-Learning-Library PATH
    python -m tests.fidelity.record --peer tllib PATH

writes `tests/fidelity/trajectories/tllib_NAME.json`: numbers alone, by which the tests compare our
methods without that code.
"""

import argparse
import json
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.fidelity import cases_tllib, inputs, peer_tllib

FOLDER = Path(__file__).parent / "trajectories"
SAMPLES = {torch.float64: 200, torch.float32: 50}
"""Most entries of a parameter that are recorded."""
PICTURES = "pictures"
"""Name of the file about images."""
FORMATS = {"float64": torch.float64, "float32": torch.float32}


def record(path: Path, name: str) -> dict[str, Any]:
    """Run a script in both formats and return what it computed.

    Args:
        path: Clone of the library.
        name: Name of the case.
    """
    case, found = cases_tllib.CASES[name], {}
    for kind, dtype in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder, default_dtype(dtype):
            spy, settings = peer_tllib.run_script(path, case, Path(folder))
            found[kind] = {
                "losses": {
                    name: [_plain(x, dtype) for x in spy.losses[name]] for name in spy.losses
                },
                "parts": {role: summarize(spy.parts[role]) for role in spy.parts},
            }
            if dtype == torch.float64:
                initial = spy.initial
    return {
        "peer": source(path, f"{peer_tllib.SCRIPTS}/{case.script}.py"),
        "changes": ["dropout drops nothing", f"discriminators are {inputs.HIDDEN} wide"],
        "arguments": list(case.arguments),
        "settings": {key: value for key, value in settings.items() if key not in HIDDEN_SETTINGS},
        "optimizers": spy.optimizers,
        "rates": spy.rates,
        "batches": digest_batches(case.target_images),
        "initial": initial,
        **found,
    }


HIDDEN_SETTINGS = {"root", "log", "pretrain", "workers", "print_freq", "class_names"}
"""Settings of a script that are paths or of no effect on a number."""


def record_images(path: Path) -> dict[str, Any]:
    """Return what the library makes of one picture, by given crops."""
    from tests.fidelity.pictures_tllib import record_pictures

    return {"peer": source(path, f"{peer_tllib.SCRIPTS}/utils.py"), **record_pictures(path)}


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Let new tensors have a format within the context."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    yield
    torch.set_default_dtype(before)


def source(path: Path, file: str) -> dict[str, str]:
    """Return where a script is published, and what ran it."""
    commit = subprocess.run(
        ["git", "-C", str(path), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return {
        "repository": peer_tllib.REPOSITORY,
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


def summarize(parameters: list[Tensor]) -> list[dict[str, Any]]:
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
    (FOLDER / f"tllib_{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main(arguments: list[str] | None = None) -> None:
    """Record all cases of a library, or those that are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", required=True, choices=["tllib"], help="library to record")
    parser.add_argument("path", type=Path, help="clone of the library's repository")
    parser.add_argument("--only", nargs="*", help="names of cases; all by default")
    chosen = parser.parse_args(arguments)
    if not (chosen.path / peer_tllib.SCRIPTS).is_dir():
        parser.error(f"{chosen.path} is no clone of {peer_tllib.REPOSITORY}")
    path = chosen.path.resolve()
    for name in chosen.only or [*cases_tllib.CASES, PICTURES]:
        write(name, record_images(path) if name == PICTURES else record(path, name))
        print(FOLDER / f"tllib_{name}.json")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
