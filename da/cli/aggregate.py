"""Command that combines models instead of choosing one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from da.cli.options import Experiment, Only, Results, named_records

if TYPE_CHECKING:
    from da.selection.combined import Combined


def aggregate(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    by: Literal["all", "mean", "iwa"] = "all",
    chosen_by: str = "infomax",
    every_evaluation: bool = False,
    out: Annotated[Path | None, arg(metavar="FILE.onnx")] = None,
) -> None:
    """Combine the predictions of an experiment's runs, and compare that with choosing one.

    Runs of one task and seed are combined, but for those that saw target labels. Their outputs must
    have been kept, which `da sweep` does. Target labels are used for the printed accuracies alone.

    Args:
        by: How runs are combined: mean, the mean of their probabilities; iwa, a sum whose weights
            source labels and density ratios give (Dinu et al. 2023); or all, both.
        chosen_by: What chooses one of the models for comparison, such as infomax,entropy+gate; see
            `da list selectors`.
        every_evaluation: Combine all evaluations of each run, not only that of its weights.
        out: ONNX file to write: the combined model of one task and seed, by mean or iwa. The runs
            need --save-weights.
    """
    from da.methods import without_importing
    from da.runs import experiment as experiments
    from da.selection.aggregate import RULES
    from da.selection.combined import compare, render_comparison
    from da.selection.members import group_members

    with without_importing():
        runs = experiments.load_experiment(experiment, only)
        found = named_records(experiment, runs, results)
    groups = group_members(found, every=every_evaluation)
    names = [*RULES] if by == "all" else [by]
    if out:
        _check_out(out, names, len(groups), every_evaluation)
    compared = [compare(*at, some, names, results) for at, some in groups.items()]
    print(*render_comparison(compared, chosen_by.split(",")), sep="\n")
    if out:
        _export(compared[0], by, out, results)


def _check_out(out: Path, names: Sequence[str], groups: int, every: bool) -> None:
    """Refuse a file of what is not one model of stored weights."""
    if out.suffix != ".onnx":
        raise ValueError(f"unknown ending {out.suffix!r} of {out}, known: .onnx")
    if len(names) > 1:
        raise ValueError(f"--out is one model: name --by, known: {', '.join(names)}")
    if groups != 1:
        raise ValueError(f"--out is one model, not of {groups} tasks and seeds: narrow --only")
    if every:
        raise ValueError("--out needs weights, which runs keep of one evaluation alone")


def _export(found: "Combined", by: str, out: Path, results: Path) -> None:
    from da.deploy.aggregated_model import export_aggregate

    made = export_aggregate(found.members, found.weights[by], by, out, results)
    size = out.stat().st_size / 1e6
    print(f"\n{out}: {len(found.members)} runs, {len(made.classes)} classes, {size:.1f} MB")
    print(f"differs from PyTorch by at most {made.difference:.2g} on {made.images}")
