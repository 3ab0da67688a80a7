"""Train with an example script of Transfer-Learning-Library on images and weights of ours.

The script runs as it is, with its own command line. No line of the library is in this file.
"""

import copy
import io
import random
import runpy
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import Dataset
from torchvision.datasets.folder import default_loader

from da.data.domain import Images, LabeledImages, Task
from da.methods import Method
from tests.fidelity.cases_tllib import CASES
from tests.fidelity.peer_tllib import opened
from tests.fidelity.replay import parameters

Item = tuple[Tensor, int]


@dataclass
class Clock:
    """Seconds of a training, and of a step after the first ones."""

    skip: int
    """Steps before which no time counts for a step."""
    steps: int
    taken: int = 0
    seconds: float = 0.0
    of_step: float = 0.0
    begun: float = field(default=0.0, repr=False)
    since: float = field(default=0.0, repr=False)

    def start(self) -> None:
        """Begin with a training's first step."""
        self.taken, self.begun = 0, _now()

    def tick(self) -> None:
        """Note the end of a step."""
        self.taken += 1
        if self.taken == self.skip:
            self.since = _now()
        if self.taken == self.steps:
            self.stop()

    def stop(self) -> None:
        """Note the end of the last step."""
        end = _now()
        self.seconds = end - self.begun
        self.of_step = (end - self.since) / (self.steps - self.skip)


def _now() -> float:
    """Return the time, once the GPU has done what it was asked to do."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


class Pictures(Dataset[Item]):
    """Images as PNG files or in memory, which the script's own transform turns into input."""

    def __init__(self, images: Sequence[Any], labels: Sequence[int], transform: Any) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int) -> Item:
        image = self.images[place]
        opened = Image.fromarray(image) if isinstance(image, np.ndarray) else default_loader(image)
        return self.transform(opened), self.labels[place]


def train(
    path: Path,
    name: str,
    arguments: Sequence[str],
    task: Task,
    method: Method,
    *,
    clock: Clock,
    seed: int,
    from_files: bool,
) -> float:
    """Train as a script does, and return the accuracy on the target's test images.

    Args:
        path: The clone.
        name: Name of the script's case.
        arguments: The script's settings.
        task: Images and labels.
        method: A method of ours with the weights with which the script begins.
        clock: What notes the time.
        seed: Seed of the order of images, and of what is dropped.
        from_files: Whether the script decodes images, in its own workers, for every batch.
    """
    case = CASES[name]
    seen: list[float] = []
    with ExitStack() as stack:
        scripts = stack.enter_context(opened(path))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        images = _stored(task, folder if from_files else None)
        stack.enter_context(redirect_stdout(io.StringIO()))
        _replace_utils(task, images, method.backbone, seen)
        command = [f"{case.script}.py", "none", "-d", "ours", "-a", "ours", "-s", "S", "-t", "T"]
        command += ["--log", str(folder), *case.arguments, *arguments]
        stack.enter_context(patch.object(sys, "argv", command))
        stack.enter_context(_begun(case.roles[0], method, clock))
        random.seed(seed)
        torch.manual_seed(seed)
        runpy.run_path(str(scripts / f"{case.script}.py"), run_name="__main__")
    return float(seen[-1])


def _stored(task: Task, folder: Path | None) -> dict[str, list[Any]]:
    """Return the images of each part: pixels, or where they are written to a folder, its files."""
    parts: dict[str, Images] = {
        "source": task.source_train, "target": task.target_train, "test": task.target_test
    }  # fmt: skip
    found: dict[str, list[Any]] = {}
    for part, images in parts.items():
        pixels = list(images.take(torch.arange(len(images))).cpu().numpy())
        if folder:
            files = [str(folder / f"{part}_{i}.png") for i in range(len(pixels))]
            for file, image in zip(files, pixels, strict=True):
                Image.fromarray(image).save(file)
            pixels = files
        found[part] = pixels
    return found


def _replace_utils(
    task: Task, images: dict[str, list[Any]], backbone: nn.Module, seen: list[float]
) -> None:
    """Replace the scripts' data and backbone by ours, and note each accuracy that they find."""
    utils = import_module("utils")
    validate = utils.validate

    def noted(*arguments: Any) -> float:
        seen.append(validate(*arguments))
        return seen[-1]

    def get_dataset(*arguments: Any, **_: Any) -> tuple[Any, ...]:
        train, test = arguments[4:6]
        none = [-1] * len(images["target"])
        shown = Pictures(images["test"], _labels(task.target_test), test)
        source = Pictures(images["source"], _labels(task.source_train), train)
        target = Pictures(images["target"], none, train)
        return source, target, shown, shown, len(task.classes), task.classes

    vars(utils).update(
        validate=noted,
        get_model_names=lambda: ["ours"],
        get_dataset_names=lambda: ["ours"],
        get_dataset=get_dataset,
        get_model=lambda *_, **__: _maps(backbone),
    )
    sys.modules["tllib.utils.logger"].CompleteLogger = _Logger  # type: ignore[attr-defined]


def _labels(images: LabeledImages) -> list[int]:
    return images.y.tolist()


def _maps(backbone: nn.Module) -> nn.Module:
    """Return a network of timm from images to maps of features, as the scripts pool these."""
    body: Any = copy.deepcopy(backbone.body).cpu()
    body.to(memory_format=torch.contiguous_format)
    body.reset_classifier(0, "")
    body.out_features = body.num_features
    return body


class _Logger:
    """A log whose only files are checkpoints."""

    def __init__(self, folder: str, phase: str) -> None:
        self.folder = Path(folder)

    def get_checkpoint_path(self, name: str) -> str:
        return str(self.folder / name)

    def close(self) -> None:
        """Do nothing: nothing is open."""


@contextmanager
def _begun(roles: tuple[str, ...], method: Method, clock: Clock) -> Iterator[None]:
    """Give what a script's optimizer moves the weights of our method, and note its steps."""
    initial = {role: [p.detach().clone() for p in parameters(method, role)] for role in roles}

    class Begun(SGD):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            parts: defaultdict[str, list[Tensor]] = defaultdict(list)
            for role, group in zip(roles, self.param_groups, strict=True):
                parts[role] += group["params"]
            for role, mine in parts.items():
                with torch.no_grad():
                    for p, weights in zip(mine, initial[role], strict=True):
                        p.copy_(weights.reshape(p.shape))
            clock.start()

        def step(self, closure: Any = None) -> Any:
            loss = super().step(closure)
            clock.tick()
            return loss

    with patch.object(torch.optim, "SGD", Begun):
        yield
