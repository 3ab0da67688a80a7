"""Compute features of a run's test images, with and without adaptation."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from da.config.task_name import TaskName
from da.evaluation.predictions import accuracy, outputs, predict
from da.methods import METHODS
from da.models.saved_weights import load_network_state, restore_weights, weights_file
from da.runs.run import Run
from da.training.setup import Parts, assemble
from da.training.train import fit

Pair = tuple[Float[np.ndarray, "n _"], Float[np.ndarray, "m _"]]
"""Features of source test images, and of target test images."""


@dataclass(frozen=True)
class Embedding:
    """Features before and after adaptation, and the class of each test image."""

    title: str
    """Title of the run, and its target accuracy in %, if the target has labels."""
    before: Pair
    """Features without adaptation."""
    after: Pair
    """Features with adaptation."""
    y_s: Int[np.ndarray, "n"]
    y_t: Int[np.ndarray, "m"]
    """Class of each target image; as predicted where the target has no labels."""
    classes: tuple[str, ...]


def compute_embedding(run: Run, results: Path = Path("results")) -> Embedding:
    """Compute test features of `run`, and of the same run without adaptation.

    Both use stored weights where there are some. Otherwise the run is trained again, and stderr
    says so.

    Args:
        run: Settings of the run.
        results: Folder of the records and weights.
    """
    method = METHODS["source_only"].Hparams()
    alone = replace(run, method=method, task=str(TaskName.parse(run.task).without_labels()))
    parts = _trained(run, results)
    task = parts.task
    y_s, y_t = task.source_test.y, task.target_test.y
    logits = predict(parts.method, task, device=parts.device).target_logits
    title = run.title
    if task.is_tested:
        title += f": target accuracy {accuracy(logits, y_t):.1f} %"
    else:
        y_t = logits.argmax(1)
    before = _features(_trained(alone, results), parts)
    return Embedding(title, before, _features(parts, parts), y_s.numpy(), y_t.numpy(), task.classes)


def _trained(run: Run, results: Path) -> Parts:
    parts = assemble(run, results=results)
    if weights_file(run.id, results).exists():
        restore_weights(parts.method, run.id, load_network_state(run.id, results)[0])
    else:
        print(f"weights of {run.title} were not kept: training it again", file=sys.stderr)
        fit(run, parts, quiet=not sys.stderr.isatty())
    return parts


def _features(trained: Parts, shown: Parts) -> Pair:
    """Compute features by the method of `trained`, of the test images of `shown`.

    The images themselves are those of `trained`, since `shown` may have mapped its own.
    """
    method, own, task = trained.method, trained.task, shown.task
    source = replace(task.source_test, x=own.source_test.x)
    target = replace(task.target_test, x=own.target_test.x)
    f_s = outputs(method, method.embed_source, source, device=trained.device)
    f_t = outputs(method, method.embed, target, device=trained.device)
    return f_s.numpy(), f_t.numpy()
