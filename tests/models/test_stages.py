import pytest
import torch
from torch import nn

from da.models import backbones
from da.models.backbones import lenet
from da.models.stages import keep_held_in_eval, list_layers, list_stages

ENDS = {
    "lenet": "1 6",
    "mlp": "1 3",
    "resnet18": "maxpool layer1.1.bn2 layer2.1.bn2 layer3.1.bn2 fc",
    "vgg11": "features.2 features.5 features.10 features.15 avgpool classifier.6",
    "resnet10t": "maxpool layer1.0.act2 layer2.0.downsample.2 layer3.0.downsample.2 fc",
    "tf_efficientnet_lite0": "bn1.act blocks.0.0.drop_path blocks.1.1.drop_path "
    "blocks.2.1.drop_path blocks.3.2.drop_path blocks.4.2.drop_path blocks.5.3.drop_path "
    "classifier",
    "vit_tiny_patch16_224": " ".join(
        ["norm_pre", *(f"blocks.{i}.drop_path2" for i in range(11)), "head"]
    ),
    "convnext_atto": "stages.0.downsample stages.0.blocks.1.drop_path stages.1.blocks.1.drop_path "
    "stages.2.blocks.5.drop_path head.fc",
}
"""Last layer of each stage, from the input up, by eye in the library's listing of the network."""


def network(name: str) -> nn.Module:
    with torch.device("meta"):
        return backbones.build_backbone(name, "random")


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_stages_are_those_of_the_library(name):
    built = network(name)
    names = {id(layer): name for name, layer in built.named_modules()}
    found = [names[id(stage.layers[-1])].removeprefix("body.") for stage in list_stages(built)]
    assert found == ENDS[name].split()


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_every_weight_is_in_one_stage(name):
    built = network(name)
    found = [id(p) for stage in list_stages(built) for p in stage.parameters()]
    assert sorted(found) == sorted(id(p) for p in built.parameters())
    assert all(any(p.ndim > 1 for p in stage.parameters()) for stage in list_stages(built))


def test_first_layers_are_counted_as_a_listing_shows_them():
    built = lenet.build()
    assert [type(layer).__name__ for layer in list(list_layers(built.body).values())[:3]] == [
        "Conv2d",
        "MaxPool2d",
        "ReLU",
    ]


def test_what_is_held_stays_in_evaluation_mode_until_it_is_released():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2), nn.BatchNorm1d(2))
    first, second = list_stages(net)
    first.hold()
    net.train()
    keep_held_in_eval(net)
    assert [layer.training for layer in net] == [False, False, True, True]
    assert [p.requires_grad for p in first.parameters()] == [False] * 4
    assert all(p.requires_grad for p in second.parameters())
    first.release()
    assert all(layer.training for layer in net)
    assert all(p.requires_grad for p in net.parameters())
