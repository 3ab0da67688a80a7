"""Compare mappings with a logistic regression of the same strength in skada's pipelines.

Both see the same frozen features and splits of the twenty emoji tasks. Seconds are those of the
processor, for fitting a map and its classifier and predicting the target's test images.

`python benchmarks/classifiers.py --every 5` takes every fifth task.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

import numpy as np
import torch

import da
from da.data.domain import Task
from da.models.backbone import Features
from da.training.setup import assemble

STYLES = "noto", "twemoji", "fluent", "contrast", "openmoji"
STRENGTHS = 100.0, 1.0
"""1 / C of scikit-learn."""
Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Source features and classes, target features, and those to test on."""


def peers() -> dict[str, tuple[Any, Callable[[], Any]]]:
    """Our settings, and the adapter of skada that does the same; None where nothing is mapped."""
    import skada

    return {
        "no mapping": (None, lambda: None),
        "CORAL": (da.methods.CORALMap, skada.CORALAdapter),
        "subspace alignment": (
            da.methods.SubspaceAlignment,
            lambda: skada.SubspaceAlignmentAdapter(n_components=64),
        ),
        "exact transport": (da.methods.OTMap, skada.OTMappingAdapter),
        "linear Monge": (
            da.methods.LinearMonge,
            lambda: skada.LinearOTMappingAdapter(reg=1.0),
        ),
    }


def load(every: int) -> Iterator[Task]:
    """Yield tasks with features in place of images."""
    for source, target in [*permutations(STYLES, 2)][::every]:
        yield assemble(da.Run(da.methods.SourceOnly(), f"emoji:{source}-{target}")).task


def rows(task: Task) -> Rows:
    """Return the arrays of a task, in float64 as scikit-learn takes them."""
    parts = task.source_train, task.target_train, task.target_test
    x_s, x_t, x_e = (part.take(torch.arange(len(part))).double().numpy() for part in parts)
    return x_s, task.source_train.y.numpy(), x_t, x_e


def theirs(adapter: Any, strength: float, data: Rows) -> np.ndarray:
    """Return the predictions of a pipeline of skada."""
    import skada
    from sklearn.linear_model import LogisticRegression

    x_s, y, x_t, x_e = data
    last = LogisticRegression(C=1 / strength, max_iter=1000)
    if adapter is None:
        return last.fit(x_s, y).predict(x_e)
    pipeline = skada.make_da_pipeline(adapter, last)
    domain = np.repeat([1, -2], [len(x_s), len(x_t)])
    labels = np.append(y, np.full(len(x_t), -1))
    pipeline.fit(np.concatenate([x_s, x_t]), labels, sample_domain=domain)
    return pipeline.predict(x_e, sample_domain=np.full(len(x_e), -2))


def ours(settings: Any, task: Task) -> np.ndarray:
    """Return the predictions of one of our mappings."""
    method = settings.build(Features(task.target_test.x.shape[-1]), len(task.classes))
    method.prepare(task.source_train, task.target_train)
    test = task.target_test
    with torch.no_grad():
        f = method.map_target(test.take(torch.arange(len(test))))
        return method.head(f).argmax(1).numpy()


def measure(tasks: list[Task], predict: Callable[[Task], np.ndarray]) -> tuple[float, float]:
    """Return the mean accuracy in percent, and the median seconds of a task."""
    right, seconds = [], []
    for task in tasks:
        start = time.process_time()
        predicted = predict(task)
        seconds.append(time.process_time() - start)
        right.append(100 * (predicted == task.target_test.y.numpy()).mean())
    return float(np.mean(right)), float(np.median(seconds))


def main(every: int) -> None:
    """Print a line for each mapping and strength."""
    torch.set_num_threads(1)
    tasks = [*load(every)]
    print(f"{len(tasks)} tasks; accuracy in %, seconds of the processor")
    print("| mapping | strength | ours | skada | ours, s | skada, s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, (kind, adapter) in peers().items():
        for strength in STRENGTHS:
            peer = measure(tasks, lambda t: theirs(adapter(), strength, rows(t)))  # noqa: B023
            own = (np.nan, np.nan)
            if kind:
                own = measure(tasks, lambda t: ours(kind(strength=strength), t))  # noqa: B023
            print(
                f"| {name} | {strength:g} | {own[0]:.1f} | {peer[0]:.1f} | {own[1]:.2f} | "
                f"{peer[1]:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1, help="take every such task; 1 for all")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peers
        main(parser.parse_args().every)
