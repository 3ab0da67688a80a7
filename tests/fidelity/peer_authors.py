"""Run the scripts of MME, SHOT, NRC and AaD from a user's clones, with our images and weights.

Each repository is a peer of its own. What does not run on a CPU or on current libraries is given
back by a shim. No line of the authors is in this file.
"""

import io
import runpy
import sys
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from da.ops.functional import reverse_gradient
from tests.fidelity import inputs
from tests.fidelity.script import Script, old_numpy
from tests.fidelity.spy import Spy, spying

BATCHES = 10
"""Batches of the target's images, which a script without source sees five times."""

FEATURES = ("backbone",) * 4 + ("bottleneck",) * 4
HEAD = ("head",) * 3


SOURCE_FREE = (
    "ten batches of target images in a fixed order, five times; max_epoch and interval are 5",
)


@contextmanager
def opened(folder: Path, **stand_ins: ModuleType) -> Iterator[None]:
    """Let a script in `folder` import its neighbors, and run on a CPU and on current libraries.

    Args:
        folder: Folder of the script.
        stand_ins: Modules that take the place of others; dots are written as two underscores.
    """
    known, stay = set(sys.modules), lambda self, *_, **__: self
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(patch.object(sys, "path", [str(folder), *sys.path]))
        stack.enter_context(old_numpy())
        for owner in (Tensor, nn.Module):
            stack.enter_context(patch.object(owner, "cuda", stay))
        try:
            sys.modules.update({name.replace("__", "."): m for name, m in stand_ins.items()})
            yield
        finally:
            for name in set(sys.modules) - known:
                if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                    del sys.modules[name]
            for name in stand_ins:
                sys.modules.pop(name.replace("__", "."), None)


def module(name: str, **names: Any) -> ModuleType:
    """Return a module that holds some names."""
    made = ModuleType(name)
    vars(made).update(names)
    return made


class _Buffer(Tensor):
    """A tensor that can be resized through its `data`, as in older versions of PyTorch."""

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]
    data = property(lambda self: self)


@contextmanager
def old_buffers() -> Iterator[None]:
    """Give back the buffers of older versions of PyTorch within the context."""
    makers = {"FloatTensor": torch.zeros, "LongTensor": lambda n: torch.zeros(n, dtype=torch.long)}
    with ExitStack() as stack:
        for name, make in makers.items():
            made = partial(lambda make, n: make(n).as_subclass(_Buffer), make)
            stack.enter_context(patch(f"torch.{name}", made))
        stack.enter_context(patch("torch.autograd.Variable", lambda x: x))
        yield


def run_mme(path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run `main.py` of SSDA_MME; the labeled target images are the other view's first ones."""
    steps = inputs.batches()
    source = [(step.x_s, step.y_s) for step in steps]
    shots = [(step.strong, step.y_s) for step in steps]
    target = [(step.x_t, step.y_s) for step in steps]
    loaders: tuple[Any, ...] = source, shots, target, [], [], range(inputs.CLASSES)
    data = module("utils.return_dataset", return_dataset=lambda args: loaders)
    arguments = ["main.py", "--steps", str(inputs.STEPS), "--checkpath", str(folder / "weights")]
    with opened(path, utils__return_dataset=data), ExitStack() as stack:
        net: Any = import_module("model.basenet")
        begin = net.Predictor.__init__
        net.AlexNetBase = inputs.Backbone
        net.grad_reverse = reverse_gradient
        net.Predictor.__init__ = lambda self, **s: begin(self, **s | {"inc": inputs.WIDTH})
        stack.enter_context(patch.object(sys, "argv", arguments))
        stack.enter_context(chdir(folder))
        stack.enter_context(old_buffers())
        stack.enter_context(spying(spy))
        found = runpy.run_path(str(path / "main.py"), run_name="__main__")
    return vars(found["args"])


class Loader(list[Any]):
    """Batches in a fixed order, with the iterators of older versions of PyTorch."""

    @property
    def dataset(self) -> range:
        return range(sum(len(batch[0]) for batch in self))

    def __iter__(self) -> "_Batches":
        return _Batches(super().__iter__())


class _Batches:
    def __init__(self, each: Iterator[Any]) -> None:
        self.each = each

    def __next__(self) -> Any:
        return next(self.each)

    next = __next__

    def __iter__(self) -> "_Batches":
        return self


def target_loader() -> Loader:
    """Return ten batches of target images, with class numbers that no loss reads, and positions."""
    steps = inputs.batches()[:BATCHES]
    positions = torch.arange(BATCHES * inputs.BATCH).split(inputs.BATCH)
    pairs = zip(steps, positions, strict=True)
    return Loader((step.x_t, index % 12, index) for step, index in pairs)


class _ParsedError(Exception):
    """A script has parsed its command line."""


def parse(script: Path, arguments: list[str]) -> Namespace:
    """Return the settings of a script by its own parser, and stop it there."""
    read, found = ArgumentParser.parse_args, []

    def kept(self: ArgumentParser, *args: Any) -> Any:
        found.append(read(self, *args))
        raise _ParsedError

    with (
        patch.object(ArgumentParser, "parse_args", kept),
        patch.object(sys, "argv", [script.name, *arguments]),
    ):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except _ParsedError:
            return found[0]
    raise ValueError(f"{script} parses no command line")


def run_source_free(script: Path, spy: Spy, folder: Path, **changed: Any) -> dict[str, Any]:
    """Run the adaptation of a script without source, for five passes over the target.

    Args:
        script: File of the script.
        spy: What notes.
        folder: Folder for files.
        changed: Settings in place of the script's defaults.
    """
    with opened(script.parent, cv2=module("cv2")), ExitStack() as stack:
        args = parse(script, [])
        vars(args).update({"max_epoch": 5, "interval": 5, "name": "", **changed})
        args.output_dir_src = args.output_dir = str(folder)
        args.out_file, args.issave = io.StringIO(), False
        code: Any = import_module(script.stem)
        loader = target_loader()
        code.data_load = lambda args: {"target": loader, "test": loader}
        code.network.ResBase = lambda res_name: Base()
        code.cal_acc = lambda *_, **__: (0.0, "")
        spy.initial["head"] = _write_source(code.network, args, folder)
        numbers = patch("torch.randn", lambda *shape: torch.zeros(shape))
        stack.enter_context(numbers)
        stack.enter_context(spying(spy))
        code.train_target(args)
    hidden = "output_dir_src", "output_dir", "out_file"
    return {name: value for name, value in vars(args).items() if name not in hidden}


class Base(inputs.Backbone):
    @property
    def in_features(self) -> int:
        return self.width


def _write_source(network: Any, args: Namespace, folder: Path) -> dict[str, Any]:
    """Write the source model's weights, and return what tells those of its classifier."""
    neck = getattr(network, "feat_bottleneck", None) or network.feat_bootleneck
    width = {"bottleneck_dim": args.bottleneck}
    parts = {
        "backbone": Base(),
        "bottleneck": neck(type=args.classifier, feature_dim=inputs.WIDTH, **width),
        "head": network.feat_classifier(type=args.layer, class_num=args.class_num, **width),
    }
    for letter, (role, part) in zip("FBC", parts.items(), strict=True):
        inputs.fill(role, part.parameters())
        torch.save(part.state_dict(), folder / f"source_{letter}.pt")
    return inputs.describe(list(parts["head"].parameters()))


def run_shot(path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run `object/image_target.py` of SHOT on Office's defaults, with five classes."""
    script = path / "object" / "image_target.py"
    changed = {"dset": "office", "class_num": inputs.CLASSES, "bottleneck": inputs.WIDTH}
    return run_source_free(script, spy, folder, **changed)


def run_nrc(path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run `train_tar.py` of NRC, which has twelve classes and 256 features in its lines."""
    return run_source_free(path / "train_tar.py", spy, folder, class_num=12)


def run_aad(path: Path, spy: Spy, folder: Path) -> dict[str, Any]:
    """Run `tar_adaptation.py` of AaD, with the classes and features in its lines."""
    return run_source_free(path / "tar_adaptation.py", spy, folder, class_num=12)


AUTHORS: dict[str, Script] = {
    "mme": Script(
        "https://github.com/VisionLearningGroup/SSDA_MME",
        "main.py",
        (("backbone",) * 4, ("head",)),
        run_mme,
        arguments=("--steps", str(inputs.STEPS)),
        changes=(f"the predictor reads {inputs.WIDTH} features, not 4096",),
    ),
    "shot": Script(
        "https://github.com/tim-learn/SHOT",
        "object/image_target.py",
        (FEATURES,),
        run_shot,
        changes=SOURCE_FREE,
    ),
    "nrc": Script(
        "https://github.com/Albert0147/NRC_SFDA",
        "train_tar.py",
        (FEATURES, HEAD),
        run_nrc,
        changes=SOURCE_FREE,
    ),
    "aad": Script(
        "https://github.com/Albert0147/AaD_SFDA",
        "tar_adaptation.py",
        (FEATURES, HEAD),
        run_aad,
        changes=SOURCE_FREE,
    ),
}
"""Authors' scripts by the name of the method."""
