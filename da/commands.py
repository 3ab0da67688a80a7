"""What the commands do. Imports wait inside them, so that help and errors come at once."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg

from da.track import Mode

if TYPE_CHECKING:
    from da.records import Record
    from da.run import Run
    from da.sweep import Outcome

Results = Annotated[Path, arg(help="Folder of the records.")]
Experiment = Annotated[Positional[Path], arg(help="Python file with `runs() -> list[Run]`.")]
Recorded = Annotated[
    Positional[str], arg(metavar="RUN", help="Id of a run, or the file of its record.")
]
Only = Annotated[
    tuple[str, ...], arg(help="Only runs with these settings, for example seed=0 method=dann.")
]
Device = Annotated[str, arg(help="auto, cpu, cuda or the like.")]
Workers = Literal["auto"] | int
Wandb = Annotated[
    Mode, arg(name="wandb", help="Mirror runs to W&B; auto: where credentials exist.")
]
ChosenBy = Annotated[str, arg(help="Selectors, with commas between: see `da list selectors`.")]


def sweep(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    shard: str = "1/1",
    workers: Workers = "auto",
    device: Device = "auto",
    wandb: Wandb = "auto",
) -> None:
    """Carry out every run of an experiment that has no record yet.

    Args:
        shard: K/N takes every Nth run from the Kth on: one K a machine.
        workers: Processes side by side; auto for what suits the cores, and a GPU's memory.
    """
    from tqdm import tqdm

    from da import experiment as experiments
    from da import tables, track
    from da.sweep import sweep

    if workers != "auto" and workers < 1:
        raise ValueError(f"unknown number of workers {workers}, known: auto, 1 and more")
    runs = experiments.runs(experiment, only)
    mine = experiments.share(runs, shard)
    todo, failed = len(mine) - len(_load(mine, results)), []
    outcomes = sweep(mine, results, workers=workers, device=device)
    bar = tqdm(outcomes, "runs", todo, disable=None, leave=False)
    for n, outcome in enumerate(bar, 1):
        line = _line(outcome.run, outcome.record) if outcome.record else _failure(outcome)
        tqdm.write(f"[{n}/{max(n, todo)}] {line}")
        sys.stdout.flush()
        if outcome.record:
            _warn(outcome.run, outcome.record)
            track.mirror(outcome.record, wandb, experiment.stem)
        else:
            failed.append(outcome)
    if found := _load(runs, results):
        track.mirror_table(*tables.plain(tables.build(found)), wandb, experiment.stem)
    print(f"{len(found)} of {len(runs)} runs of {experiment} have a record in {results}")
    if failed:
        print(f"{len(failed)} failed:", *map(_failure, failed), sep="\n  ", file=sys.stderr)
        raise SystemExit(1)


def table(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    chosen_by: ChosenBy = "last",
    format: Literal["terminal", "markdown", "latex", "csv"] = "terminal",
    cost: bool = False,
) -> None:
    """Print the table of an experiment from the records it has so far.

    Args:
        cost: What a run takes beside what it reaches on average; CSV says so at any rate.
    """
    from da import experiment as experiments
    from da import tables

    runs = experiments.runs(experiment, only)
    found, bold, names = _load(runs, results), sys.stdout.isatty(), chosen_by.split(",")
    print(tables.render(found, names, format, wanted=len(runs), bold=bold, cost=cost))


def diagnose(run: Recorded, results: Results = Path("results")) -> None:
    """Print how a run went, look by look, and warnings with the likely cause of each."""
    from da import records, symptoms

    print(symptoms.page(records.find(run, results)))


def plot(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    chosen_by: ChosenBy = "last",
    map: str = "",
    out: Path = Path("plots"),
) -> None:
    """Draw curves and methods of an experiment, or the feature map of one run, as PNG and SVG.

    Args:
        map: Id of a run: draw its features, and those of the same run without adaptation.
        out: Folder of the pictures.
    """
    from da import experiment as experiments
    from da import plots, style

    runs = experiments.runs(experiment, only)
    name = experiment.stem
    if map:
        from da.embedding import embedding

        known = {run.id: run for run in runs}
        if map not in known:
            raise ValueError(f"unknown run {map!r}, known: {', '.join(known)}")
        figures = {f"{name}-map-{map}": plots.feature_map(**vars(embedding(known[map])))}
    else:
        found = _load(runs, results)
        figures = {
            f"{name}-curves": plots.curves(found),
            f"{name}-methods": plots.methods(found, chosen_by),
        }
    for stem, figure in figures.items():
        print(*style.save(figure, out / stem), sep="\n")


def profile(
    experiment: Experiment,
    only: Only = (),
    steps: int = 30,
    device: Device = "auto",
    out: Path = Path("plots"),
) -> None:
    """Time the first run of each method of an experiment, and write a trace of it for a browser.

    Args:
        steps: How many are timed of each run.
        out: Folder of the traces, which chrome://tracing and ui.perfetto.dev open.
    """
    from da import experiment as experiments
    from da import profile as profiles

    if steps < 1:
        raise ValueError(f"unknown number of steps {steps}, known: 1 and more")
    found, left_out = [], []
    for run in profiles.first_of_each(experiments.runs(experiment, only)):
        name = run.method.owner.name
        trace = out / f"{experiment.stem}-{name}.trace.json"
        try:
            found.append(profiles.measure(run, trace, steps=steps, device=device))
        except ValueError as error:
            left_out.append(f"{name} left out: {error}")
    if not found:
        raise ValueError("; ".join(left_out))
    print(profiles.render(found), *left_out, sep="\n\n")


def data(names: Positional[tuple[str, ...]] = ()) -> None:
    """Fetch and decode benchmarks, for example `da data emoji`; without names, list their state."""
    from da import domains

    for line in domains.prepare(names) if names else domains.state():
        print(line)


def list_(
    what: Positional[Literal["methods", "tasks", "backbones", "selectors", "recipes"]],
) -> None:
    """Show what there is."""
    from da import listing

    print("\n".join(listing.LISTS[what]()))


def wandb(
    action: Positional[Literal["push"]],
    results: Positional[Path] = Path("results"),
    mode: Mode = "auto",
) -> None:
    """Mirror records that were made earlier to W&B: `da wandb push results/`."""
    from da import track

    print(f"{track.push(results, mode)} runs mirrored from {results}")


def train_command() -> Callable[..., None]:
    """The command `train`, whose settings take seconds to import."""
    from da.run import Run

    def train(
        run: OmitArgPrefixes[Run],
        results: Results = Path("results"),
        device: Device = "auto",
        wandb: Wandb = "auto",
    ) -> None:
        """Train one model and save its record."""
        from da import records, track
        from da.train import train

        record = train(run, device=device)
        records.save(record, results)
        track.mirror(record, wandb)
        print(f"{_line(run, record)}, {records.path(results, run.id)}")

    return train


def no_train() -> None:
    """Train one model and save its record."""


def _load(runs: "Sequence[Run]", results: Path) -> "list[Record]":
    from da import records

    return records.load(results, {run.id: run.settings() for run in runs})


def _name(run: "Run") -> str:
    return f"{run.method.owner.name} {run.task} seed {run.seed}"


def _line(run: "Run", record: "Record") -> str:
    accuracy = record.curve[-1]["target_accuracy"]
    return f"{_name(run)}: {accuracy:.1f} % in {_span(record.seconds)}"


def _warn(run: "Run", record: "Record") -> None:
    from tqdm import tqdm

    from da import symptoms

    for warning in symptoms.lasting(record.curve, record.settings):
        tqdm.write(f"{_name(run)}, {run.id}: warning: {warning}", file=sys.stderr)


def _failure(outcome: "Outcome") -> str:
    return f"{_name(outcome.run)} failed: {outcome.error}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
