"""Refuse a size of images that a backbone does not take, before any image is decoded."""

from contextlib import suppress

import torch
from torch import nn

from da.config.choices import OWN
from da.config.registry import DATASETS
from da.config.task_name import TaskName
from da.models import backbones
from da.models.backbone import check_fit
from da.runs.run import Run


def check_side(run: Run) -> None:
    """Check the pixels a side that a run asks for, on its backbone without weights.

    This is for data sets whose images are decoded in that size. Those of others are tried later.

    Raises:
        ValueError: Where the backbone does not fit images of that size.
    """
    name = TaskName.parse(run.task).benchmark
    decoded = name in DATASETS and name != "python" and "ANY_SIDE" in DATASETS.constants(name)
    if not run.side or not decoded or run.backbone.startswith(OWN):
        return
    for device in ("meta", "cpu"):  # some networks run on the first alone where they have weights
        backbone = _build(run, device)
        if backbone is None:
            return
        x = torch.zeros(2, 3, run.side, run.side, dtype=torch.uint8, device=device)
        if device == "cpu":
            check_fit(backbone, run.backbone, x)
        with suppress(ValueError):
            check_fit(backbone, run.backbone, x)
            return


def _build(run: Run, device: str) -> nn.Module | None:
    """Build the backbone of a run with random weights; None where it cannot be built so."""
    with torch.device(device), torch.random.fork_rng(devices=[]), suppress(Exception):
        return backbones.build_backbone(
            run.backbone, "random", **run.backbone_options, side=run.side
        )
    return None
