"""Weights lie with their records, and no damage to them goes unnoticed or ends in a traceback."""

import io
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from da.methods import METHODS
from da.models import saved_weights
from da.models.backbone import Features
from da.models.backbones import build_backbone, frozen_backbone
from da.results import records
from da.runs.run import Run
from da.runs.trained_model import load_model
from da.system import cache
from da.system.cache import UnwritableError
from da.training.setup import assemble
from da.training.train import train

RUN = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=1,
    eval_every=1,
)
LATER = replace(RUN, init=RUN.id)


@pytest.fixture
def file() -> Path:
    """The stored weights of `RUN`."""
    train(RUN, device="cpu", save_weights=True, quiet=True)
    return saved_weights.weights_file(RUN.id)


def change(file: Path, **changes: Any) -> None:
    torch.save(torch.load(file, weights_only=True) | changes, file)


def forget_digest() -> None:
    """Make the record one of an earlier version."""
    record = records.get(RUN.id, Path("results"))
    assert record
    assert record.weights
    records.save(replace(record, weights=""), Path("results"))


def test_weights_lie_in_the_folder_of_their_record(tmp_path):
    train(RUN, device="cpu", save_weights=True, quiet=True, results=tmp_path / "here")
    assert (tmp_path / "here" / "weights" / f"{RUN.id}.pt").is_file()
    assert (tmp_path / "here" / f"{RUN.id}.json").is_file()
    assert not list(tmp_path.glob("home/**/*.pt"))
    assemble(LATER, "cpu", tmp_path / "here")
    with pytest.raises(ValueError, match=r"no weights of run '\w+' in results/weights: train or"):
        assemble(LATER, "cpu")


def test_two_projects_never_share_a_file(tmp_path):
    """The same settings, other data: a copy of the other project's file is refused."""
    for name, bias in (("one", 1.0), ("two", 2.0)):
        train(RUN, device="cpu", save_weights=True, quiet=True, results=tmp_path / name)
        stored = saved_weights.weights_file(RUN.id, tmp_path / name)
        change(stored, **{"head.0.bias": torch.tensor([bias, 0.0])})
        state = {k: v for k, v in torch.load(stored).items() if isinstance(v, torch.Tensor)}
        digest = saved_weights.hash_network(state, torch.load(stored))
        record = records.find(RUN.id, tmp_path / name)
        records.save(replace(record, weights=digest), tmp_path / name)
    for name, bias in (("one", 1.0), ("two", 2.0)):
        assert load_model(RUN.id, tmp_path / name).method.head[0].bias[0] == bias
    shutil.copy(stored, saved_weights.weights_file(RUN.id, tmp_path / "one"))
    with pytest.raises(ValueError, match=r"one/weights/.* does not belong to the record"):
        load_model(RUN.id, tmp_path / "one")


def test_weights_of_an_earlier_version_are_found_in_the_cache_and_may_be_moved(file):
    old = cache.cache_home() / "weights" / file.name
    old.parent.mkdir(parents=True)
    file.rename(old)
    with pytest.raises(ValueError, match=f"in results/weights: move {re.escape(str(old))} of an"):
        assemble(LATER, "cpu")
    old.rename(file)
    assemble(LATER, "cpu")


@pytest.mark.parametrize("id", ["../../evil", "pretraned", "x" * 500, "ABCDEF012345"])
def test_only_ids_name_files(id):
    with pytest.raises(ValueError, match="the id of a run is 12 digits from 0 to f, not"):
        build_backbone("mlp", id)


def test_a_frozen_backbone_is_prepared_again_where_its_weights_have_changed(file):
    first = frozen_backbone("mlp", RUN.id)
    assert frozen_backbone("mlp", RUN.id) is first
    os.utime(file, (1, 1))
    assert frozen_backbone("mlp", RUN.id) is not first


class Code:
    """What a pickle may hold: it makes a folder when it is read."""

    def __reduce__(self):
        return os.mkdir, ("evil",)


def keep_bytes(part: slice) -> Callable[[Path], Any]:
    return lambda file: file.write_bytes(file.read_bytes()[part])


def without(prefix: str) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        stored = torch.load(file, weights_only=True)
        torch.save({k: v for k, v in stored.items() if not k.startswith(prefix)}, file)

    return damage


def begin_with_itself(file: Path) -> None:
    without("backbone.")(file)
    change(file, origin=RUN.id)


def fill(part: str, number: float) -> Callable[[Path], None]:
    def damage(file: Path) -> None:
        stored = torch.load(file, weights_only=True)
        name = next(name for name in stored if re.match(rf"{part}.*weight", name))
        change(file, **{name: stored[name].fill_(number)})

    return damage


def flip_bit(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (keep_bytes(slice(0)), "damaged"),
    "short": (keep_bytes(slice(5000)), "damaged"),
    "less its last byte": (keep_bytes(slice(-1)), "damaged"),
    "less its first bytes": (keep_bytes(slice(100, None)), "damaged"),
    "text": (lambda file: file.write_text("weights"), "damaged"),
    "folder": (make_folder, "cannot be read"),
    "code": (lambda file: torch.save({"x": Code()}, file), "damaged"),
    "list": (lambda file: torch.save([1], file), "damaged"),
    "numbers as names": (lambda file: torch.save({1: torch.zeros(1)}, file), "damaged"),
    "text as weights": (lambda file: change(file, **{"head.0.bias": "x"}), "damaged"),
    "classes": (lambda file: change(file, classes=(1, 2)), "damaged"),
    "resize": (lambda file: change(file, resize=(8, "nearest", 1.0)), "damaged"),
    "side": (lambda file: change(file, stored_side="x"), "damaged"),
    "settings": (lambda file: change(file, settings=7), "damaged"),
    "other settings": (lambda file: change(file, settings=LATER.settings()), "does not belong"),
    "origin": (lambda file: change(file, origin="../../evil"), "damaged"),
    "begins with itself": (begin_with_itself, "begins with itself"),
    "no weight": (without("head."), "of another network"),
    "NaN": (fill("head", float("nan")), "not finite, in head.0."),
    "infinite": (fill("backbone", float("inf")), "not finite, in backbone."),
    "one bit": (flip_bit, "damaged"),
    "of another run": (lambda file: change(file, run="0" * 12), "of another run"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_one_line(file, name):
    """Also where the record is of an earlier version, and does not know its weights."""
    damage, said = DAMAGES[name]
    forget_digest()
    damage(file)
    with pytest.raises(ValueError, match=said) as error:
        load_model(RUN.id)
    assert "\n" not in str(error.value)
    assert not Path("evil").exists()


def test_weights_that_began_as_those_of_a_file_are_used(file):
    forget_digest()
    change(file, origin="file:0123456789abcdef")
    assert load_model(RUN.id).classes


@pytest.mark.parametrize("name", DAMAGES)
def test_a_record_knows_its_weights(file, name):
    """Each use of them is refused, with what to do."""
    DAMAGES[name][0](file)
    for use in (load_model, saved_weights.load_weights, saved_weights.weights_origin):
        with pytest.raises(ValueError, match="remove it and train or sweep the run again"):
            use(RUN.id)


def test_runs_that_begin_with_each_other_are_refused(file):
    one, two = RUN.id, "0" * 12
    for id, other in ((one, two), (two, one)):
        about = saved_weights.NetworkInfo(other)
        saved_weights.save_weights(id, {"head.0.bias": torch.zeros(1)}, about)
    records.record_path(Path("results"), one).unlink()
    with pytest.raises(ValueError, match=f"{two}.pt begins with itself"):
        saved_weights.weights_origin(one)


def test_a_wrong_record_is_named_and_not_its_weights(file):
    records.record_path(Path("results"), RUN.id).write_text("{")
    with pytest.raises(ValueError, match=f"results/{RUN.id}.json is no record"):
        assemble(LATER, "cpu")


@pytest.mark.slow
def test_a_file_of_any_length_is_one_line(file):
    """It is mapped into memory, where a part that is missing would end the process."""
    content, copy = file.read_bytes(), Path("results", "weights", "0" * 12 + ".pt")
    for length in [*range(0, len(content), 997), *range(len(content) - 99, len(content))]:
        copy.write_bytes(content[:length])
        with pytest.raises(ValueError, match="is damaged"):
            saved_weights.load_network_state("0" * 12)


def refuse_bytes(write: Callable[[Any, io.BufferedWriter], None]) -> Callable[..., None]:
    """Return a torch.save whose disk is full after the first bytes."""

    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, some: Any) -> int:
            raise OSError(28, "No space left on device")

    return lambda what, file: write(what, io.BufferedWriter(Full(), 100))


def test_a_full_disk_is_found_before_training(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    monkeypatch.setattr("da.training.train.fit", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises(UnwritableError, match=r"cannot write .*: it needs 0.1 MB, 0.0 MB"):
        train(RUN, device="cpu", save_weights=True, quiet=True)


def test_a_folder_that_cannot_be_written_is_found_before_training(monkeypatch):
    Path("results").mkdir()
    Path("results/weights").write_text("no folder")
    monkeypatch.setattr("da.training.train.fit", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises(UnwritableError, match="point --results elsewhere"):
        train(RUN, device="cpu", save_weights=True, quiet=True)


def test_weights_without_room_leave_the_record(monkeypatch):
    """torch.save raises a RuntimeError about positions."""
    monkeypatch.setattr(torch, "save", refuse_bytes(torch.save))
    message = "No space left on device; make room .*; only the record is stored, in results/"
    with pytest.raises(UnwritableError, match=message):
        train(RUN, device="cpu", save_weights=True, quiet=True)
    assert records.find(RUN.id, Path("results")).curve
    assert not list(Path("results/weights").iterdir())


def test_features_hold_a_copy_of_their_columns():
    """Others may write to the file that weights are mapped from."""
    columns = torch.tensor([1, 2])
    features = Features(5, columns)
    columns.zero_()
    assert features.columns.tolist() == [1, 2]
