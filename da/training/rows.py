"""Training on rows of features in memory, without tasks and files."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.data.domain import Images, LabeledImages, Task
from da.data.loaders import batches
from da.methods import Method
from da.models.backbone import Features
from da.runs.run import Run
from da.training.device import find_device
from da.training.failures import explain_failures
from da.training.formats import choose_formats
from da.training.loop import train_method
from da.training.setup import prepare_task
from da.training.threads import run_threads

NEEDS = {
    "takes_shots": "labeled target images",
    "source_free": "a finished run",
    "taught": "a finished run",
    "takes_names": "a backbone that reads texts",
}
"""What methods with such an attribute need besides rows of source and target."""


def check_rows_suffice(method: type[Method]) -> None:
    """Check that a method needs nothing but rows of source and target.

    Raises:
        ValueError: If it does; the message says what.
    """
    for attribute, what in NEEDS.items():
        if getattr(method, attribute):
            raise ValueError(f"{method.name} needs {what}: train it by da.train on a da.Task")


@explain_failures
def fit_rows(
    run: Run,
    source: Float[Tensor, "n d"],
    y: Int[Tensor, "n"],
    target: Float[Tensor, "m d"],
    device: str = "auto",
    *,
    domains: Int[Tensor, "n"] | None = None,
    steps: bool = True,
) -> Method:
    """Train a method on rows of two domains, as a run on frozen features does, and return it.

    Args:
        run: Settings of the training; its task and backbone are not looked at.
        source: Rows of the source.
        y: Class of each, from 0 on.
        target: Rows of the target.
        device: Name of the device: auto, cpu, cuda or the like.
        domains: Which of several sources each of its rows is of, from 0 on; None for one.
        steps: Whether to train; otherwise the method only looks at all rows, which is what maps
            need.
    """
    place = find_device(device)
    labeled = LabeledImages(source.to(place), torch.arange(len(source)), y, domains=domains)
    theirs, unknown = target.to(place), torch.full([len(target)], -1)
    rows = torch.arange(len(target))
    names = tuple(map(str, range(int(y.max()) + 1)))
    seen, tests = Images(theirs, rows), LabeledImages(theirs, rows, unknown)
    task = Task(run.task, names, labeled, seen, labeled, tests)
    with run_threads(run), torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(run.seed)
        features, sources = Features(source.shape[1]), labeled.domain_count
        if run.method.owner.takes_domains and sources < 2:
            raise ValueError(f"{run.method.owner.name} needs several sources")
        method = run.method.build(features, len(names), run.network, sources).to(place)
        task = prepare_task(method, task)
        if steps:
            made = batches(task, run.batch, run.seed, device=place, strong=method.takes_strong)
            precision = choose_formats(run, features, labeled.take(rows[:2])).precision
            train_method(run, method, made, precision)
    return method.eval()
