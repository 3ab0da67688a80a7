"""Run the script of ATDOC from a user's clone, with our images and weights.

No line of the authors is in this file.
"""

import io
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.fidelity import inputs
from tests.fidelity.peer_authors import Base, Loader, opened, parse
from tests.fidelity.script import Script
from tests.fidelity.spy import Spy, spying

ARGUMENTS = ["--pl", "atdoc_na", "--max_epoch", "1", "--bottleneck_dim", str(inputs.WIDTH)]


def memory(images: int, width: int) -> Tensor:
    """Return the features of images that were not seen yet, from which the memory begins."""
    return inputs.rounded((inputs.stream("memory", images, width) + 1) / 2)


def run_atdoc(path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run the training of `demo_uda.py` with five classes.

    Args:
        path: The clone.
        spy: What notes.
        folder: Folder for files.
    """
    steps = inputs.batches()
    places = torch.arange(inputs.STEPS * inputs.BATCH).split(inputs.BATCH)
    pairs = zip(steps, places, strict=True)
    loaders = {
        "source": Loader((step.x_s, step.y_s) for step in steps),
        "target": Loader((step.x_t, step.y_s, place) for step, place in pairs),
        "test": [],
    }
    none, even = torch.zeros(1), torch.full((1, inputs.CLASSES), 1 / inputs.CLASSES)
    with opened(path), ExitStack() as stack:
        args = parse(path / "demo_uda.py", ARGUMENTS)
        settings = {"pl": f"atdoc_na{args.K}", "class_num": inputs.CLASSES}
        vars(args).update(settings, eval_epoch=1, name="", out_file=io.StringIO())
        code: Any = import_module("demo_uda")
        code.data_load = lambda args: loaders
        code.utils.ResBase50 = Base
        code.utils.cal_acc = lambda *_: (0.0, none, even, none)
        stack.enter_context(patch("torch.rand", memory))
        stack.enter_context(spying(spy))
        code.train(args)
    hidden = "out_file", "gpu_id", "output"
    return {name: value for name, value in vars(args).items() if name not in hidden}


def begin(width: int) -> Tensor:
    """Return the memory's features at the beginning, each of length 1."""
    return F.normalize(memory(inputs.STEPS * inputs.BATCH, width))


ATDOC = Script(
    "https://github.com/tim-learn/ATDOC",
    "demo_uda.py",
    (("backbone",), ("top",)),
    run_atdoc,
    arguments=tuple(ARGUMENTS),
    changes=(f"{inputs.CLASSES} classes",),
)
"""The script of ATDOC."""
