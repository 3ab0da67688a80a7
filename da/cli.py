"""The command line. Imports wait inside commands, so that help and errors come at once."""

import contextlib
import functools
import io
import re
import runpy
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import OmitArgPrefixes, Positional, arg
from tyro.extras import SubcommandApp

from da.track import Mode

if TYPE_CHECKING:
    from da.records import Record
    from da.run import Run

Results = Annotated[Path, arg(help="Folder of the records.")]
Experiment = Annotated[Positional[Path], arg(help="Python file with `runs() -> list[Run]`.")]
Only = Annotated[
    tuple[str, ...], arg(help="Only runs with these settings, for example seed=0 method=dann.")
]
Device = Annotated[str, arg(help="auto, cpu, cuda or the like.")]
Wandb = Annotated[
    Mode, arg(name="wandb", help="Mirror runs to W&B; auto: where credentials exist.")
]
ChosenBy = Annotated[str, arg(help="Selectors, with commas between: see `da list selectors`.")]


def sweep(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    shard: str = "1/1",
    workers: int = 0,
    device: Device = "auto",
    wandb: Wandb = "auto",
) -> None:
    """Carry out every run of an experiment that has no record yet.

    Args:
        shard: K/N takes every Nth run from the Kth on: one K a machine.
        workers: Processes side by side; 0 for one a core, or one where there is a GPU.
    """
    from da import tables, track
    from da.sweep import sweep

    runs = _runs(experiment, only)
    mine = _shard(runs, shard)
    failed, start, todo = [], time.perf_counter(), len(mine) - len(_load(mine, results))
    for n, outcome in enumerate(sweep(mine, results, workers=workers, device=device), 1):
        left = (time.perf_counter() - start) / n * max(todo - n, 0)
        print(
            f"[{n}/{todo}] {_line(outcome.run, outcome.record, outcome.error)}, {_span(left)} left"
        )
        if outcome.record:
            track.mirror(outcome.record, wandb, experiment.stem)
        else:
            failed.append(outcome)
    if found := _load(runs, results):
        track.mirror_table(*tables.plain(tables.build(found)), wandb, experiment.stem)
    print(f"{len(found)} of {len(runs)} runs of {experiment} have a record in {results}")
    if failed:
        print(f"{len(failed)} failed:", file=sys.stderr)
        for outcome in failed:
            print(f"  {_line(outcome.run, None, outcome.error)}", file=sys.stderr)
        raise SystemExit(1)


def table(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    chosen_by: ChosenBy = "last",
    format: Literal["terminal", "markdown", "latex", "csv"] = "terminal",
) -> None:
    """Print the table of an experiment from the records it has so far."""
    from da import tables

    runs = _runs(experiment, only)
    found, bold = _load(runs, results), sys.stdout.isatty()
    print(tables.render(found, chosen_by.split(","), format, wanted=len(runs), bold=bold))


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
    from da import plots

    runs = _runs(experiment, only)
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
        print(*plots.save(figure, out / stem), sep="\n")


def data(names: Positional[tuple[str, ...]] = ()) -> None:
    """Fetch and decode benchmarks, for example `da data emoji`; without names, list their state."""
    from da import domains

    for line in domains.prepare(names) if names else domains.state():
        print(line)


def list_(what: Positional[Literal["methods", "tasks", "backbones", "selectors"]]) -> None:
    """Show what there is."""
    if what == "methods":
        from da.methods import METHODS

        lines = [
            f"{n:20} {str(m.__doc__).partition(chr(10))[0]} ({m.paper})" for n, m in METHODS.items()
        ]
    elif what == "tasks":
        from da.domains import every_task

        lines = every_task()
    elif what == "backbones":
        from da.backbones import OWN

        lines = [*OWN, "any name of timm or torchvision"]
    else:
        from da.selection import SELECTORS

        docs = {n: " ".join(str(s.__doc__).split()) for n, s in SELECTORS.items()}
        lines = [f"{'last':16} The last look."]
        lines += [f"{n:16} {doc}" for n, doc in docs.items()]
        lines += [f"{'oracle':16} Target accuracy: no fair choice, marked wherever it is used."]
    print("\n".join(lines))


def wandb(
    action: Positional[Literal["push"]],
    results: Positional[Path] = Path("results"),
    mode: Mode = "auto",
) -> None:
    """Mirror records that were made earlier to W&B: `da wandb push results/`."""
    from da import track

    print(f"{track.push(results, mode)} runs mirrored from {results}")


def _train_command() -> Callable[..., None]:
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


def _no_train() -> None:
    """Train one model and save its record."""


def _app(arguments: Sequence[str]) -> SubcommandApp:
    """The settings of a run take seconds to import, so only `da train` has them."""
    app = SubcommandApp()
    training = arguments[:1] == ["train"]
    app.command(name="train")(_deferred(_train_command() if training else _no_train))
    for command in (sweep, table, plot, data, list_, wandb):
        app.command(name=command.__name__.rstrip("_"))(_deferred(command))
    return app


def _deferred(command: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """`command` that, when called, only remembers its arguments."""

    @functools.wraps(command)
    def remember(*args: Any, **kwargs: Any) -> Callable[[], None]:
        return functools.partial(command, *args, **kwargs)

    return remember


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; a mistake of the user's ends it with status 2 and one line."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments:
        arguments = ["--help"]
    try:
        _parse_and_run(arguments)
    except ArithmeticError as error:
        raise SystemExit(f"da: {error}") from error
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print("da: " + " ".join(str(error).split()), file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _parse_and_run(arguments: Sequence[str]) -> None:
    """Parse, with tyro's box around an error made one line, and only then run."""
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            command = _app(arguments).cli(prog="da", args=arguments)
    except SystemExit as ended:
        if ended.code:
            raise ValueError(_unboxed(box.getvalue())) from ended
        raise
    command()


def _unboxed(box: str) -> str:
    """What stands in a box of tyro's, without its frame, title and advice on help."""
    lines = [line.strip(" │") for line in box.splitlines()[1:]]
    said = " ".join(lines).partition("For full helptext")[0]
    said = re.sub(r"Error parsing __tyro\S* ", "", said)
    return re.sub(r"\s*[─╰╯-]{3,}\s*", "; ", said).strip("; ")


def _runs(experiment: Path, only: Sequence[str] = ()) -> "list[Run]":
    if not experiment.is_file():
        known = ", ".join(map(str, sorted(Path("experiments").glob("*.py"))))
        raise ValueError(f"no experiment {experiment}, known: {known}")
    found = runpy.run_path(str(experiment))
    if "runs" not in found:
        raise ValueError(f"{experiment} has no function runs() -> list[Run]")
    runs: list[Run] = found["runs"]()
    for setting in only:
        name, _, value = setting.partition("=")
        values = {str(run.settings().get(name)) for run in runs}
        if value not in values:
            every = runs[0].settings()
            choices = {f"{name}={v}" for v in values} if name in every else set(every)
            raise ValueError(f"no run with {setting!r}, known: {', '.join(sorted(choices))}")
        runs = [run for run in runs if str(run.settings().get(name)) == value]
    return runs


def _load(runs: "Sequence[Run]", results: Path) -> "list[Record]":
    from da import records

    return records.load(results, {run.id: run.settings() for run in runs})


def _shard(runs: "list[Run]", shard: str) -> "list[Run]":
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"unknown shard {shard!r}, known: 1/3, 2/3, 3/3 and the like")
    return runs[int(match[1]) - 1 :: int(match[2])]


def _line(run: "Run", record: "Record | None", error: str = "") -> str:
    name = f"{run.method.owner.name} {run.task} seed {run.seed}"
    if record is None:
        return f"{name} {run.id}: {error}"
    return f"{name}: {record.curve[-1]['target_accuracy']:.1f} % in {_span(record.seconds)}"


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    main()
