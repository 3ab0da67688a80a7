"""What a machine without our disk needs to train runs, and what it sends back."""

import hashlib
import os
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from socket import gethostname

from da.config.registry import FOLDERS, METHODS, REGISTRIES, ROOT
from da.config.validation import is_run_id
from da.methods import base
from da.models.saved_weights import weights_file
from da.results import records
from da.results.output_files import outputs_file
from da.results.records import Record
from da.system.cache import (
    UnwritableError,
    cache_home,
    explain_write_errors,
    make_once,
    write_whole,
)
from da.system.content_files import is_file_name, last_path, name_file
from da.system.temporary import part_path, remove, remove_abandoned
from da.training.attempts import Group, attempt_in_process, describe_error
from da.training.executors.needs import Peak
from da.training.jobs import Job, Outcome

Files = Mapping[str, bytes]
"""Contents of files, by their paths in a folder."""

PLUG_INS = FOLDERS, METHODS.variable
"""Environment variables that name folders of plug-ins."""

OWN = "DA_", "WANDB_PROJECT", "WANDB_RUN_GROUP", "WANDB_MODE"
"""Beginnings of the environment variables that are sent; none of them is a secret."""


@dataclass(frozen=True)
class Surroundings:
    """What all runs of a sweep need on another machine."""

    code: str
    """Digest of this package, which is installed there."""
    folder: str
    """Working folder, in which the machine looks for data too if it has such a folder."""
    variables: Mapping[str, str]
    """Environment variables."""
    plug_ins: Mapping[str, Sequence[Files]]
    """Folders of plug-ins, by the environment variable that names them."""

    @classmethod
    def here(cls) -> "Surroundings":
        """Return the surroundings of this process."""
        sent = {name: x for name, x in os.environ.items() if name.startswith(OWN)}
        if "DA_HOME" in sent:
            sent["DA_HOME"] = str(cache_home())
        named = {variable: filter(None, sent.pop(variable, "").split(":")) for variable in PLUG_INS}
        plug_ins = {variable: [*map(_read_folder, each)] for variable, each in named.items()}
        return cls(package_digest(), os.getcwd(), sent, plug_ins)

    def set_up(self) -> None:
        """Let this process find what the process of the sweep finds.

        Raises:
            ValueError: This machine has another version of the package.
        """
        if self.code != package_digest():
            raise ValueError(f"{gethostname()} has another da-lab than this machine: install it")
        os.environ.update(self.variables)
        for variable, folders in self.plug_ins.items():
            stored = [*map(_store_folder, folders)]
            os.environ[variable] = os.pathsep.join(stored)
            # Nothing of them is loaded yet, though this process may be older than their files.
            base.LOADED = max([base.LOADED, *map(_newest, stored)])
        if os.path.isdir(self.folder):
            os.chdir(self.folder)
        METHODS.extend_package(import_module(METHODS.package).__path__)


@lru_cache
def package_digest() -> str:
    """Return a digest of the source of this package."""
    files = sorted(ROOT.rglob("*.py"))
    every = b"\0".join(
        file.relative_to(ROOT).as_posix().encode() + file.read_bytes() for file in files
    )
    return hashlib.sha256(every).hexdigest()


def _read_folder(folder: str) -> Files:
    """Read a folder of plug-ins: Python files, and all others in its folders of a kind."""
    top = Path(folder).expanduser()
    kinds = [top / registry.kind for registry in REGISTRIES]
    found = {*top.glob("*.py"), *(file for kind in kinds for file in kind.rglob("*"))}
    kept = sorted(file for file in found if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(top).as_posix(): file.read_bytes() for file in kept}


def _store_folder(files: Files) -> str:
    """Store a folder in the cache, and return its path."""

    def make(folder: Path) -> None:
        folder.mkdir()
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)

    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:24]
    return str(make_once(cache_home() / "sent_plugins" / digest, make))


def _newest(folder: str) -> float:
    return max((file.stat().st_ctime for file in Path(folder).rglob("*")), default=0.0)


@dataclass(frozen=True)
class Beginning:
    """First weights of runs: those of a finished run, or a file that `init` names."""

    name: str
    """Id of the run, or name of the file by its content."""
    suffix: str
    weights: bytes
    record: Record | None = None

    def store(self, results: Path) -> None:
        """Store weights and record where a run finds them that begins with them."""
        if is_run_id(self.name):
            file = weights_file(self.name, results)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.weights)
        else:
            file = cache_home() / "sent_weights" / f"{self.name.rpartition(':')[2]}{self.suffix}"
            make_once(file, self._write)
            name_file(file)
        if self.record:
            records.save(self.record, results)

    def _write(self, file: Path) -> None:
        file.write_bytes(self.weights)


def find_beginnings(group: Group) -> dict[str, Path]:
    """Return the names and files of all weights that runs begin with, or learn from."""
    found: dict[str, Path] = {}
    for job in group:
        found |= find_weights((job.run.init, job.run.teacher), job.folder)
    return found


def find_weights(names: Iterable[str], folder: Path) -> dict[str, Path]:
    """Return the files of weights by their names, where these are runs or files.

    A run that began with another one's backbone may store none of its own: then both are needed.

    Args:
        names: Ids of runs, names of files, or other origins.
        folder: Folder of the records.
    """
    found: dict[str, Path] = {}
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        file = _weights_of(name, folder)
        if file and name not in found:
            found[name] = file
            record = records.get(name, folder) if is_run_id(name) else None
            waiting += [record.settings.get("init", "")] if record else []
    return found


def _weights_of(name: str, folder: Path) -> Path | None:
    file = last_path(name) if is_file_name(name) else Path()
    file = weights_file(name, folder) if is_run_id(name) else file
    return file if file.is_file() else None


def read_beginning(name: str, file: Path, folder: Path) -> Beginning:
    """Read the weights of a name, and the record of their run."""
    record = records.get(name, folder) if is_run_id(name) else None
    return Beginning(name, file.suffix, file.read_bytes(), record)


@dataclass(frozen=True)
class Answer:
    """What became of a run on another machine."""

    id: str
    record: Record | None
    error: str
    weights: bytes | None = None
    outputs: bytes | None = None
    peak: Peak | None = None
    """The most memory that the process held up to here."""

    @classmethod
    def read(cls, job: Job, outcome: Outcome) -> "Answer":
        """Read the files that a job has made."""
        id = job.run.id
        files = weights_file(id, job.folder), outputs_file(id, job.folder)
        weights, kept = (file.read_bytes() if file.is_file() else None for file in files)
        return cls(id, outcome.record, outcome.error, weights, kept, Peak.here())

    def save(self, job: Job) -> Outcome:
        """Store all files of a job in its folder, the record last."""
        if self.error or not self.record:
            return Outcome(job.run, error=self.error or "no record came back")
        try:
            for file, content in (
                (weights_file(self.id, job.folder), self.weights),
                (outputs_file(self.id, job.folder), self.outputs),
            ):
                if content is not None:
                    with write_whole(file, records.CHOSEN_BY) as part:
                        part.write_bytes(content)
            records.save(self.record, job.folder)
        except OSError as error:
            return Outcome(job.run, error=describe_error(error))
        return Outcome(job.run, self.record)


def pack_group(group: Group) -> bytes:
    """Pack jobs, which can be read only where their plug-ins are; none writes checkpoints there."""
    return pickle.dumps([replace(job, again=False, checkpoint_minutes=0) for job in group])


def carry_out(
    packed: bytes, threads: int, around: Surroundings, beginnings: Iterable[Beginning]
) -> list[Answer]:
    """Train runs on this machine, in a folder of their own that is removed at the end.

    Args:
        packed: Jobs, from `pack_group`.
        threads: Number of threads.
        around: What the runs need, other than first weights.
        beginnings: First weights.

    Raises:
        UnwritableError: This machine has no room, where another may have some.
        ValueError: This machine has another version of the package.
    """
    Peak.forget()
    around.set_up()
    jobs: Group = pickle.loads(packed)
    with stored(jobs[0].run.id, beginnings) as folder:
        return [*_answers([replace(job, folder=folder) for job in jobs], threads)]


@contextmanager
def stored(name: str, beginnings: Iterable[Beginning]) -> Iterator[Path]:
    """Give a folder with first weights, which is removed at the end of the `with` block.

    Args:
        name: What they are for.
        beginnings: First weights.

    Raises:
        UnwritableError: This machine has no room for them.
    """
    folder = part_path(cache_home() / "sent_runs" / name)
    remove_abandoned(folder.parent)
    try:
        with explain_write_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for beginning in beginnings:
                beginning.store(folder)
        yield folder
    finally:
        remove(folder)


def _answers(jobs: Group, threads: int) -> Iterator[Answer]:
    for job, outcome in attempt_in_process(jobs, False, threads):
        kind, _, said = outcome.error.partition(": ")
        if kind == UnwritableError.__name__:
            raise UnwritableError(said)
        yield Answer.read(job, outcome)
