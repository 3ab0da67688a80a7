"""Backbones whose names have a prefix, `PREFIX:REST`."""

import pytest
import torch

from da.config.backbone_names import written_names
from da.models.backbones import build_backbone

CONES = '''"""Linear layers of any width."""

import torch

from da.models.backbone import Backbone

SYNTAX = "cones:WIDTH"
PRETRAINED = False


def build(pretrained, name="", *, hidden=True):
    """Build a layer."""
    body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(int(name)))
    return Backbone(body, int(name), (0.5,) * 3, (0.5,) * 3)
'''


@pytest.fixture
def cones(plugins):
    (plugins / "backbones/cones.py").write_text(CONES)


def test_a_file_builds_many_backbones_by_what_follows_its_name(cones):
    assert "cones:WIDTH" in written_names()
    assert build_backbone("cones:7", "random")(torch.rand(2, 3, 4, 4)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cones", "backbone 'cones' is written cones:WIDTH"),
        ("cones:", "backbone 'cones:' is written cones:WIDTH"),
        ("lenet:5", "backbone 'lenet:5' is written lenet$"),
        ("cubes:5", "unknown backbone 'cubes:5', known: .*lenet.*cones:WIDTH"),
    ],
)
def test_a_prefix_that_does_not_serve_is_told(cones, name, said):
    with pytest.raises(ValueError, match=said):
        build_backbone(name, "random")


def test_a_file_with_a_prefix_needs_a_function_that_takes_a_name(plugins):
    file = plugins / "backbones/cones.py"
    file.write_text(CONES.replace('name="", ', ""))
    with pytest.raises(ValueError, match=r"cones.py has no function build\(pretrained, name\)"):
        build_backbone("cones:7", "random")


def test_what_never_had_weights_is_told_by_its_prefix(cones):
    with pytest.raises(ValueError, match="cones:7 has no pretrained weights"):
        build_backbone("cones:7")


@pytest.mark.slow
def test_a_prefix_chooses_the_library_where_both_have_a_name():
    ours, theirs = (build_backbone(name, "random") for name in ("resnet18", "timm:resnet18"))
    assert type(ours.body).__module__.startswith("torchvision")
    assert type(theirs.body).__module__.startswith("timm")
