"""Networks of timm that have one size of images, at other sizes, and the names of their weights."""

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from da.models.backbone import check_fit
from da.models.backbones import build_backbone, frozen_backbone
from da.models.backbones._timm import import_timm

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A cache of the hub with weights of timm's smallest ViT, as `huggingface_hub` lays it out."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    torch.manual_seed(0)
    network = import_timm().create_model("test_vit")
    store(tmp_path / "hub/models--timm--test_vit.r160_in1k", network.state_dict())
    return network


def store(repository: Path, state: dict) -> Path:
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text("0" * 40)
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    save_file(state, snapshot / "model.safetensors")
    return snapshot


@pytest.mark.parametrize("name", ["test_vit", "swin_tiny_patch4_window7_224", "convnext_atto"])
def test_networks_take_images_of_the_size_that_is_asked_for(name):
    backbone = build_backbone(name, "random", side=64)
    check_fit(backbone, name, torch.rand(2, 3, 64, 64))
    assert backbone.eval()(torch.rand(2, 3, 64, 64)).shape == (2, backbone.width)


def test_position_embeddings_are_those_of_the_weights_resampled(hub):
    same, other = build_backbone("test_vit", side=160), build_backbone("test_vit", side=96)
    assert same.body.pos_embed.equal(hub.pos_embed)
    assert other.body.pos_embed.shape[1] == 1 + (96 // 16) ** 2
    assert other.body.pos_embed[:, 0].equal(hub.pos_embed[:, 0])
    assert other.body.blocks[0].attn.qkv.weight.equal(hub.blocks[0].attn.qkv.weight)
    x = torch.rand(2, 3, 160, 160)
    with torch.no_grad():
        features = hub.eval().forward_head(hub.forward_features(same.normalize(x)), pre_logits=True)
        torch.testing.assert_close(same.eval()(x), features)


def test_a_size_that_cannot_be_had_is_told_with_those_that_can(hub):
    with pytest.raises(ValueError, match=r"test_vit does not fit images of 8 x 8 .*side 32 or 64"):
        check_fit(build_backbone("test_vit", side=8), "test_vit", torch.rand(2, 3, 8, 8))
    name = "efficientformer_l1"
    with pytest.raises(ValueError, match=f"{name} does not fit .* 96 x 96 pixels, known: side 224"):
        check_fit(build_backbone(name, "random", side=96), name, torch.rand(2, 3, 96, 96))


def test_weights_of_one_size_alone_are_told(monkeypatch):
    def refuse(name, pretrained, **_):
        raise RuntimeError("Error(s) in loading state_dict for Levit:\n size mismatch")

    monkeypatch.setattr(import_timm(), "create_model", refuse)
    with pytest.raises(ValueError, match=r"^the weights of levit_128 do not .*known: side 224$"):
        build_backbone("levit_128", side=96)


def test_the_full_name_of_the_weights_is_told(hub):
    assert build_backbone("test_vit").tag == "timm test_vit.r160_in1k"
    assert frozen_backbone("timm:test_vit").tag == "timm test_vit.r160_in1k"
    assert build_backbone("test_vit", "random").tag == ""
    assert frozen_backbone("efficientnet_lite0").tag == ""


def test_torchvisions_weights_are_the_first_published(monkeypatch):
    from torchvision import models

    resnet = models.get_model("resnet18")
    monkeypatch.setattr(models, "get_model", lambda name, weights: resnet)
    assert build_backbone("resnet18").tag == "torchvision resnet18 IMAGENET1K_V1"


def test_an_unknown_tag_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown weights 'in1k' of test_vit, known: r160_in1k$"):
        build_backbone("test_vit.in1k", "random")


def test_a_network_of_the_hub_is_read_from_its_cache(hub, tmp_path):
    config = (
        '{"architecture": "test_vit", "num_features": 64, "pretrained_cfg": {"input_size": '
        '[3, 160, 160], "fixed_input_size": true, "mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], '
        '"first_conv": "patch_embed.proj", "classifier": "head", "num_classes": 1000}}'
    )
    snapshot = store(tmp_path / "hub/models--me--mine", hub.state_dict())
    (snapshot / "config.json").write_text(config)
    backbone = build_backbone("hf_hub:me/mine", side=96)
    assert backbone.body.blocks[0].attn.qkv.weight.equal(hub.blocks[0].attn.qkv.weight)
    assert backbone.body.pos_embed.shape[1] == 37
    assert backbone.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert backbone.tag == "timm hf-hub:me/mine"
