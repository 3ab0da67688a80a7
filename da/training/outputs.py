"""Keeps the outputs of a run's evaluations beside its record."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from da.evaluation import kept_outputs
from da.evaluation.collector import Keep
from da.evaluation.kept_outputs import Target
from da.results import records
from da.results.output_files import outputs_file
from da.results.records import Record
from da.runs.run import Run
from da.system.cache import UnwritableError
from da.training.setup import Parts

Outputs = Literal["auto"] | Keep
"""Evaluations whose outputs are kept; auto for all on frozen features, and else the last."""


def keep_outputs(run: Run, parts: Parts, outputs: Outputs, results: Path) -> None:
    """Let the evaluations of a run keep their outputs, if there is a place for them.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        outputs: Evaluations whose outputs are kept.
        results: Folder of the run's record.

    Raises:
        UnwritableError: There is none.
    """
    usual: Keep = "all" if run.regime == "frozen" else "last"
    parts.collector.keep = usual if outputs == "auto" else outputs
    if parts.collector.keep != "none":
        records.make_folder(outputs_file(run.id, results).parent)


def store_outputs(record: Record, parts: Parts, results: Path) -> Record:
    """Write the outputs that the evaluations of a run kept, and return the record with their hash.

    Args:
        record: Record of the run, which is not stored yet.
        parts: Data and method of the run.
        results: Folder of the run's record.

    Raises:
        UnwritableError: If they cannot be written, for example because the disk is full. The record
            is stored then.
    """
    kept, task = parts.collector.kept, parts.task
    if not kept:
        return record
    target = Target(task.target_test.y, task.classes)
    try:
        digest = kept_outputs.save(record.id, kept, task.source_test.y, target, results)
    except UnwritableError as error:
        records.save(record, results)
        path = records.record_path(results, record.id)
        raise UnwritableError(f"{error}; only the record is stored, in {path}") from error
    return replace(record, outputs=digest)
