"""Run the example scripts of Transfer-Learning-Library from a user's clone.

A script runs as it is, with its own command line. In place of its data, its backbone and its log
files it gets ours; its discriminators are narrower. No line of the library is in this file.
"""

import io
import runpy
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from importlib import import_module
from itertools import count
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import torch
from torch import nn

from tests.fidelity import inputs
from tests.fidelity.cases_tllib import Case
from tests.fidelity.script import old_numpy
from tests.fidelity.spy import Spy, spying

REPOSITORY = "https://github.com/thuml/Transfer-Learning-Library"
FOLDERS = "examples/domain_adaptation"
SCRIPTS = f"{FOLDERS}/image_classification"

BARE = (
    "tllib",
    *(
        f"tllib.{name}"
        for name in ("alignment", "modules", "normalization", "self_training", "utils", "vision")
    ),
)
"""Packages that are opened without what they import, such as networks for detection."""


@contextmanager
def opened(path: Path, folder: str = "image_classification") -> Iterator[Path]:
    """Open a clone, so that its modules can be imported; yield a folder of its scripts."""
    scripts = path / FOLDERS / folder
    known = set(sys.modules)
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stack.enter_context(patch.object(sys, "path", [str(scripts), *sys.path]))
        stack.enter_context(old_numpy())
        _add_modules(path)
        try:
            yield scripts
        finally:
            for name in set(sys.modules) - known:
                if name.partition(".")[0] in ("tllib", "utils", "prettytable"):
                    del sys.modules[name]


def _add_modules(path: Path) -> None:
    """Add modules that stand for packages, for loggers, plots, data sets and tables."""
    for name in BARE:
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(path.joinpath(*name.split(".")))]
    _stand_in("prettytable", PrettyTable=None)
    _stand_in("tllib.utils.analysis", collect_feature=None, tsne=None, a_distance=None)
    _stand_in("tllib.utils.logger", CompleteLogger=_Logger)
    _stand_in("tllib.vision.datasets")
    _stand_in("tllib.vision.datasets.imagelist", MultipleDomainsDataset=None)
    for name in ("partial", "openset"):
        _stand_in(f"tllib.vision.datasets.{name}", default_partial=None, default_open_set=None)
    _stand_in("tllib.vision.models")


def _stand_in(name: str, **names: Any) -> None:
    sys.modules[name] = ModuleType(name)
    vars(sys.modules[name]).update(names)
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, sys.modules[name])


class _Logger:
    """A log whose only file is the checkpoint."""

    def __init__(self, folder: str, phase: str) -> None:
        self.file = Path(folder) / "checkpoint"

    def get_checkpoint_path(self, name: str) -> str:
        return str(self.file)

    def close(self) -> None:
        """Do nothing: nothing is open."""


def run_script(case: Case, path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run a script for 50 steps, and return the settings that it ran by.

    Args:
        case: The script, its arguments and the roles of its parameters.
        path: The clone.
        spy: What notes.
        folder: Folder for temporary files.
    """
    settings: dict[str, Any] = {}
    with opened(path, case.folder) as scripts, ExitStack() as stack:
        stack.enter_context(redirect_stdout(io.StringIO()))
        _replace_utils(case)
        _narrow_discriminators()
        arguments = [*_arguments(case, folder), *case.arguments]
        stack.enter_context(patch.object(sys, "argv", [f"{case.script}.py", *arguments]))
        stack.enter_context(patch("torch.cuda.is_available", lambda: False))
        stack.enter_context(patch("torch.utils.data.DataLoader", lambda data, **_: data))
        numbers = count()
        stack.enter_context(patch("torch.randn", lambda *s: inputs.random_map(next(numbers), *s)))
        stack.enter_context(_kept_settings(settings))
        stack.enter_context(spying(spy))
        runpy.run_path(str(scripts / f"{case.script}.py"), run_name="__main__")
    return settings


def _arguments(case: Case, folder: Path) -> list[str]:
    """Return what the command lines of all scripts say."""
    steps, wide = str(inputs.STEPS), str(inputs.WIDTH)
    found = ["none", "-d", "ours", "-a", "ours", "--no-pool", "--epochs", "1", "-i", steps]
    found += ["-b", str(inputs.BATCH), "-s", "S", "-t", "T", "--log", str(folder)]
    if case.script != "erm":
        found += ["--bottleneck-dim", wide]
    if case.pretrained:
        found += ["--pretrain", _pretrained(case, folder)]
    return found


def _pretrained(case: Case, folder: Path) -> str:
    """Write the weights with which a script begins that pretrains otherwise."""
    kind = import_module(case.pretrained).ImageClassifier
    model = kind(
        inputs.Backbone(), inputs.CLASSES, bottleneck_dim=inputs.WIDTH, pool_layer=nn.Identity()
    )
    for role in ("backbone", "bottleneck", "head"):
        inputs.fill(role, getattr(model, role).parameters())
    torch.save(model.state_dict(), folder / "pretrained")
    return str(folder / "pretrained")


@contextmanager
def _kept_settings(settings: dict[str, Any]) -> Iterator[None]:
    from argparse import ArgumentParser

    parse = ArgumentParser.parse_args

    def kept(self: ArgumentParser, *args: Any) -> Any:
        found = parse(self, *args)
        settings.update(vars(found))
        return found

    with patch.object(ArgumentParser, "parse_args", kept):
        yield


def _replace_utils(case: Case) -> None:
    """Replace the scripts' data, backbone and evaluation by ours."""
    utils = import_module("utils")
    steps = inputs.batches(case.target_images)
    source = [(step.x_s, step.y_s) for step in steps]
    none = torch.full((inputs.BATCH * case.target_images,), -1)
    target = _Batches((case.views(step), none) for step in steps)
    test = _Batches((step.x_t, step.y_s * 0) for step in steps[:1])
    names = SimpleNamespace(
        get_model_names=lambda: ["ours"],
        get_dataset_names=lambda: ["ours"],
        get_model=lambda *_, **__: inputs.Backbone(),
        get_dataset=lambda *_, **__: (source, target, test, test, case.classes, ()),
        validate=lambda *_: 0.0,
    )
    vars(utils).update(vars(names))


class _Batches(list[Any]):
    """Batches that know the classes of their data set."""

    partial_classes_idx: ClassVar = [0, 1]
    classes = range(inputs.CLASSES + 1)

    @property
    def dataset(self) -> "_Batches":
        return self


def _narrow_discriminators() -> None:
    kind = import_module("tllib.modules.domain_discriminator").DomainDiscriminator
    begin = kind.__init__

    def narrow(self: Any, in_feature: int, hidden_size: int, **settings: Any) -> None:
        begin(self, in_feature, inputs.HIDDEN, **settings)

    kind.__init__ = narrow
