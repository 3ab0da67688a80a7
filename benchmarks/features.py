"""Measure `da features` at size: on this machine, and on three Ray nodes of a core each on it.

The images are 1,000 of noise, 28 pixels a side, repeated until they are 60,000 and 600,000 in two
domains; the network is LeNet, whose weights are random. Each command is a process of its own; their
files are compared.

`python benchmarks/features.py` writes `reports/features.jsonl`, from which `make pages` makes the
table. Cost: three minutes on 2 cores, and 4 GB of disk.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from da.system.cache import file_sha256, write_whole
from da.system.environment import environment
from nodes import cluster_of_nodes

REPORT = Path(__file__).with_name("reports") / "features.jsonl"
COUNTS = 60_000, 600_000
WAYS = "local", "ray"

DATA = '''"""A thousand images of noise, repeated."""

import os

import torch

from da.data.domain import PARTS, Domain

DOMAINS = ("a", "b")
COUNT = int(os.environ["DA_REPEATED"])


class Repeated:
    """Rows of a tensor, again and again."""

    dtype, device, ndim = torch.uint8, torch.device("cpu"), 4

    def __init__(self, x):
        self.x, self.shape = x, torch.Size([COUNT, *x.shape[1:]])
        self.nbytes = COUNT * x[0].nbytes

    def __len__(self):
        return COUNT

    def is_floating_point(self):
        return False

    def index_select(self, dim, index):
        return self.x.index_select(dim, index % len(self.x))


def open_domain(name):
    g = torch.Generator().manual_seed(ord(name))
    x = torch.randint(256, (1000, 28, 28, 3), generator=g, dtype=torch.uint8)
    rows = dict(zip(PARTS, torch.arange(1000).split(250), strict=True))
    y, digest = torch.arange(COUNT) % 2, f"repeated {name} {COUNT}"
    return Domain(("0", "1"), Repeated(x), y, rows, digest)
'''

EXPERIMENT = '''"""One run on features of LeNet, which is untrained."""

from dataclasses import replace

import da

FIRST = da.Run(da.methods.SourceOnly(), "repeated:a-b", "lenet", "random", "full", side=28)


def runs():
    return [replace(FIRST, init=FIRST.id, regime="frozen")]
'''

WEIGHTS = """
from pathlib import Path
from experiment import FIRST
from da.training.setup import assemble
from da.training.train import save_run_weights
save_run_weights(FIRST, assemble(FIRST, "cpu"), Path("results"))
"""


@dataclass(frozen=True)
class Taken:
    """What a command took."""

    way: str
    images: int
    seconds: float
    """Of the whole command, with the start of Python and of actors."""
    command_mb: float
    """Peak memory of its process."""
    actor_mb: float
    """Peak memory of an actor; 0 where there is none."""
    files: tuple[str, ...]
    """SHA-256 of the files of features."""


def take(way: str, images: int, address: str, folder: Path) -> Taken:
    """Compute the features of so many images in a cache of their own."""
    with TemporaryDirectory(dir=folder) as home:
        env = {**os.environ, "DA_HOME": home, "DA_REPEATED": str(images // 2)}
        words = ["features", "experiment.py", "--device", "cpu"]
        words += ["--on", f"ray:{address}"] if way == "ray" else []
        start = time.perf_counter()
        done = subprocess.Popen([sys.executable, "-m", "da", *words], env=env, cwd=folder)
        actor = 0.0
        while (ended := os.wait4(done.pid, os.WNOHANG))[0] == 0:
            actor = max(actor, peak_of_actors())
            time.sleep(0.2)
        seconds = time.perf_counter() - start
        assert ended[1] == 0, f"{way} ended with status {ended[1]}"
        files = tuple(map(file_sha256, sorted(Path(home, "features").glob("*.npy"))))
        return Taken(way, images, seconds, ended[2].ru_maxrss / 1e3, actor, files)


def peak_of_actors() -> float:
    """Return the largest peak of memory of an actor so far, in MB."""
    peaks = [0.0]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"ray::Computer"):
                lines = (process / "status").read_text().splitlines()
                peaks += [float(line.split()[1]) / 1e3 for line in lines if "VmHWM" in line]
        except OSError:  # it has just ended
            continue
    return max(peaks)


def measure(counts: tuple[int, ...]) -> Iterator[Taken]:
    """Yield what each command took, in turns."""
    with TemporaryDirectory() as name, cluster_of_nodes() as cluster:
        folder = Path(name)
        (folder / "plugins" / "datasets").mkdir(parents=True)
        (folder / "plugins" / "datasets" / "repeated.py").write_text(DATA)
        (folder / "experiment.py").write_text(EXPERIMENT)
        os.environ["DA_PLUGINS"] = str(folder / "plugins")
        env = os.environ | {"DA_REPEATED": "1000", "DA_HOME": str(folder / "home")}
        subprocess.run([sys.executable, "-c", WEIGHTS], env=env, cwd=folder, check=True)
        for images in counts:
            for way in WAYS:
                yield take(way, images, cluster.address, folder)


def main(out: Path, counts: tuple[int, ...]) -> None:
    """Write a line for each command."""
    lines: list[dict[str, Any]] = []
    files: dict[int, set[tuple[str, ...]]] = {}
    for taken in measure(counts):
        print(taken, flush=True)
        files.setdefault(taken.images, set()).add(taken.files)
        lines.append({k: v for k, v in asdict(taken).items() if k != "files"})
    assert all(len(each) == 1 for each in files.values()), "files differ"
    about = {"load": os.getloadavg()[0], "environment": environment()}
    with write_whole(out) as file:
        file.write_text("".join(f"{json.dumps(line | about)}\n" for line in lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=REPORT, help="file to write")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="numbers of images")
    given = parser.parse_args()
    main(given.out, tuple(given.counts))
