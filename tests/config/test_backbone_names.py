"""Names of backbones: those that papers use, and what a wrong one may mean."""

import pytest

from da.config.backbone_names import NICKNAMES, known_backbones, near_names

EVERY = "resnet50", "resnet50t", "resnet18", "vit_b_16", "convnext_atto", "swin_t"


@pytest.mark.parametrize(
    ("wrong", "first"),
    [
        ("dinov2_vitb14", "vit_base_patch14_dinov2.lvd142m"),
        ("facebook/dinov2-base", "vit_base_patch14_dinov2.lvd142m"),
        ("ViT-B/16", "vit_base_patch16_224.augreg_in21k_ft_in1k"),
        ("ViT-B/32", "vit_base_patch32_224.augreg_in21k_ft_in1k"),
        ("clip", "vit_base_patch16_clip_quickgelu_224.openai"),
        ("dino", "vit_small_patch16_224.dino"),
        ("deit", "deit_base_patch16_224.fb_in1k"),
        ("ResNet-50", "resnet50"),
        ("resnet5O", "resnet50"),
        ("convnext_ato", "convnext_atto"),
    ],
)
def test_a_wrong_name_is_answered_with_what_it_may_mean(wrong, first):
    assert near_names(wrong, EVERY)[0] == first


def test_nothing_is_near_to_nonsense():
    assert near_names("xyzzy", EVERY) == []


@pytest.mark.slow
def test_suggestions_and_the_catalogue_are_networks_of_the_libraries():
    import timm
    from torchvision import models

    tagged = {*timm.list_pretrained(), *models.list_models(models)}
    assert {name for names in NICKNAMES.values() for name in names} <= tagged
    assert {known.name for known in known_backbones()} <= tagged


@pytest.mark.slow
@pytest.mark.parametrize("known", known_backbones(), ids=lambda known: known.name)
def test_sizes_and_licenses_are_those_of_timm(known):
    import timm
    import torch

    name = known.name if "." in known.name else f"{known.name}.tv_in1k"
    with torch.device("meta"):
        network = timm.create_model(name, num_classes=0)
    about = network.pretrained_cfg
    assert f"{sum(p.numel() for p in network.parameters()) / 1e6:.1f}" == known.million
    assert about["input_size"][-1] == int(known.side)
    assert known.license in ("", about["license"])
