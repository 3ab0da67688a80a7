"""A network for timm in a repository of the Hugging Face hub, yours or anyone's."""

from da.models.backbone import Backbone
from da.models.backbones._timm import build_from_timm

SYNTAX = "hf_hub:OWNER/NAME"


def build(pretrained: bool, name: str = "", *, hidden: bool = True, side: int = 0) -> Backbone:
    """Build the network that a repository describes.

    Args:
        pretrained: Whether to load its weights; random ones otherwise.
        name: Owner and name of the repository.
        hidden: Whether to keep the hidden layers of the network's classifier.
        side: Pixels a side of its input; 0 for those of its weights.
    """
    return build_from_timm(f"hf-hub:{name}", pretrained, hidden, side)
