"""Files of weights that other programs wrote, as the first weights of a backbone."""

import argparse
import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from da.config.validation import shorten_names

State = dict[str, Tensor]

FIRST = "state_dict", "model", "net", "network", "module", "backbone", "encoder", "teacher"
"""Parts of a file that are preferred where several fit equally well."""


class Fit(NamedTuple):
    """The weights of a file by the names of a network."""

    state: State
    place: str
    """Part of the file, and the prefix of the names in it."""
    used: int
    """Number of weights of the network that have a shape of their own in `state`."""


def load_checkpoint(network: nn.Module, path: Path, name: str) -> None:
    """Load the weights of a file into a network, and say which of its weights the file lacks.

    Args:
        network: Backbone that is changed.
        path: File of torch or safetensors.
        name: Name of the backbone in messages.

    Raises:
        ValueError: If the file holds no weights, or those of another network.
    """
    own = getattr(network, "body", network)
    wanted = own.state_dict()
    if not wanted:
        raise ValueError(f"{name} has no weights: it takes no file, leave init out")
    found = max(
        (fit for part, state in _parts(read_checkpoint(path)) for fit in _fits(own, state, part)),
        key=lambda fit: fit.used,
        default=Fit({}, "", 0),
    )
    missing = [k for k in wanted if k not in found.state and not k.endswith("batches_tracked")]
    if fault := _find_fault(found, wanted, missing, name):
        raise ValueError(f"{path}{fault}")
    own.load_state_dict({k: found.state[k] for k in wanted if k in found.state}, strict=False)
    _report(path, name, found, missing, [key for key in found.state if key not in wanted])


def _find_fault(found: Fit, wanted: State, missing: list[str], name: str) -> str:
    """Say why weights are not those of a network, after the name of their file; "" if they are."""
    if 2 * found.used <= len(wanted):
        return (
            f" has {found.used} of the {len(wanted)} weights of {name}: it is of another network; "
            f"it lacks {shorten_names(missing or wanted)}"
        )
    for key in (key for key in wanted if key in found.state):
        if found.state[key].shape != wanted[key].shape:
            theirs, ours = (_shape(x) for x in (found.state[key], wanted[key]))
            return f": {key} is {theirs}, and {ours} in {name}"
        if not found.state[key].isfinite().all():
            return f": {key} holds numbers that are not finite"
    return ""


def _report(path: Path, name: str, found: Fit, missing: list[str], unused: list[str]) -> None:
    """Say once which part of a file is used, and what did not match; nothing for a plain fit."""
    notes = [f"not in the file, so random: {shorten_names(missing)}"] if missing else []
    notes += [f"not used: {shorten_names(unused)}"] if unused else []
    if notes or found.place:
        place = f" ({found.place})" if found.place else ""
        _say("; ".join([f"{path.name}{place}: {found.used} weights of {name}", *notes]))


@cache
def _say(text: str) -> None:
    """Print a line once in a process, however many runs it concerns."""
    print(text, file=sys.stderr)


def read_checkpoint(path: Path) -> Mapping[Any, Any]:
    """Read a file of torch or safetensors without running code that is in it.

    Raises:
        ValueError: If it is no such file, or needs code to be read.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if file.read(9)[8:] == b"{":
                from safetensors.torch import load_file

                return load_file(path)
            with torch.serialization.safe_globals([argparse.Namespace]):
                found = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch has all kinds of errors for a file that is none of its own
        if kind := re.search(r"Unsupported (?:global: GLOBAL|class) ([\w.]+)", str(error)):
            raise ValueError(
                f"{path} holds code ({kind[1]}), which is not run: store weights alone, by "
                "torch.save(module.state_dict(), FILE)"
            ) from error
        raise ValueError(f"{path} is no checkpoint of torch or safetensors") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"{path} holds {type(found).__name__}, and not weights by name")
    return found


def _parts(found: Mapping[Any, Any], place: str = "") -> Iterator[tuple[str, State]]:
    """Yield each part of a file that holds weights by name, preferred parts first."""
    own = {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, Tensor)}
    if own:
        yield place, own
    if place.count(".") > 2:
        return
    order = {name: i for i, name in enumerate(FIRST)}
    for name in sorted(filter(str.__instancecheck__, found), key=lambda k: order.get(k, 99)):
        if isinstance(found[name], Mapping):
            yield from _parts(found[name], f"{place}.{name}".lstrip("."))


def _fits(network: nn.Module, state: State, part: str) -> Iterator[Fit]:
    """Yield the ways in which a part of a file may be a network's weights."""
    wanted = network.state_dict()
    prefix = _prefix(state, wanted)
    plain = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    place = ", ".join(filter(None, [part, f"without {prefix}" if prefix else ""]))
    for candidate in (plain, resample(network, plain), resample(network, state)):
        used = sum(1 for k in wanted if k in candidate and candidate[k].shape == wanted[k].shape)
        yield Fit(candidate, place, used)


def _prefix(state: State, wanted: Mapping[str, Tensor]) -> str:
    """Return what stands in front of most of the names that are wanted; of equals, the first."""
    found: Counter[str] = Counter()
    for key in state:
        parts = key.split(".")
        for i in range(len(parts)):
            if ".".join(parts[i:]) in wanted:
                found["".join(f"{part}." for part in parts[:i])] += 1
                break
    return found.most_common(1)[0][0] if found else ""


def resample(network: nn.Module, state: State) -> State:
    """Return weights as timm converts them for one of its networks, to its size and names.

    Weights that it cannot convert, and those of other networks, stay as they are.
    """
    convert = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    if convert is None:
        return state
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return convert(dict(state), network)
    except Exception:  # a converter expects weights of its own network
        return state


def _shape(x: Tensor) -> str:
    return " x ".join(map(str, x.shape)) or "one number"
