"""What the tables of ImageNet-C share: the corruptions, and the network that adapts."""

import da

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur"),
    *("motion_blur", "zoom_blur", "snow", "frost", "fog"),
    *("brightness", "contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)
TARGETS = ",".join(f"{name}5" for name in CORRUPTIONS)
NETWORK = da.Network(neck=0, dropout=0)


def source_run(task: str, seed: int) -> da.Run:
    """Return a run that gives torchvision's ResNet-50 a new classifier, in one epoch of ImageNet.

    Papers use the classifier that came with it.
    """
    return da.Run(
        da.methods.SourceOnly(),
        task,
        backbone="resnet50",
        regime="full",
        side=224,
        hold_out=False,
        augment="crop_flip",
        network=NETWORK,
        optimizer="sgd",
        lr=0.1,
        backbone_lr=0.001,
        weight_decay=0,
        schedule="cosine",
        batch=256,
        steps=5_000,
        eval_every=5_000,
        seed=seed,
    )


def stream_run(method: str, recipe: str, task: str, source: da.Run) -> da.Run:
    """Return the run of a recipe for ImageNet-C that begins with the source."""
    return da.recipes.run(
        method,
        recipe,
        f"imagenet_c:{task.partition(':')[2]}",
        source.seed,
        backbone=source.backbone,
        init=source.id,
        side=source.side,
        network=NETWORK,
    )
