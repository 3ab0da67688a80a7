"""Options that several commands share, and the lines that they print about runs."""

import math
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg
from tyro.constructors import PrimitiveConstructorSpec
from tyro.extras import subcommand_type_from_defaults

from da.results.label_columns import describe_columns
from da.results.table_render import significant_digits
from da.results.tracking import Mode

if TYPE_CHECKING:
    from da.results.records import Record
    from da.runs.run import Run
    from da.training.sweep import Outcome


def _parse_folder(words: list[str]) -> Path:
    folder = Path(words[0])
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"--results {folder} is a file, and no folder of records")
    return folder


_FOLDER = PrimitiveConstructorSpec[Path](
    nargs=1,
    metavar="PATH",
    instance_from_str=_parse_folder,
    is_instance=lambda value: isinstance(value, Path),
    str_from_instance=lambda folder: [str(folder)],
)
Results = Annotated[Path, _FOLDER, arg(help="Folder of the records.")]
Experiment = Annotated[Positional[Path], arg(help="Python file with `runs() -> list[Run]`.")]
Recorded = Annotated[
    Positional[str], arg(metavar="RUN", help="Id of a run, or the file of its record.")
]
Only = Annotated[
    tuple[str, ...],
    arg(
        help="Only runs with all of these settings, for example seed=0 method=dann; values of one "
        "setting are alternatives: method=dann,mcc or method=dann method=mcc."
    ),
]
Device = Annotated[
    str, arg(help="Device to train on: cpu, cuda or the like; auto for a GPU if there is one.")
]
Workers = Literal["auto"] | int
Wandb = Annotated[
    Mode,
    arg(
        name="wandb",
        help="Mirror runs to Weights & Biases; auto follows WANDB_MODE, or is online if "
        "credentials exist.",
    ),
]
ChosenBy = Annotated[
    str,
    arg(
        help="What chooses the evaluation of each run, several with commas between; see "
        "`da list selectors`."
    ),
]
SaveWeights = Annotated[
    bool, arg(help="Store weights, so that a run can be pruned, exported or used for prediction.")
]
KeepOutputs = Annotated[
    Literal["auto", "all", "last", "none"],
    arg(
        name="outputs",
        help="Evaluations whose logits and features are stored, so that a selector written later "
        "can score them; auto is all on frozen features, and else the last. Of several label "
        "columns, only the first column's are.",
    ),
]


CheckpointMinutes = Annotated[
    float,
    arg(
        help="Minutes between checkpoints, from which the same command goes on if it is stopped; "
        "0 for none. SIGTERM and SIGUSR1 make one more and end the process."
    ),
]


def run_with_methods(named: Collection[str] = ()) -> "type[Run]":
    """Return `Run` as the command line shows it, with each method as a command of its own.

    Args:
        named: Words of the command line. Methods of the user's that fail are left out unless named.
    """
    from da.methods import METHODS
    from da.runs.run import Run

    methods = METHODS.load(named)
    hparams = subcommand_type_from_defaults(
        {name: kind.Hparams() for name, kind in methods.items()},
        {name: f"{_first_line(kind)} ({kind.paper})" for name, kind in methods.items()},
        prefix_names=False,
    )
    members = {
        "__annotations__": {"method": hparams, "backbone": str},
        "backbone": Run.backbone,
        "__doc__": _first_line(Run),
        "__module__": Run.__module__,
    }
    return dataclass(frozen=True)(type("Run", (Run,), members))


def _first_line(kind: type) -> str:
    return str(kind.__doc__).partition("\n")[0]


def check_workers(workers: "Workers") -> None:
    """Refuse a number of processes below 1.

    Raises:
        ValueError: It is.
    """
    if workers != "auto" and workers < 1:
        raise ValueError(f"unknown number of workers {workers}, known: auto, 1 and more")


def check_outputs(results: Path, device: str) -> None:
    """Check the device and the folder of the records before any training.

    Raises:
        ValueError: There is no such device.
        UnwritableError: Records cannot be saved in the folder.
    """
    from da.results import records
    from da.system.cache import check_writable
    from da.training.device import find_device

    find_device(device)
    check_writable(results, records.CHOSEN_BY)


def check_minutes(checkpoint_minutes: float) -> None:
    """Check the minutes between checkpoints.

    Raises:
        ValueError: They are below 0, or no finite number.
    """
    if not 0 <= checkpoint_minutes < math.inf:
        raise ValueError(
            f"unknown checkpoint_minutes {checkpoint_minutes:g}, known: 0 for none, and more"
        )


def load_records(runs: "Sequence[Run]", results: Path, *, details: bool = True) -> "list[Record]":
    """Load the records that the runs have so far, as `da.results.records.load` explains."""
    from da.results import records

    return records.load(results, {run.id: run.settings() for run in runs}, details=details)


def print_old(found: "Collection[Record]", results: Path) -> None:
    """Print one line on stderr about the records that are of other code or data than now."""
    from da.runs import provenance

    if old := provenance.describe_old(provenance.find_states(found, results), found):
        advice = "`da sweep` trains them again, with --accept-old it keeps them"
        print(f"da: {old}: {advice}", file=sys.stderr)


def named_records(experiment: Path, runs: "Sequence[Run]", results: Path) -> "list[Record]":
    """Load the records that the runs have so far, with names of rows if the experiment has them.

    Args:
        experiment: File of the experiment.
        runs: Runs of the experiment.
        results: Folder of the records.
    """
    return [record for record in all_records(experiment, runs, results) if record.curve]


def all_records(
    experiment: Path, runs: "Sequence[Run]", results: Path, *, details: bool = False
) -> "list[Record]":
    """Load records like `named_records`, with an empty curve for each run that has none yet.

    Args:
        experiment: File of the experiment.
        runs: Runs of the experiment.
        results: Folder of the records.
        details: Whether evaluations keep what tables do not show.

    Raises:
        ValueError: No run has a record in the folder.
    """
    from da.results import records
    from da.results.aggregate import ROW
    from da.runs.experiment import row_names

    rows, found = (
        row_names(experiment, runs),
        {record.id: record for record in load_records(runs, results, details=details)},
    )
    if not found:
        count = records.count_published(run.id for run in runs)
        also = f", or --results {records.PUBLISHED} has {count} of {len(runs)}" if count else ""
        raise ValueError(f"no records in {results}: run `da sweep` on the experiment first{also}")
    print_old(found.values(), results)
    each = [found.get(run.id) or records.Record(run.id, run.settings(), [], 0.0) for run in runs]
    named = [replace(r, settings=r.settings | {ROW: rows[r.id]}) for r in each if rows.get(r.id)]
    return named if rows else each


def label_runs(runs: "Sequence[Run]") -> dict[str, str]:
    """Return method, task, seed, differing settings and id of each run, by id."""
    from da.results import run_labels

    return run_labels.label_runs({run.id: run.settings() for run in runs})


def describe_record(label: str, record: "Record") -> str:
    """Describe a finished run: its label, target accuracy of its model if known, and time."""
    chosen_by = record.settings.get("chosen_by", "last")
    kept = max(record.curve, key=lambda point: point.get(chosen_by, point["step"]))
    at = f" at step {kept['step']:.0f}, chosen by {chosen_by}," if chosen_by != "last" else ""
    found = kept.get("target_accuracy")
    reached = "no accuracy, as the target has no labels," if found is None else f"{found:.1f} %"
    if further := describe_columns(kept, record.settings.get("label_columns", ())):
        reached += f" ({further})"
    return f"{label}: {reached}{at} in {_span(record.seconds)}"


def describe_outcome(label: str, outcome: "Outcome") -> str:
    """Describe a run of a sweep: its result, or its error."""
    if outcome.record:
        return describe_record(label, outcome.record)
    return f"{label} failed: {outcome.error}"


def print_warnings(label: str, record: "Record") -> None:
    """Print the warnings at the last evaluation of a finished run to stderr."""
    from tqdm import tqdm

    from da.results import health

    for warning in health.lasting_warnings(record.curve, record.settings):
        tqdm.write(f"{label}: warning: {warning}", file=sys.stderr)


def exit_with_failures(failures: "Sequence[str]") -> None:
    """List descriptions of runs that failed on stderr, and exit with 1; do nothing for none."""
    if failures:
        print(f"{len(failures)} failed:", *failures, sep="\n  ", file=sys.stderr)
        raise SystemExit(1)


def _span(seconds: float) -> str:
    return (
        f"{seconds:.{significant_digits(seconds)}f} s"
        if seconds < 100
        else f"{seconds / 60:.0f} min"
    )
