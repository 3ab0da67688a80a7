"""The list of records that `da runs` prints."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from da.config.validation import shorten_names, shorten_text
from da.results import records
from da.results.aggregate import has_accuracy, list_scores
from da.results.label_columns import ACCURACY
from da.results.old_records import list_old
from da.results.output_files import list_files
from da.results.records import Record
from da.results.run_labels import first_weights, list_differences, title
from da.results.shown_metric import PREFIX, key_of, usual_metric
from da.results.source_images import describe_source
from da.results.text_columns import align
from da.results.usual_scores import keep_usual
from da.runs.provenance import CURRENT, describe_old, find_states

TEXTS = "id", "method task seed", "settings", "first weights"
"""Heads of the columns that are flush left."""

WIDTH = 60
"""Largest number of characters of the settings of a run."""

PERCENT = {ACCURACY: "target %", "source_accuracy": "source %"}
"""Heads of the columns of percentages."""


def list_runs(found: Iterable[Record], damaged: Iterable[str], folder: Path) -> list[str]:
    """Return a line for each record of a folder, for each old one beneath the newer, and a sum.

    A column without any entry is left out.

    Args:
        found: Records that can be read.
        damaged: Ids of runs whose record cannot be read.
        folder: Folder of the records.
    """
    by_id, damaged = {record.id: record for record in found}, [*damaged]
    settings = list_differences({id: record.settings for id, record in by_id.items()})
    order = sorted(by_id.values(), key=lambda r: (title(r.settings), settings[r.id], r.id))
    by_id = {record.id: record for record in order}
    states = find_states(order, folder)
    usual = dict.fromkeys(key_of(usual_metric([record])) for record in order)
    own = keep_usual(list_scores(record.curve[-1] for record in order), order)
    scores = [*{ACCURACY: None} | usual, *own]
    weights = {file.stem for file in (folder / "weights").glob("*.pt")}
    outputs = {id: file.stat().st_size for id, file in list_files(folder).items()}
    old = list_old(folder)
    rows = [[*TEXTS, *map(_head, scores), "date", "weights", "outputs", "state"]]
    for id in [*by_id, *sorted(damaged)]:
        file = records.record_path(folder, id)
        state, kept = states.get(id, "damaged"), "stored" * (id in weights)
        about = *_describe(by_id.get(id), settings.get(id, ""), scores), _date(file)
        size = f"{outputs[id] / 1e6:.1f} MB" if id in outputs else ""
        rows.append([id, *about, kept, size, "" if state == CURRENT else state])
        for file in old.get(id, []):
            about = *_describe(_read(file), settings.get(id, ""), scores), _date(file)
            rows.append([file.stem, *about, "", "", "old"])
    untested = [record for record in order if not has_accuracy(record)]
    end = describe_old(states, order) or _count(len(by_id), len(damaged))
    return [*_align(rows), *_explain(untested), *describe_source(order, scores), end]


def _explain(untested: Sequence[Record]) -> list[str]:
    """Say which records have no accuracy, in a line if there are some."""
    tasks = shorten_names(dict.fromkeys(record.settings["task"] for record in untested))
    why = f"{len(untested)} without target %, as the target of {tasks} has no labels"
    return [why] if untested else []


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line for each row, the first being heads, without columns that have no entry."""
    full = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    left = sum(i < len(TEXTS) for i in full)
    return align([[row[i] for i in full] for row in rows], left=left)


def _count(sound: int, damaged: int) -> str:
    total = sound + damaged
    broken = f"{damaged} damaged, " if damaged else ""
    return f"{total} record{'s' * (total != 1)}, {broken}none known to be of other code or data"


def _read(file: Path) -> Record | None:
    try:
        return records.read(file)
    except ValueError:
        return None


def _describe(record: Record | None, settings: str, scores: Sequence[str]) -> list[str]:
    """Return the texts and scores of a record, all empty where it cannot be read."""
    if not record:
        return [""] * (len(TEXTS) - 1 + len(scores))
    # Titles of tables and lines have the word `seed`, which the head of this column has.
    name = title(record.settings).replace(" seed ", " ")
    last = record.curve[-1]
    each = [_short(score, last[score]) if score in last else "" for score in scores]
    return [name, shorten_text(settings, WIDTH), first_weights(record), *each]


def _head(score: str) -> str:
    name = score.removeprefix(PREFIX)
    return PERCENT.get(score, name if name == score else f"{name} %")


def _short(name: str, score: float) -> str:
    return f"{score:.1f}" if _head(name).endswith("%") else f"{round(score, 3) + 0.0:.3g}"


def _date(file: Path) -> str:
    """Return the day of a file without its year, or the year's month before this year."""
    if not file.is_file():
        return ""
    day = datetime.fromtimestamp(file.lstat().st_mtime)
    return f"{day:%b %d}" if day.year == datetime.now().year else f"{day:%b %Y}"
