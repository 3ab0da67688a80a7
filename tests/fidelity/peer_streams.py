"""Run the scripts of TENT, EATA, SAR and CoTTA from a user's clones, on a stream of ours.

In place of ImageNet-C or CIFAR-10-C they get batches of images of ten numbers, and in place of a
trained network a small one with four layers. No line of the authors is in this file.
"""

import logging
import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import torch
from torch import Tensor, nn

from tests.fidelity import inputs
from tests.fidelity.peer_authors import module, opened
from tests.fidelity.script import Script
from tests.fidelity.settings_files import Node
from tests.fidelity.spy import Spy, spying

SURE = 4
"""Factor of the classifier's weights, by which some predictions are sure and others not."""
MARGINS = {"sar": 1.2, "eata": 0.65}
"""Entropy below which an image counts, of at most 1.61. SAR gets an image in each batch."""
HELD_OUT = 80
"""Images of each of two batches by which EATA measures what the source needs."""
CORRUPTION = "gaussian_noise"
"""The first stream of a script, after which it is stopped."""


class Layers(nn.Sequential):
    """A backbone of four layers, each a convolution with a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        for i, width in enumerate((inputs.PIXELS, *[inputs.WIDTH] * 3)):
            layer = (
                nn.Conv2d(width, inputs.WIDTH, 1, bias=False),
                nn.BatchNorm2d(inputs.WIDTH),
                nn.ReLU(),
            )
            self.add_module(f"layer{i + 1}", nn.Sequential(*layer))
        self.add_module("flat", nn.Flatten())
        self.width = inputs.WIDTH
        inputs.fill("backbone", self.parameters())


@torch.no_grad()
def fill_classifier(classifier: nn.Module) -> None:
    """Give a classifier its initial weights."""
    inputs.fill("head", classifier.parameters())
    for p in classifier.parameters():
        p *= SURE


def network(*_: Any, **__: Any) -> nn.Module:
    """Build backbone and classifier in one."""
    made = Layers()
    made.add_module("fc", nn.Linear(inputs.WIDTH, inputs.CLASSES))
    fill_classifier(cast("nn.Module", made.fc))
    return made


def stream() -> list[Tensor]:
    """Return the images of all steps."""
    return [step.x_t[:, :, None, None] for step in inputs.batches()]


def source_images() -> Tensor:
    """Return images of the source, for EATA."""
    every = torch.cat([step.x_s for step in inputs.batches()])
    return every[: 2 * HELD_OUT, :, None, None]


def random_numbers(place: int, *shape: int) -> Tensor:
    """Return numbers in 0..1, by which CoTTA restores weights."""
    return inputs.rounded((inputs.stream(f"restore.{place}", *shape) + 1) / 2)


class View(nn.Module):
    """Views of images in a fixed order, for CoTTA: each adds other numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.places = count()

    def forward(self, x: Tensor) -> Tensor:
        """Return the next view."""
        return x + inputs.rounded(inputs.stream(f"view.{next(self.places)}", *x.shape) / 2)


class _EndError(Exception):
    """The first stream has ended."""


def run_sar(method: str, path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run `main.py` of SAR, which holds TENT and EATA too, on a ResNet with batch norm.

    Args:
        method: Name that the script has for the method.
        path: The clone.
        spy: What notes.
        folder: Folder for files.
    """
    seen: list[Any] = []

    def prepare(args: Any) -> tuple[Any, Any]:
        if args.corruption not in (CORRUPTION, "original"):
            raise _EndError
        seen.append(args)
        labels = torch.zeros(HELD_OUT, dtype=torch.long)
        images = [*source_images().split(HELD_OUT)] if args.corruption == "original" else stream()
        nothing = SimpleNamespace(switch_mode=lambda *_: None, set_dataset_size=lambda _: None)
        return nothing, [(x, labels[: len(x)]) for x in images]

    stand_ins = {
        "pycm": module("pycm"),
        "models__Res": module("models.Res", resnet50=network),
        "dataset__selectedRotateImageFolder": module("none", prepare_test_data=prepare),
    }
    with opened(path, **stand_ins), ExitStack() as stack:
        import_module("utils.utils").get_logger = lambda **_: logging.getLogger(__name__)  # type: ignore[attr-defined]
        stack.enter_context(patch.object(sys, "argv", ["main.py", *sar_arguments(method)]))
        stack.enter_context(patch.object(sys, "argv", [*sys.argv, "--output", str(folder)]))
        stack.enter_context(patch("torch.cuda.is_available", lambda: False))
        stack.enter_context(spying(spy))
        with suppress(_EndError):
            runpy.run_path(str(path / "main.py"), run_name="__main__")
    hidden = "output", "data", "data_corruption", "logger_name", "gpu", "corruption"
    return {name: value for name, value in vars(seen[0]).items() if name not in hidden}


def sar_arguments(method: str) -> list[str]:
    """Return what SAR's command line says of a method."""
    own = {
        "sar": ["--sar_margin_e0", str(MARGINS["sar"])],
        "eata": ["--e_margin", str(MARGINS["eata"]), "--d_margin", "0.9"],
    }
    batch = ["--test_batch_size", str(inputs.BATCH)]
    kind = ["--exp_type", "normal", "--model", "resnet50_bn_torch"]
    return ["--method", method, *kind, *batch, *own.get(method, [])]


def _robust_bench() -> dict[str, ModuleType]:
    """Return what stands for RobustBench, and for the libraries that read settings."""
    x = torch.cat(stream())

    def accuracy(model: Any, x: Tensor, y: Tensor, batch: int) -> float:
        for images in x.split(batch):
            model(images)
        return 0.0

    files = SimpleNamespace(open=open, mkdirs=lambda path: os.makedirs(path, exist_ok=True))
    return {
        "robustbench": module("robustbench"),
        "robustbench__model_zoo": module("robustbench.model_zoo"),
        "robustbench__model_zoo__enums": module(
            "enums", ThreatModel=SimpleNamespace(corruptions=None)
        ),
        "robustbench__data": module("data", load_cifar10c=lambda *_: (x, torch.zeros(len(x)))),
        "robustbench__utils": module("utils", load_model=network, clean_accuracy=accuracy),
        "yacs": module("yacs"),
        "yacs__config": module("config", CfgNode=Node),
        "iopath": module("iopath"),
        "iopath__common": module("common"),
        "iopath__common__file_io": module("file_io", g_pathmgr=files),
    }


CONFIGURED = (
    *("TEST.BATCH_SIZE", str(inputs.BATCH)),
    *("CORRUPTION.SEVERITY", "[5]", "CORRUPTION.TYPE", f"['{CORRUPTION}']"),
)
"""What the command lines of scripts for RobustBench say beside their file of settings."""


def run_robust(file: str, settings: str, path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run a script for RobustBench on one stream.

    Args:
        file: The script.
        settings: Its file of settings.
        path: The clone.
        spy: What notes.
        folder: Folder for files.
    """
    script = path / file
    words = ["--cfg", str(script.parent / settings), *CONFIGURED, "SAVE_DIR", str(folder)]
    with opened(script.parent, **_robust_bench()), ExitStack() as stack:
        stack.enter_context(patch.object(sys, "argv", [script.name, *words]))
        stack.enter_context(patch("logging.basicConfig", lambda **_: None))
        stack.enter_context(patch("logging.FileHandler", lambda _: None))
        stack.enter_context(_given_views(script.parent))
        stack.enter_context(spying(spy))
        found = runpy.run_path(str(script), run_name="__main__")
    return {name.lower(): value for name, value in found["cfg"].OPTIM.items()}


@contextmanager
def _given_views(folder: Path) -> Iterator[None]:
    """Let CoTTA see our views, and restore weights by our numbers."""
    places = count()
    with ExitStack() as stack:
        if (folder / "cotta.py").is_file():
            code = import_module("cotta")
            stack.enter_context(patch.object(code, "get_tta_transforms", View))
        numbers = patch("torch.rand", lambda shape: random_numbers(next(places), *shape))
        stack.enter_context(numbers)
        yield


SAR_CODE = "https://github.com/mr-eggplant/SAR"
NETWORK = "a network of four layers, whose classifier is SURE times as large".replace(
    "SURE", str(SURE)
)


def _sar(method: str, optimizers: int = 1) -> Script:
    return Script(
        SAR_CODE,
        "main.py",
        (("norms",),) * optimizers,
        lambda *given: run_sar(method, *given),
        arguments=tuple(sar_arguments(method)),
        changes=(NETWORK,),
    )


def _robust(repository: str, file: str, settings: str, role: str) -> Script:
    return Script(
        repository,
        file,
        ((role,),),
        lambda *given: run_robust(file, settings, *given),
        arguments=("--cfg", settings, *CONFIGURED),
        changes=(NETWORK, "views and random numbers are ours")[: 1 + (role == "weights")],
    )


STREAMS: dict[str, dict[str, Script]] = {
    "sar": {
        "authors_sar": _sar("sar"),
        "authors_eata": _sar("eata", 2),
        "sar_tent": _sar("tent"),
    },
    "tent": {
        "authors_tent": _robust(
            "https://github.com/DequanWang/tent", "cifar10c.py", "cfgs/tent.yaml", "norms"
        )
    },
    "cotta": {
        "authors_cotta": _robust(
            "https://github.com/qinenergy/cotta",
            "cifar/cifar10c.py",
            "cfgs/cifar10/cotta.yaml",
            "weights",
        )
    },
}
"""Scripts of test-time adaptation by peer and by the name of their file."""
