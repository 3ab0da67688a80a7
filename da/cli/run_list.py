"""The list of records that `da runs` prints."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from da.results import records
from da.results.old_records import list_old
from da.results.records import Record
from da.results.text_columns import align
from da.runs.provenance import find_states

HEAD = "id", "run", "target %", "date", "weights", "state"


def list_runs(found: Iterable[Record], damaged: Iterable[str], folder: Path) -> list[str]:
    """Return a line for each record of a folder, and for each old one beneath the newer.

    Args:
        found: Records that can be read.
        damaged: Ids of runs whose record cannot be read.
        folder: Folder of the records.
    """
    found = sorted(found, key=lambda record: (_title(record), record.id))
    states = find_states(found, folder)
    weights = {file.stem for file in (folder / "weights").glob("*.pt")}
    old = list_old(folder)
    rows = [HEAD]
    for id, record in [*((r.id, r) for r in found), *((id, None) for id in sorted(damaged))]:
        file = records.record_path(folder, id)
        kept = "stored" if id in weights else ""
        rows.append((id, *_about(record, file), kept, states.get(id, "damaged")))
        for file in old.get(id, []):
            rows.append((file.stem, *_about(_read(file), file), "", "old"))
    return align(rows, left=2)


def _read(file: Path) -> Record | None:
    try:
        return records.read(file)
    except ValueError:
        return None


def _title(record: Record) -> str:
    return "{method} {task} seed {seed}".format_map({"seed": 0, **record.settings})


def _about(record: Record | None, file: Path) -> tuple[str, str, str]:
    """Return title, accuracy and date of a record, each empty where it is not known."""
    date = f"{datetime.fromtimestamp(file.lstat().st_mtime):%Y-%m-%d}" if file.is_file() else ""
    if not record:
        return "", "", date
    return _title(record), f"{record.curve[-1]['target_accuracy']:.1f}", date
