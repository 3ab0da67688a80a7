"""Compare mappings with a logistic regression of the same strength in skada's pipelines.

Both see the same frozen features and splits of the twenty emoji tasks. Seconds are those of the
processor, for fitting a map and its classifier and predicting the target's test images. Strength 0
is one that is chosen without target labels; skada chooses none.

`python benchmarks/classifiers.py` adds a line for each task that `reports/classifiers.jsonl` lacks,
from which `make docs` makes the table. `--every 5` takes every fifth task.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import torch

import da
from da.data.domain import Task
from da.models.backbone import Features
from da.system.environment import environment
from da.training.setup import assemble

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
STRENGTHS = 100.0, 1.0
"""1 / C of scikit-learn."""
CHOSEN = 0.0
REPORT = Path(__file__).with_name("reports") / "classifiers.jsonl"
Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Source features and classes, target features, and those to test on."""


def peers() -> dict[str, tuple[Any, Callable[[], Any]]]:
    """Our settings, and the adapter of skada that does the same; None where nothing is mapped."""
    import skada

    return {
        "no mapping": (None, lambda: None),
        "CORAL": (plain(da.methods.CORALMap), skada.CORALAdapter),
        "subspace alignment": (
            plain(da.methods.SubspaceAlignment),
            lambda: skada.SubspaceAlignmentAdapter(n_components=64),
        ),
        "exact transport": (plain(da.methods.OTMap), skada.OTMappingAdapter),
        "linear Monge": (
            like_skada,
            lambda: skada.LinearOTMappingAdapter(reg=1.0),
        ),
    }


def plain(kind: Any) -> Callable[[float, Rows], Any]:
    """Return what builds the settings of a mapping with a strength."""
    return lambda strength, _: kind(strength=strength)


def like_skada(strength: float, data: Rows) -> Any:
    """Return linear Monge with skada's `reg` 1, where ours is a multiple of the mean variance."""
    variance = np.mean([x.var(0).mean() for x in (data[0], data[2])])
    return da.methods.LinearMonge(strength=strength, ridge=float(1 / variance))


def load(every: int) -> Iterator[tuple[str, Task]]:
    """Yield tasks with features in place of images, by name."""
    for source, target in [*permutations(STYLES, 2)][::every]:
        name = f"emoji:{source}-{target}"
        yield name, assemble(da.Run(da.methods.SourceOnly(), name)).task


def rows(task: Task) -> Rows:
    """Return the arrays of a task, in float64 as scikit-learn takes them."""
    parts = task.source_train, task.target_train, task.target_test
    x_s, x_t, x_e = (part.take(torch.arange(len(part))).double().numpy() for part in parts)
    return x_s, task.source_train.y.numpy(), x_t, x_e


def theirs(adapter: Any, data: Rows) -> Iterator[tuple[float, np.ndarray, float]]:
    """Yield strength, predictions and seconds of skada's pipelines, which map in the same way."""
    from sklearn.linear_model import LogisticRegression

    x_s, y, x_t, x_e = data
    start = time.process_time()
    if adapter:
        domain = np.repeat([1, -2], [len(x_s), len(x_t)])
        labels = np.append(y, np.full(len(x_t), -1))
        both = np.concatenate([x_s, x_t])
        x_s = adapter.fit_transform(both, labels, sample_domain=domain)[domain == 1]
        x_e = adapter.transform(x_e, sample_domain=np.full(len(x_e), -2))
    mapped = time.process_time() - start
    for strength in STRENGTHS:
        start = time.process_time()
        predicted = LogisticRegression(C=1 / strength, max_iter=1000).fit(x_s, y).predict(x_e)
        yield strength, predicted, mapped + time.process_time() - start


def ours(kind: Any, task: Task, data: Rows) -> Iterator[tuple[float, np.ndarray, float]]:
    """Yield strength, predictions and seconds of one of our mappings."""
    test = task.target_test
    for strength in (*STRENGTHS, CHOSEN):
        start = time.process_time()
        settings = kind(strength, data)
        method = settings.build(Features(test.x.shape[-1]), len(task.classes))
        method.prepare(task.source_train, task.target_train)
        with torch.no_grad():
            f = method.map_target(test.take(torch.arange(len(test))))
            predicted = method.head(f).argmax(1).numpy()
        yield strength, predicted, time.process_time() - start


def measure(name: str, task: Task) -> dict[str, Any]:
    """Return accuracy in percent and seconds of every contender on a task."""
    data, y, found = rows(task), task.target_test.y.numpy(), []
    for mapping, (kind, adapter) in peers().items():
        both = {"ours": ours(kind, task, data) if kind else (), "skada": theirs(adapter(), data)}
        for library, each in both.items():
            for strength, predicted, seconds in each:
                accuracy = 100 * float((predicted == y).mean())
                found.append([mapping, library, strength, round(accuracy, 3), round(seconds, 3)])
    return {"task": name, "rows": found, "environment": environment()}


def main(every: int, out: Path) -> None:
    """Write a line for each task that has none yet."""
    torch.set_num_threads(1)
    lines = out.read_text().splitlines() if out.exists() else []
    measured = {json.loads(line)["task"] for line in lines}
    for name, task in load(every):
        if name not in measured:
            with out.open("a") as file:
                file.write(json.dumps(measure(name, task)) + "\n")
            print(name, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="take every such task; 1 for all")
    parser.add_argument("--out", type=Path, default=REPORT, help="file to write")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peers
        main(**vars(parser.parse_args()))
