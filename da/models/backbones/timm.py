"""Any network of timm, also where torchvision has one of the same name."""

from da.models.backbone import Backbone
from da.models.backbones._timm import build_from_timm

SYNTAX = "timm:NAME"


def build(pretrained: bool, name: str = "", *, hidden: bool = True, side: int = 0) -> Backbone:
    """Build a network of timm.

    Args:
        pretrained: Whether to load pretrained weights; random ones otherwise.
        name: Name of the network, with or without the tag of its weights.
        hidden: Whether to keep the hidden layers of the network's classifier.
        side: Pixels a side of its input; 0 for those of its weights.
    """
    return build_from_timm(name, pretrained, hidden, side)
