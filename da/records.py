"""What was run and what came of it: a small JSON file a run, named by its settings. No torch."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from da.home import whole, writing
from da.known import some

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
    is minus the mean of target predictions), `loss/NAME`, `diagnosis/NAME` as `da.diagnosis` gives
    them, and in `predicted/CLASS` how many target test images are taken for each class.
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


def path(folder: Path, id: str) -> Path:
    """Where the record of run `id` is, or will be."""
    return folder / f"{id}.json"


def save(record: Record, folder: Path) -> None:
    """Write atomically: a record is whole or absent."""
    with whole(path(folder, record.id), CHOSEN_BY) as part:
        part.write_text(json.dumps(asdict(record), indent=1) + "\n")


def published(runs: Iterable[str]) -> int:
    """How many of `runs`, ids, have a record that came with the code."""
    return sum(path(PUBLISHED, run).is_file() for run in runs)


def make(folder: Path) -> None:
    """Make the folder of records; UnwritableError where none could be saved in it."""
    with writing(folder, CHOSEN_BY):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass


def read(file: Path) -> Record:
    """The record in `file`; raises ValueError, naming the file, where it is none."""
    try:
        return Record(**json.loads(file.read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise ValueError(f"{file} is no record: {error}") from error


def find(run: str, folder: Path) -> Record:
    """The record of run `run`, an id, or of the file of that name.

    Raises ValueError, naming some of the known ids, where there is none.
    """
    file = Path(run) if Path(run).is_file() else path(folder, run)
    if not file.is_file():
        known = some(file.stem for file in folder.glob("*.json"))
        has = f"; --results {PUBLISHED} has it" if published([run]) else ""
        raise ValueError(f"no record of a run {run!r} in {folder}, known: {known}{has}")
    return read(file)


def load(folder: Path, wanted: Mapping[str, Mapping[str, Any]]) -> list[Record]:
    """Records of those of `wanted`, settings by id, that have one.

    A setting that is younger than a record had its default then, or the id would be another.
    Raises ValueError where a record was made under other settings: a default has changed since.
    """
    found = []
    for id, settings in wanted.items():
        if (file := path(folder, id)).exists():
            record = read(file)
            now = json.loads(json.dumps(settings))
            changed = {k: v for k, v in record.settings.items() if now.get(k) != v}
            if changed:
                raise ValueError(f"{file} was made with {changed}; remove it and run it anew")
            found.append(replace(record, settings={**now, **record.settings}))
    return found
