"""What the page of an experiment shows of kept outputs: feature maps, and images that changed."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.config.validation import shorten_names
from da.report.outputs import NEEDED, Outputs
from da.report.run_data import Rows, list_runs
from da.results.negative_transfer import BASELINE
from da.results.output_files import find_outputs

if TYPE_CHECKING:
    from da.results.records import Record


def describe_outputs(rows: Rows, tasks: Sequence[str], results: Path) -> dict[str, Any]:
    """Return the sections of the page that need outputs, or lines on what they need.

    Args:
        rows: Records of the rows of a table.
        tasks: Columns of the table.
        results: Folder of the records.
    """
    if not (results / "outputs").is_dir():
        return {"features": NEEDED, "images": NEEDED}
    from da.report.feature_data import MOST_MAPS, describe_maps
    from da.report.image_data import describe_changes

    listed = _list_kept(rows, tasks, results)
    starts = [i for i, line in enumerate(rows) if line.label.startswith(BASELINE)]
    baseline = starts[0] if starts else -1
    started = (task for task, row, *_ in listed if row == baseline)
    shown = next((t for t in started if _take_images(tasks[t], [0]) is not None), None)
    wanted = [*listed[:MOST_MAPS], *(each for each in listed if each[0] == shown)]
    runs, damaged = _load_outputs(wanted, results)

    def take(task: int, places: Sequence[int]) -> Any:
        return _take_images(tasks[task], places) if task == shown else None

    maps, changes = describe_maps(runs, len(listed)), describe_changes(runs, baseline, take)
    found = {"features": maps, "images": changes}
    return _tell_damage(found, damaged) if damaged else found


Kept = tuple[int, int, Any, "Record"]
"""Task, row, seed and record of a run."""


def _tell_damage(found: dict[str, Any], damaged: dict[str, str]) -> dict[str, Any]:
    """Say on stderr and in each section which runs are left out, since outputs are damaged.

    Args:
        found: Sections of the page.
        damaged: What is wrong with the outputs of each run, by its id.
    """
    first, *others = damaged.values()
    more = f", and {len(others)} more files" if others else ""
    print(f"da: left out of maps and images: {first}{more}", file=sys.stderr)
    said = f"Left out, as their outputs are damaged: {shorten_names(damaged)}."
    return {
        name: f"{section} {said}"
        if isinstance(section, str)
        else section | {"said": f"{section['said']} {said}"}
        for name, section in found.items()
    }


def _list_kept(rows: Rows, tasks: Sequence[str], results: Path) -> list[Kept]:
    """List the first seed of each row and task whose outputs are kept, task by task.

    A run that is in several columns is in the first alone.
    """
    every = reversed(list_runs(rows))
    first = {(tasks.index(task), row): (seed, record) for row, task, seed, record in every}
    known = find_outputs((record for _, record in first.values()), results)
    found = []
    for place, (seed, record) in sorted(first.items(), key=lambda pair: pair[0]):
        if record.id in known:
            found.append((*place, seed, record))
        known.discard(record.id)
    return found


def _load_outputs(wanted: Sequence[Kept], results: Path) -> tuple[list[Outputs], dict[str, str]]:
    """Load the last outputs of runs, and return what is wrong with those that cannot be read."""
    from da.evaluation.kept_outputs import OutputsError

    found: list[Outputs] = []
    damaged: dict[str, str] = {}
    for task, row, seed, record in {each[3].id: each for each in wanted}.values():
        try:
            found.append(_load(record, results, row, task, seed))
        except OutputsError as error:
            damaged[record.id] = str(error)
    return found, damaged


def _load(record: "Record", results: Path, row: int, task: int, seed: Any) -> Outputs:
    """Load the last outputs of a run."""
    from da.evaluation import kept_outputs

    every = kept_outputs.load(record, results)
    seen, target = every[max(every)], kept_outputs.load_target(record, results)
    return Outputs(
        row=row,
        task=task,
        seed=seed,
        predicted=seen.target_logits.argmax(1).numpy(),
        target_y=target.y.numpy(),
        source_y=seen.source_y.numpy(),
        classes=target.classes,
        source=None if seen.source_features is None else seen.source_features.numpy(),
        target=None if seen.target_features is None else seen.target_features.numpy(),
    )


def _take_images(task: str, places: Sequence[int]) -> Any:
    """Return target test images of a task as bytes, or None where they are not here."""
    import torch

    from da.data.tasks import load_task
    from da.system.cache import NotMadeError, without_making

    try:
        with without_making():
            images = load_task(task).target_test.take(torch.tensor(places))
    except (NotMadeError, ValueError, OSError):
        return None
    is_picture = images.dtype == torch.uint8 and images.ndim == 4 and images.shape[3] in (1, 3)
    return images.numpy() if is_picture else None
