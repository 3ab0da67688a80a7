"""Weights that plain torch wrote, under the names that other code bases give them."""

import argparse
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from da.methods.source_only import SourceOnly
from da.models import checkpoint_files
from da.models.backbone import fingerprint
from da.models.backbones import build_backbone, frozen_backbone
from da.models.backbones.lenet import build
from da.runs.run import Run
from da.system.content_files import find_file, name_file

RUN = Run(SourceOnly.Hparams(), "digits:mnist-mnistm", "lenet", regime="full", init="random")


@pytest.fixture
def weights():
    """Weights of a body of lenet, with a classifier."""
    torch.manual_seed(3)
    state = build().body.state_dict()
    return state | {"fc.weight": torch.ones(10, 768), "fc.bias": torch.ones(10)}


def loaded(path) -> dict:
    return build_backbone("lenet", name_file(path)).body.state_dict()


def prefixed(prefix: str, state: dict) -> dict:
    return {f"{prefix}{name}": x for name, x in state.items()}


def zeros(state: dict) -> dict:
    return {name: torch.zeros_like(x) for name, x in state.items()}


NESTED = {
    "plain": lambda w: w,
    "lightning": lambda w: {"epoch": 3, "state_dict": prefixed("model.", w)},
    "moco": lambda w: {
        "arch": "lenet",
        "state_dict": prefixed("module.encoder_q.", w)
        | prefixed("module.encoder_k.", zeros(w))
        | {"module.queue": torch.ones(3)},
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(3)}}},
    },
    "teacher": lambda w: {"student": zeros(w), "teacher": w, "args": argparse.Namespace(lr=1)},
    "deep": lambda w: {"x": {"net": {"module": prefixed("backbone.", w)}}},
}


@pytest.mark.parametrize("nest", NESTED.values(), ids=NESTED)
def test_weights_are_found_wherever_a_file_has_them(tmp_path, weights, nest):
    torch.save(nest(weights), file := tmp_path / "any.pth")
    assert all(x.equal(weights[name]) for name, x in loaded(file).items())


def test_safetensors_are_read_whatever_they_are_called(tmp_path, weights):
    save_file(weights, file := tmp_path / "any.bin")
    assert all(x.equal(weights[name]) for name, x in loaded(file).items())


def test_what_does_not_match_is_told_once(tmp_path, weights, capsys):
    checkpoint_files._say.cache_clear()
    weights |= {"3.running": torch.ones(3)}
    del weights["3.bias"]
    torch.save(prefixed("module.", weights), file := tmp_path / "mine.pth")
    first, second = loaded(file), loaded(file)
    assert capsys.readouterr().err == (
        "mine.pth (without module.): 3 weights of lenet; not in the file, so random: 3.bias; "
        "not used: 3.running, fc.bias, fc.weight\n"
    )
    assert first["3.bias"].equal(second["3.bias"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: {"0.weight": w["0.weight"]}, r"x\.pth has 1 of the 4 weights of lenet: it is"),
        (lambda w: {"a": torch.ones(2)}, r"has 0 of the 4 weights of lenet.*; it lacks 0\.bias"),
        (
            lambda w: w | {"0.weight": torch.ones(32, 1, 5, 5)},
            "0.weight is 32 x 1 x 5 x 5, and 32 x 3 x 5 x 5 in lenet",
        ),
        (lambda w: nn.Linear(2, 2), r"holds code \(torch.nn.modules.linear.Linear\), which is not"),
        (lambda w: torch.ones(3), "holds Tensor, and not weights by name"),
    ],
)
def test_a_file_of_something_else_is_told(tmp_path, weights, change, said):
    torch.save(change(weights), file := tmp_path / "x.pth")
    with pytest.raises(ValueError, match=said):
        loaded(file)


@pytest.mark.parametrize("content", [b"", b"photo", b"PK\x03\x04zip", b"12345678{}"])
def test_a_file_of_no_weights_is_told(tmp_path, content):
    (file := tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.pth is no checkpoint of torch or safetensors"):
        loaded(file)


def test_a_run_is_named_by_what_the_file_holds(tmp_path, weights):
    torch.save(weights, file := tmp_path / "a.pth")
    first = replace(RUN, init=str(file))
    assert first.init == name_file(file)
    (tmp_path / "b.pth").write_bytes(file.read_bytes())
    assert replace(RUN, init=str(tmp_path / "b.pth")).id == first.id
    assert Run.of(first.settings()) == first
    torch.save(zeros(weights), file)
    assert replace(RUN, init=str(file)).id != first.id


def test_a_file_that_moved_is_found_where_it_was_seen_again(tmp_path, weights):
    torch.save(weights, file := tmp_path / "a.pth")
    name, moved = name_file(file), tmp_path / "b.pth"
    file.rename(moved)
    with pytest.raises(ValueError, match=r"a.pth is gone or has changed; give it again"):
        find_file(name)
    assert name_file(moved) == name
    assert find_file(name) == moved
    with pytest.raises(ValueError, match="was not seen on this machine"):
        find_file("file:0123456789abcdef")


@pytest.mark.parametrize("text", ["nosuch.pth", "weights/nosuch"])
def test_no_such_file_is_told(text):
    with pytest.raises(ValueError, match=f"no file .*{text}"):
        replace(RUN, init=text)


def test_frozen_features_depend_on_the_weights_and_not_on_the_file(tmp_path, weights):
    torch.save(weights, tmp_path / "a.pth")
    torch.save({"state_dict": prefixed("module.", weights)}, tmp_path / "b.pth")
    names = [name_file(tmp_path / file) for file in ("a.pth", "b.pth")]
    first, second = (frozen_backbone("lenet", name) for name in names)
    assert names[0] != names[1]
    assert first.digest == second.digest == fingerprint(build_backbone("lenet", names[0]))


@pytest.mark.slow
def test_a_network_of_torchvision_gives_the_features_of_the_module(tmp_path):
    from torchvision import models

    torch.manual_seed(0)
    network = models.resnet18().eval()
    state = prefixed("module.encoder_q.", network.state_dict())
    torch.save({"state_dict": state}, tmp_path / "moco.pth.tar")
    network.fc = nn.Identity()
    backbone = build_backbone("resnet18", name_file(tmp_path / "moco.pth.tar")).eval()
    x = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert backbone(x).equal(network(backbone.normalize(x)))


@pytest.mark.slow
def test_a_file_of_a_vision_transformer_is_resampled_to_the_runs_size(tmp_path):
    import timm

    state = timm.create_model("test_vit").state_dict()
    torch.save(prefixed("backbone.", state), tmp_path / "vit.pth")
    body = build_backbone("test_vit", name_file(tmp_path / "vit.pth"), side=96).body
    assert body.pos_embed.shape[1] == 37
    assert body.pos_embed[:, 0].equal(state["pos_embed"][:, 0])
    assert body.blocks[1].mlp.fc1.weight.equal(state["blocks.1.mlp.fc1.weight"])


def test_a_backbone_without_weights_takes_no_file(tmp_path, weights):
    torch.save(weights, file := tmp_path / "x.pth")
    with pytest.raises(ValueError, match="identity has no weights: it takes no file"):
        build_backbone("identity", name_file(file))


def test_weights_that_are_not_finite_are_told(tmp_path, weights):
    torch.save({name: x * float("nan") for name, x in weights.items()}, file := tmp_path / "x.pth")
    with pytest.raises(ValueError, match=r"x\.pth: .* holds numbers that are not finite"):
        loaded(file)
