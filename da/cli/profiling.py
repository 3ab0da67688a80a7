"""Command that times training steps."""

from pathlib import Path

from da.cli.options import Device, Experiment, Only, Results


def profile(
    experiment: Experiment,
    only: Only = (),
    steps: int = 30,
    device: Device = "auto",
    out: Path = Path("plots"),
    results: Results = Path("results"),
) -> None:
    """Time the first run of each method of an experiment, and write traces for a browser.

    Args:
        steps: Number of training steps to time in each run.
        out: Folder of the traces; open them in chrome://tracing or ui.perfetto.dev.
    """
    from da.runs import experiment as experiments
    from da.training import profiler
    from da.training.device import find_device

    if steps < 1:
        raise ValueError(f"unknown number of steps {steps}, known: 1 and more")
    find_device(device)
    found, left_out = [], []
    for run in profiler.first_run_per_method(experiments.load_experiment(experiment, only)):
        name = run.method.owner.name
        trace = out / f"{experiment.stem}-{name}.trace.json"
        try:
            found.append(
                profiler.profile_run(run, trace, steps=steps, device=device, results=results)
            )
        except ValueError as error:
            left_out.append(f"{name} left out: {error}")
    if not found:
        raise ValueError("; ".join(left_out))
    print(profiler.render_profiles(found), *left_out, sep="\n\n")
