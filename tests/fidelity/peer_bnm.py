"""Run the script of BNM from a user's clone, with our images and weights.

No line of the authors is in this file.
"""

import os
import runpy
import sys
from contextlib import ExitStack, chdir
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from torch import nn

from tests.fidelity import inputs
from tests.fidelity.peer_authors import Loader, opened
from tests.fidelity.script import Script
from tests.fidelity.spy import Spy, spying

ARGUMENTS = ("--num_iterations", str(inputs.STEPS), "--test_interval", str(inputs.STEPS))
NOTHING = "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool"


def resnet(pretrained: bool) -> nn.Module:
    """Build what stands for a ResNet: a backbone of one layer, by the names of a ResNet's parts."""
    made, parts = nn.Module(), inputs.Backbone()
    for name in NOTHING:
        made.add_module(name, nn.Identity())
    for name, part in zip(("conv1", "bn1", "relu"), parts, strict=True):
        made.add_module(name, part)
    made.add_module("fc", nn.Linear(inputs.WIDTH, inputs.CLASSES))
    return made


def run_bnm(path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run `DA/BNM/train_image.py` of BNM with five classes.

    Args:
        path: The clone.
        spy: What notes.
        folder: Folder for files.
    """
    steps = inputs.batches()
    loaders = {
        "source": Loader((step.x_s, step.y_s) for step in steps),
        "target": Loader((step.x_t, step.y_s) for step in steps),
    }
    script = path / "DA" / "BNM" / "train_image.py"
    words = [script.name, *ARGUMENTS]
    for name in loaders:
        (folder / name).write_text(f"{name}\n")
        words += [f"--{name[0]}_dset_path", str(folder / name)]
    with opened(script.parent), ExitStack() as stack:
        net: Any = import_module("network")
        begin = net.ResNetFc.__init__
        net.resnet_dict["ResNet50"] = resnet
        net.ResNetFc.__init__ = lambda self, **s: begin(self, **s | {"class_num": inputs.CLASSES})
        import_module("data_list").ImageList = lambda lines, **_: loaders[lines[0].strip()]  # type: ignore[attr-defined]
        stack.enter_context(patch("torch.utils.data.DataLoader", lambda data, **_: data))
        stack.enter_context(patch("torch.autograd.Variable", lambda x: x))
        stack.enter_context(patch("torch.save", lambda *_: None))
        stack.enter_context(patch.dict(os.environ))
        stack.enter_context(patch.object(sys, "argv", words))
        stack.enter_context(chdir(folder))
        stack.enter_context(spying(spy))
        found = runpy.run_path(str(script), run_name="__main__")
    hidden = "s_dset_path", "t_dset_path", "gpu_id", "output_dir"
    return {name: value for name, value in vars(found["args"]).items() if name not in hidden}


BNM = Script(
    "https://github.com/cuishuhao/BNM",
    "DA/BNM/train_image.py",
    (("backbone", "head"),),
    run_bnm,
    arguments=ARGUMENTS,
    changes=(f"the classifier tells {inputs.CLASSES} classes, not 65",),
)
"""The script of BNM for Office-Home."""
