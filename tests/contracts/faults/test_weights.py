"""Damaged weights give one line that names them, or the same answers as before."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.contracts.faults.children import call_in_child, da
from tests.contracts.faults.outcomes import (
    FAILED,
    FAULT,
    REFUSED,
    RESULT,
    Outcome,
    Tally,
    run_command,
)
from tests.contracts.faults.test_command_lines import GOOD
from tests.fixtures.pictures import class_folders

PREDICT = "predict RUN A/cat B/dog --csv"
BEGIN = (
    "train --task folder:A-B --backbone lenet --init RUN --regime full --side 28 --neck 8 --steps 1"
    " --batch 6 --wandb off source_only"
)


class Evil:
    """An object whose pickle runs code."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return shutil.copyfile, ("lab.py", "evil")


def cut(share: float) -> Callable[[Path], None]:
    """Return a function that shortens a file to a share of it."""
    return lambda file: file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])


def edit(change: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Return a function that changes what is stored in a file of weights."""

    def write(file: Path) -> None:
        stored = torch.load(file, weights_only=True)
        change(stored)
        torch.save(stored, file)

    return write


def fill(value: float) -> Callable[[dict[str, Any]], None]:
    """Return a function that sets one weight of every tensor."""

    def change(stored: dict[str, Any]) -> None:
        for tensor in stored.values():
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point():
                tensor[(0,) * tensor.ndim] = value

    return change


def drop_head(stored: dict[str, Any]) -> None:
    """Remove the weights of the head."""
    for name in [name for name in stored if name.startswith("head")]:
        del stored[name]


def as_folder(file: Path) -> None:
    """Put a folder in the place of a file."""
    file.unlink()
    file.mkdir()


DAMAGES: dict[str, Callable[[Path], Any]] = {
    **{f"cut to {share}": cut(share) for share in (0, 0.01, 0.3, 0.7, 0.99)},
    "garbage": lambda file: file.write_bytes(bytes(range(256)) * 40),
    "text": lambda file: file.write_text("<html>not found</html>"),
    "code": lambda file: file.write_bytes(pickle.dumps({"a": Evil()}, protocol=2)),
    "a list": lambda file: torch.save([1, 2], file),
    "a tensor": lambda file: torch.save(torch.ones(3), file),
    "not a number": edit(fill(float("nan"))),
    "infinite": edit(fill(float("inf"))),
    "no head": edit(drop_head),
    "no classes": edit(lambda stored: stored.pop("classes")),
    "fewer classes": edit(lambda stored: stored.update(classes=("cat",))),
    "odd classes": edit(lambda stored: stored.update(classes=3)),
    "odd size": edit(lambda stored: stored.update(stored_side=-3, resize=("x", 0))),
    "odd settings": edit(lambda stored: stored.update(settings={"method": "nothing"})),
    "begins with itself": edit(lambda stored: stored.update(origin="RUN")),
    "folder": as_folder,
}


@pytest.fixture
def kept(lab: Path) -> Path:
    """A folder with one finished run whose weights are stored."""
    class_folders(lab, each=4)
    (lab / "lab.py").write_text(GOOD)
    done = da(lab, "sweep", "lab.py", "--wandb", "off", "--save-weights")
    assert done.kind == RESULT, done.said
    return lab


def damaged(name: str, file: Path) -> list[Outcome]:
    """Damage the weights, then predict with them and begin a training with them."""
    run = file.stem
    want = run_command(PREDICT.replace("RUN", run).split())
    assert want.kind == RESULT, want.said
    good = file.read_bytes()
    DAMAGES[name](file)
    if name == "begins with itself":
        edit(lambda stored: stored.update(origin=run))(file)
    found = []
    for words in (PREDICT, BEGIN):
        done = run_command(words.replace("RUN", run).split(), seconds=20)
        unnamed = done.kind in (REFUSED, FAILED) and run not in done.said
        unnamed &= not (words == BEGIN and done.kind == FAILED)  # it did begin, and diverged
        other = words == PREDICT and done.kind == RESULT and done.printed != want.printed
        done = Outcome(f"{words.split()[0]}, {name}", done.kind, done.said)
        found.append(done.unless(unnamed, "names no file").unless(other, "other answers"))
    shutil.rmtree(file) if file.is_dir() else file.unlink()
    file.write_bytes(good)
    return found


def test_20_damaged_weights(kept, tally: Tally):
    (record,) = (kept / "results").glob("*.json")
    (file,) = (f for f in kept.parent.rglob("*.pt") if f.stem == record.stem)
    outcomes = [o for name in DAMAGES for o in call_in_child(kept, damaged, name, file)]
    ran = (kept / "evil").exists()
    outcomes.append(Outcome("code", FAULT if ran else RESULT, "code in the file was run"))
    tally.check(outcomes)
