"""Several finished runs of one task as one network, for evaluation and export."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.task_name import TaskName
from da.deploy.export import ExportResult, export_network, metadata
from da.evaluation.source_confidence import summarize_confidence
from da.methods._class_weights import weigh_classes
from da.models.backbone import fingerprint
from da.runs.provenance import recorded_run
from da.runs.trained_model import TrainedModel, load_model
from da.selection.aggregate import Weights, combine, stack_probabilities
from da.selection.members import load_outputs
from da.selection.pools import Candidate


class AggregatedModel(TrainedModel):
    """Networks of one task as one, whose probabilities are the weighted sum of theirs.

    A frozen backbone that networks have in common is there once, and computes features once.

    Args:
        networks: Networks of finished runs.
        weights: Weight of each.

    Raises:
        ValueError: If the networks do not take the same input to the same classes.
    """

    def __init__(self, networks: Sequence[TrainedModel], weights: Weights):
        first = networks[0]
        for other in networks[1:]:
            _require_alike(first, other)
        super().__init__(first.backbone, first.method, first.about)
        self.networks = nn.ModuleList(networks)
        self.register_buffer("weights", weights.float())
        _share_backbones(networks)
        self.eval().requires_grad_(False)

    def forward_columns(self, x: Shaped[Tensor, "b ..."]) -> tuple[Float[Tensor, "b _"], ...]:
        """Compute logits of the class alone."""
        return (self(x),)

    def features(self, images: Any) -> Float[Tensor, "b d"]:
        """Refuse: several networks have no features in common."""
        raise ValueError("several networks have no features in common: load one of the runs")

    def _logits(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute logits of the combined probabilities of network input."""
        seen: dict[nn.Module, Tensor] = {}
        each = []
        for network in self.networks:
            assert isinstance(network, TrainedModel)
            taken = x
            if (shared := network.backbone) is not None:
                if shared not in seen:
                    seen[shared] = shared(x)
                taken = network.map_features(seen[shared])
            logits = weigh_classes(network.method, network.method.predict(taken).float())
            each.append(logits.softmax(1))
        weights = self.get_buffer("weights")
        return combine(torch.stack(each), weights)


def _require_alike(first: TrainedModel, other: TrainedModel) -> None:
    """Refuse networks that cannot be combined."""
    for what in ("classes", "stored_side", "fit", "resize"):
        if (one := getattr(first, what)) != (two := getattr(other, what)):
            raise ValueError(f"these runs cannot be combined: their {what} are {one} and {two}")
    for network in (first, other):
        if network.columns or TaskName.parse(str(network.about.settings["task"])).has_unknown:
            raise ValueError("runs of several label columns or unknown classes cannot be combined")


def _share_backbones(networks: Sequence[TrainedModel]) -> None:
    """Let networks with equal frozen backbones have the same one."""
    known: dict[str, nn.Module] = {}
    for network in networks:
        if network.backbone is not None:
            network.backbone = known.setdefault(fingerprint(network.backbone), network.backbone)


def export_aggregate(
    members: Sequence[Candidate], weights: Weights, by: str, file: Path, results: Path
) -> ExportResult:
    """Export runs of a task as one ONNX file, with the weights that their outputs gave.

    Args:
        members: Runs, at the evaluations whose weights they keep.
        weights: Weight of each run.
        by: Name of the rule that gave the weights.
        file: File to write.
        results: Folder of the records, weights and outputs.

    Raises:
        ValueError: If weights are missing, or the networks do not fit each other.
    """
    whole = AggregatedModel([load_model(m.record.id, results) for m in members], weights)
    seen, record = load_outputs(members, results), members[0].record
    logits = combine(stack_probabilities(seen, "source"), weights)
    if whole.about.confidence:
        sure = summarize_confidence(logits.float(), seen[0].source_y)
        whole.about = replace(whole.about, confidence=sure)
    shares = {m.record.id: round(w, 6) for m, w in zip(members, weights.tolist(), strict=True)}
    about = metadata(record, whole) | {"run": by, "weights": json.dumps(shares)}
    what = f"{by} of {len(members)} runs"
    return export_network(whole, about, recorded_run(record), what, file)
