"""Networks of torchvision as feature extractors."""

from itertools import takewhile

from torch import nn

from da.models.backbone import Backbone


def from_torchvision(name: str, pretrained: bool, hidden: bool) -> Backbone:
    """Build a backbone from a network of torchvision.

    Pretrained weights are the first that were published, which most papers use.

    Args:
        name: Name of the network in torchvision.
        pretrained: Whether to load pretrained weights; random ones otherwise.
        hidden: Whether to keep the hidden layers of the network's classifier.
    """
    from torchvision import models

    weights = next(iter(models.get_model_weights(name)))
    body = models.get_model(name, weights=weights if pretrained else None)
    width = _take_off(body, hidden)
    normal = weights.transforms()
    side, how = normal.crop_size[0], normal.interpolation.value
    backbone = Backbone(body, width, normal.mean, normal.std, side, how)
    backbone.tag = f"torchvision {name} {weights.name}" if pretrained else ""
    return backbone


def _take_off(body: nn.Module, hidden: bool) -> int:
    """Remove the classifier, or only its last layer if `hidden`, and return the feature width.

    Layers before the first linear layer of the classifier always stay.
    """
    whole = next(name for name in ("fc", "classifier", "head", "heads") if hasattr(body, name))
    layers = list(body.get_submodule(whole).named_modules(prefix=whole))
    linear = [(path, layer) for path, layer in layers if isinstance(layer, nn.Linear)]
    if not linear:  # the classifier of SqueezeNet is a convolution
        (width,) = {layer.in_channels for _, layer in layers if isinstance(layer, nn.Conv2d)}
        body.set_submodule(whole, nn.AdaptiveAvgPool2d(1))
        return width
    if hidden or len(linear) == 1:
        path, last = linear[-1]
        body.set_submodule(path, nn.Identity())
        return last.in_features
    row, (_, first) = body.get_submodule(whole), linear[0]
    body.set_submodule(
        whole, nn.Sequential(*takewhile(lambda layer: layer is not first, row.children()))
    )
    return first.in_features
