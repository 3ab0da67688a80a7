"""Records of runs: one small JSON file per run, named by the id of its settings.

Published records are stored together, one file per experiment: see `record_bundles`. No torch here.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from da.config.validation import is_run_id, require_run_id, shorten_names
from da.results import record_bundles
from da.results.choosers import choose, list_scores
from da.results.old_records import set_aside
from da.results.record_schema import DamagedError, find_key, parse_record
from da.results.run_labels import title
from da.system.cache import explain_write_errors, write_whole

CHOSEN_BY = "--results"
"""Command-line option that sets the folder of the records."""

Point = dict[str, float]
"""One evaluation: step, target accuracy, losses, a score for every selector, diagnosis."""

PUBLISHED = Path("results/published")
"""Folder of the records that come with the code, relative to the folder of the repository."""


@dataclass(frozen=True)
class Record:
    """A finished run and what came of it; accuracies are percentages, 0 to 100."""

    id: str
    """Id of the run, a hash of its settings."""
    settings: dict[str, Any]
    """Settings as `Run.settings()` gives them: method, task, seed, ..., `hp.NAME` of the method."""
    curve: list[Point]
    """Evaluations, first to last. Each has `step`, a score for every selector, `loss/NAME`, and
    `target_accuracy` where the target has labels; `entropy` is minus the mean entropy of target
    predictions. `NAME/COLUMN` is the same of a further label column, `NAME/mean` the mean over all.
    `diagnosis/NAME` is as `da.evaluation.diagnostics` gives it, `predicted/CLASS` a
    number of target test images, `frequency/CLASS` a percentage of the target, by `label_shift`.
    """
    seconds: float
    """Wall time of the run, in seconds."""
    images_per_second: float = 0.0
    """Source and target images per second of training, without evaluations."""
    peak_memory: float = 0.0
    """Peak memory in MB, measured for the process on a CPU and in the allocator on a GPU."""
    environment: dict[str, str] = field(default_factory=dict)
    """Machine and software of the run.

    It holds what affects rounding: processor, cores, instructions in use, the library of matrix
    products, threads, device; also the git commit, and versions of the libraries that matter.
    """
    made_from: dict[str, Any] = field(default_factory=dict)
    """Digests of the code and data of the run; empty for a record of an earlier version."""
    weights: str = ""
    """SHA-256 of the final weights and what they need, such as names of classes.

    Stored weights belong to the record if they have it. Empty for a record of an earlier version.
    """
    outputs: str = ""
    """SHA-256 of the file with the outputs of the run's evaluations; empty where none were kept."""

    def __repr__(self) -> str:
        return f"<record {self.id}: {title(self.settings)}>"

    def point(self, chosen_by: str) -> Point:
        """Return the evaluation that a selector chooses; of equal ones, the latest.

        Args:
            chosen_by: `last`, `oracle`, or scores, as `da.results.choosers` reads them.
        """
        if chosen_by == "last":
            return self.curve[-1]
        for score in list_scores(chosen_by):
            if (key := find_key(score, self.curve[-1])) not in self.curve[-1]:
                raise ValueError(f"record {self.id} has no {key}, known: last, a selector's score")
        return self.curve[choose(self.curve, chosen_by)]


def record_path(folder: Path, id: str) -> Path:
    """Return the path where the record of a run is, or will be.

    Raises:
        ValueError: The id is none, so that it could lead out of the folder.
    """
    return folder / f"{require_run_id(id)}.json"


def stored_fields(record: Record) -> dict[str, Any]:
    """Return what is written of a record: all fields but those of later versions if empty."""
    later = "made_from", "weights", "outputs"
    return {k: v for k, v in asdict(record).items() if v or k not in later}


def save(record: Record, folder: Path) -> None:
    """Write a record to a file of its own, atomically: it is whole or absent.

    A file that is there already is kept in `old/`, unless it is a record made from the same.
    """
    file, text = record_path(folder, record.id), json.dumps(stored_fields(record), indent=1) + "\n"
    with write_whole(file, CHOSEN_BY) as part:
        part.write_text(text)
        if os.path.lexists(file) and not _is_like(file, record):
            set_aside(file)


def _is_like(file: Path, record: Record) -> bool:
    try:
        old = read(file)
        return (old.made_from, old.settings) == (record.made_from, record.settings)
    except DamagedError:
        return False


def exists(id: str, folder: Path) -> bool:
    """Return whether a run has a record in a folder, in a file of its own or in a bundle.

    The record may be damaged: `get` reads it.
    """
    return is_run_id(id) and (
        record_path(folder, id).is_file() or record_bundles.find(id, folder) is not None
    )


def count_published(runs: Iterable[str]) -> int:
    """Count the runs, given by their ids, that have a record that came with the code."""
    return sum(exists(run, PUBLISHED) for run in runs)


def make_folder(folder: Path) -> None:
    """Make the folder of records, and check that records can be saved in it.

    Raises:
        UnwritableError: No record can be saved in the folder.
    """
    with explain_write_errors(folder, CHOSEN_BY):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass


def read(file: Path) -> Record:
    """Read the record in a file, `ID.json`, or `ID.N.json` for an old one.

    Raises:
        DamagedError: The file, which the error names, is no record.
    """
    try:
        return _record(
            file.read_bytes(), file.name.partition(".")[0], f"{file}", "remove it and run it again"
        )
    except OSError as error:
        raise DamagedError(f"{file} is no record: {error}; remove it") from error


def _record(content: bytes | str, id: str, where: str, remedy: str) -> Record:
    try:
        return Record(**parse_record(content, id))
    except ValueError as error:
        raise DamagedError(f"{where} is no record: {error}; {remedy}") from error


def ids(folder: Path) -> set[str]:
    """Return the ids of all runs that have a record in a folder."""
    named = {file.stem for file in folder.glob("*.json") if is_run_id(file.stem)}
    return named | record_bundles.ids(folder)


def get(id: str, folder: Path) -> Record | None:
    """Return the record of a run in a folder, or None if it has none.

    A file of its own comes before a bundle.

    Raises:
        DamagedError: What is stored of the run is no record.
    """
    if not is_run_id(id):
        return None
    file = record_path(folder, id)
    if os.path.lexists(file):
        return read(file)
    if line := record_bundles.find(id, folder):
        return _record(line, id, f"run {id} in a bundle of {folder}", "run it again")
    return None


def load_all(folder: Path) -> Iterator[Record]:
    """Yield all records in a folder, in the order of their ids.

    Raises:
        DamagedError: A file is no record, or has no id as its name.
    """
    for name in sorted({file.stem for file in folder.glob("*.json")} | record_bundles.ids(folder)):
        yield get(name, folder) or read(folder / f"{name}.json")


def find(run: str, folder: Path) -> Record:
    """Find the record of a run.

    Args:
        run: Id of the run, or path of the file of its record.
        folder: Folder of the records.

    Raises:
        ValueError: There is no such record; the error names some of the known ids.
    """
    if Path(run).is_file():
        return read(Path(run))
    if found := get(run, folder):
        return found
    has = f"; --results {PUBLISHED} has it" if count_published([run]) else ""
    raise ValueError(
        f"no record of a run {run!r} in {folder}, known: {shorten_names(ids(folder))}{has}"
    )


def folder_of(run: str, folder: Path) -> Path:
    """Return the folder of the record that `find` finds, which also holds its weights."""
    return Path(run).parent if Path(run).is_file() else folder


def load(
    folder: Path, wanted: Mapping[str, Mapping[str, Any]], *, details: bool = True
) -> list[Record]:
    """Load the records of the wanted runs, leaving out runs that have none.

    A record may lack settings that were added later. They had their defaults then, since the id
    would be another otherwise.

    Args:
        folder: Folder of the records.
        wanted: Settings of the runs, by id.
        details: Whether evaluations keep losses, diagnoses and counts of predictions, which tables
            do not show and which are most of a record.

    Raises:
        ValueError: A record is damaged, or was made with other settings, since a default has
            changed.
    """
    found, damaged = load_sound(folder, wanted, details=details)
    for error in damaged.values():
        raise error
    return found


def load_sound(
    folder: Path, wanted: Mapping[str, Mapping[str, Any]] | None, *, details: bool = True
) -> tuple[list[Record], dict[str, DamagedError]]:
    """Load records like `load`, or all; return the sound ones, and the errors of others by id."""
    found: list[Record] = []
    damaged: dict[str, DamagedError] = {}
    for id in sorted(ids(folder)) if wanted is None else wanted:
        try:
            if record := get(id, folder):
                record = _complete(record, wanted[id], folder) if wanted else record
                found.append(record if details else _without_details(record))
        except DamagedError as error:
            damaged[id] = error
    return found, damaged


def _without_details(record: Record) -> Record:
    """Return a record whose evaluations have only their step, accuracies, metrics and scores."""
    known = [{*point, "metric"} for point in record.curve]
    each = zip(record.curve, known, strict=True)
    curve = [{k: v for k, v in p.items() if k.partition("/")[0] in own} for p, own in each]
    return replace(record, curve=curve)


def _complete(record: Record, settings: Mapping[str, Any], folder: Path) -> Record:
    if record.settings == settings and [*record.settings] == [*settings]:
        return record
    now = json.loads(json.dumps(settings))
    changed = {k: v for k, v in record.settings.items() if now.get(k) != v}
    if changed:
        raise DamagedError(
            f"{record_path(folder, record.id)} was made with {changed}; remove it and run it again"
        )
    return replace(record, settings={**now, **record.settings})
