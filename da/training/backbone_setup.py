"""Prepare the backbone of a run, and the task with what its method gets: features or images."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from da.config.backbone_names import split_names
from da.config.choices import Interpolation, Precision
from da.data import tasks
from da.data.domain import Domain, LabeledImages, Task
from da.data.stored_rows import take_first
from da.data.transforms import Resize, framed_side, to_eval_input
from da.models import backbones, feature_selection, features, pruning, saved_weights
from da.models.backbone import Features, check_fit, check_resize, interpolation
from da.models.concatenation import concatenate_features
from da.models.features import Recipe
from da.models.frozen_backbone import FrozenBackbone
from da.models.lora import add_lora
from da.models.text_encoder import read_texts
from da.runs.run import Run
from da.system.content_files import is_file_name

Extract = Callable[[Domain, FrozenBackbone, Recipe, torch.device], Domain]
"""Function that puts features of a backbone in place of a domain's images."""


def prepare_frozen(
    run: Run,
    domains: Sequence[Domain],
    place: torch.device,
    results: Path,
    extract: Extract = features.extract_features,
) -> tuple[nn.Module, Task]:
    """Return a stand-in for the frozen backbone, and the task with its features as images."""
    begun = saved_weights.weights_origin(run.init, results)
    recipe, asked = read_recipe(run), list_features(run, domains, begun, results)
    each = [[extract(domain, frozen, recipe, place) for domain in seen] for frozen, seen in asked]
    found = [concatenate_features(same) for same in zip(*each, strict=True)]
    task = tasks.build_task(run.task, *found)
    backbone = Features(found[0].x.shape[-1], _columns(run, task.source_train, results))
    backbone.tag = " + ".join(frozen.tag for frozen, _ in asked if frozen.tag)
    return backbone, task.map(backbone)


def list_features(
    run: Run, domains: Sequence[Domain], begun: str, results: Path
) -> list[tuple[FrozenBackbone, list[Domain]]]:
    """List the frozen backbones of a run, each with the domains as it sees them.

    Args:
        run: Settings of the run.
        domains: Domains of its task.
        begun: Origin of the backbone's weights, as `saved_weights.weights_origin` finds it.
        results: Folder of the records.
    """
    options = _options(run, domains)
    several = [
        backbones.frozen_backbone(name, begun, **options, results=results)
        for name in split_names(run.backbone)
    ]
    _check_interpolations(run, several, domains)
    return [(frozen, _seen(run, frozen, begun, domains)) for frozen in several]


def _seen(run: Run, frozen: FrozenBackbone, begun: str, domains: Sequence[Domain]) -> list[Domain]:
    """Return the domains with their images resized as one frozen backbone sees them."""
    if (by_hand := _resize_settings(run)) and not is_file_name(begun):
        check_resize(frozen.network, frozen.name, **by_hand)
    return _resized(run, frozen.interpolation, *domains)


def read_recipe(run: Run) -> Recipe:
    """Return the way in which a run turns pixels into features."""
    precision: Precision = "bf16" if run.precision == "bf16" else "fp32"  # auto trains networks
    return Recipe(precision, run.augment, run.views, run.transforms)


def _check_interpolations(
    run: Run, several: Sequence[FrozenBackbone], domains: Sequence[Domain]
) -> None:
    """Refuse backbones that enlarge images in different ways: their network does so once."""
    ways = {frozen.name: frozen.interpolation for frozen in several}
    enlarges = any(domain.x.shape[1] < _side(run, domain) for domain in domains)
    if enlarges and run.interpolation == "weights" and len({*ways.values()}) > 1:
        wanted = " and ".join(f"{name} {way}" for name, way in ways.items())
        raise ValueError(f"{wanted}: choose one way to enlarge images, by --interpolation bicubic")


def prepare_trained(
    run: Run, domains: Sequence[Domain], place: torch.device, results: Path
) -> tuple[nn.Module, Task]:
    """Return the backbone that trains, and the task with pixels as stored."""
    backbone = backbones.build_backbone(
        run.backbone, run.init, **_options(run, domains), results=results
    )
    if run.init != "random" and not is_file_name(run.init):
        check_resize(backbone, run.backbone, **_resize_settings(run))
    domains = read_texts(backbone, run.backbone, *domains)
    source, *others = _resized(run, interpolation(backbone), *domains)
    few = to_eval_input(take_first(source.x, 2), source.resize)
    check_fit(backbone, run.backbone, few)
    _change(backbone, run, few)
    return backbone, tasks.build_task(run.task, source, *others)


def _options(run: Run, domains: Sequence[Domain]) -> dict[str, Any]:
    """Return the options of the backbone of `run` other than its name and its weights."""
    return {**run.backbone_options, "side": _side(run, domains[1])}


def _side(run: Run, domain: Domain) -> int:
    """Return the pixels a side of the network's input; for points, some number."""
    return run.side or min(domain.x.shape[1], 224)


def _resize_settings(run: Run) -> dict[str, int | str]:
    """Return the settings of `run` that replace the size or interpolation that the weights want."""
    how = {"side": run.side, "interpolation": run.interpolation}
    return {what: given for what, given in how.items() if given not in (0, "weights")}


def _resized(run: Run, own: Interpolation, *domains: Domain) -> list[Domain]:
    """Set how images of each domain are resized: as `run` says, or else as its weights want."""
    how = own if run.interpolation == "weights" else run.interpolation
    sides = [_side(run, domain) for domain in domains]
    each = [Resize(side, how, run.crop_pct, run.transforms.test_crop) for side in sides]
    seen = [replace(domain, resize=own) for domain, own in zip(domains, each, strict=True)]
    _check_room(run, seen)
    return seen


def _check_room(run: Run, domains: Sequence[Domain]) -> None:
    """Refuse to crop images of the size of network input, of which every crop is the whole."""
    cropped = {
        "augment random_crop_flip": run.augment == "random_crop_flip",
        "test_crop ten_crop": run.transforms.test_crop == "ten_crop",
    }
    asked = [what for what, crops in cropped.items() if crops]
    stored = [(min(domain.x.shape[1:3]), domain.resize) for domain in domains]
    if asked and all(framed_side(side, resize) <= resize.side for side, resize in stored):
        raise ValueError(
            f"{asked[0]} needs images that are larger than side, {stored[0][1].side}, and they are "
            f"stored with {stored[0][0]} pixels a side: choose a smaller side"
        )


def _change(backbone: nn.Module, run: Run, x: Tensor) -> None:
    """Remove channels, add LoRA or scale features as `run` says; `x` is an example of the input."""
    if run.structured:
        pruning.narrow(backbone, run.sparsity, x)
    if run.tuning.moves == "lora":
        add_lora(backbone, run.tuning.lora_rank)
    if run.unit_features:
        features.scale_outputs(backbone)


def _columns(run: Run, labeled: LabeledImages, results: Path) -> Tensor | None:
    """Return the columns of the features that `run` keeps, or None for all.

    They are chosen on the task's labeled images. A source-free method keeps those of the run that
    it begins with.
    """
    if run.method.owner.source_free and not run.method.owner.taught:
        return saved_weights.load_weights(run.init, results=results).get("columns")
    if not run.features:
        return None
    return feature_selection.select_columns(labeled, run.features, run.features_by)
