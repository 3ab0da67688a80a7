"""What was run and what came of it: a small JSON file a run, named by its settings. No torch.

Records that are published stand together, a file an experiment: see `da.results.bundles`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from da.config.validation import shorten_names
from da.results import bundles
from da.system.cache import explain_write_errors, write_whole

CHOSEN_BY = "--results"
"""The option by which a user says where records are."""

Point = dict[str, float]
"""One look at a model: step, target accuracy, losses, a score for every selector, diagnosis."""

PUBLISHED = Path("results/published")
"""Folder of the records that come with the code, where the working folder is its."""


@dataclass(frozen=True)
class Record:
    """A finished run. Accuracies are percentages, 0 to 100."""

    id: str
    settings: dict[str, Any]
    """As `Run.settings()` gives them: method, task, seed, ..., and `hp.NAME` of the method."""
    curve: list[Point]
    """Every look, first to last: `step`, `target_accuracy`, a score a selector (that named entropy
    is minus the mean of target predictions), `loss/NAME`, `diagnosis/NAME` as
    `da.evaluation.diagnostics` gives them, and in `predicted/CLASS` how many target test images are
    taken for each class.
    """
    seconds: float
    """Wall time of the run."""
    images_per_second: float = 0.0
    """Source and target images a second of training, looks left out."""
    peak_memory: float = 0.0
    """In MB: of the process on a CPU, of the allocator on a GPU."""
    environment: dict[str, str] = field(default_factory=dict)
    """What rounds the numbers (processor and cores, its instructions in use, the library of matrix
    products, threads, device), git commit, and versions of the libraries that matter.
    """

    def point(self, chosen_by: str) -> Point:
        """The look that a selector picks: `last`, `oracle`, or a score's name; latest if equal."""
        if chosen_by == "last":
            return self.curve[-1]
        key = "target_accuracy" if chosen_by == "oracle" else chosen_by
        return max(reversed(self.curve), key=lambda point: point[key])


def record_path(folder: Path, id: str) -> Path:
    """Where the record of run `id` is, or will be."""
    return folder / f"{id}.json"


def save(record: Record, folder: Path) -> None:
    """Write atomically: a record is whole or absent."""
    with write_whole(record_path(folder, record.id), CHOSEN_BY) as part:
        part.write_text(json.dumps(asdict(record), indent=1) + "\n")


def exists(id: str, folder: Path) -> bool:
    """Whether run `id` has a record in `folder`."""
    return record_path(folder, id).is_file() or bundles.find(id, folder) is not None


def count_published(runs: Iterable[str]) -> int:
    """How many of `runs`, ids, have a record that came with the code."""
    return sum(exists(run, PUBLISHED) for run in runs)


def make_folder(folder: Path) -> None:
    """Make the folder of records; UnwritableError where none could be saved in it."""
    with explain_write_errors(folder, CHOSEN_BY):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass


def read(file: Path) -> Record:
    """The record in `file`; raises ValueError, naming the file, where it is none."""
    try:
        return _record(file.read_text(), f"{file}")
    except OSError as error:
        raise ValueError(f"{file} is no record: {error}") from error


def _record(text: str, where: str) -> Record:
    try:
        return Record(**json.loads(text))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} is no record: {error}") from error


def ids(folder: Path) -> set[str]:
    """Ids of all runs that have a record in `folder`."""
    return {file.stem for file in folder.glob("*.json")} | bundles.ids(folder)


def get(id: str, folder: Path) -> Record | None:
    """The record of run `id` in `folder`, of a file of its own before that of a bundle."""
    file = record_path(folder, id)
    if file.is_file():
        return read(file)
    if line := bundles.find(id, folder):
        return _record(line, f"run {id} in {folder}")
    return None


def load_all(folder: Path) -> Iterator[Record]:
    """All records in `folder`, in the order of their ids."""
    return filter(None, (get(id, folder) for id in sorted(ids(folder))))


def find(run: str, folder: Path) -> Record:
    """The record of run `run`, an id, or of the file of that name.

    Raises ValueError, naming some of the known ids, where there is none.
    """
    if Path(run).is_file():
        return read(Path(run))
    if found := get(run, folder):
        return found
    has = f"; --results {PUBLISHED} has it" if count_published([run]) else ""
    raise ValueError(
        f"no record of a run {run!r} in {folder}, known: {shorten_names(ids(folder))}{has}"
    )


def load(folder: Path, wanted: Mapping[str, Mapping[str, Any]]) -> list[Record]:
    """Records of those of `wanted`, settings by id, that have one.

    A setting that is younger than a record had its default then, or the id would be another.
    Raises ValueError where a record was made under other settings: a default has changed since.
    """
    found = []
    for id, settings in wanted.items():
        if record := get(id, folder):
            now = json.loads(json.dumps(settings))
            changed = {k: v for k, v in record.settings.items() if now.get(k) != v}
            if changed:
                raise ValueError(
                    f"{record_path(folder, id)} was made with {changed}; remove it and run it anew"
                )
            found.append(replace(record, settings={**now, **record.settings}))
    return found


def publish(found: Iterable[Record], name: str, folder: Path) -> Path:
    """Write records to the bundle `name` of `folder`, in place of files of their own there."""
    lines = {r.id: json.dumps(asdict(r), separators=(",", ":")) for r in found}
    file = bundles.write(lines, name, folder)
    for id in lines:
        record_path(folder, id).unlink(missing_ok=True)
    return file
