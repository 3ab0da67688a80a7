"""Which features the runs of a plan need, and which of them are stored."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from da.config.backbone_names import split_names
from da.config.validation import is_run_id
from da.data.domain import Domain
from da.models.features import list_files
from da.models.saved_weights import weights_file, weights_origin
from da.runs.run import Run
from da.training.backbone_setup import list_features, read_recipe
from da.training.planning.run_cost import Conditions


@dataclass(frozen=True)
class Need:
    """Features of a domain's images by one backbone, in a file that many runs read."""

    file: str
    """Name of the file, or of what it will be made of."""
    network: str
    """Which weights compute it."""
    backbone: str
    """Name of the backbone."""
    kind: str
    """Text that is equal for features that cost the same for each image."""
    images: int
    """Number of images."""
    stored: bool
    """Whether the file is there."""
    run: Run
    """A run that needs it."""


def list_needs(run: Run, domains: Sequence[Domain], how: Conditions) -> Iterator[Need]:
    """Yield the features that a run needs.

    Args:
        run: Settings of the run.
        domains: Domains of its task.
        how: Folder of the records, and runs that are to come.

    Raises:
        ValueError: Where backbone and images do not fit.
    """
    if run.regime != "frozen":
        return
    begun, recipe = _find_origin(run.init, how), read_recipe(run)
    if is_run_id(begun) and not weights_file(begun, how.results).exists():
        for name in split_names(run.backbone):
            for part in _parts(domains):
                kind = f"{name} {recipe} {run.side} {tuple(part.x.shape[1:])}"
                made_of = f"{begun} {part.digest} {kind}"
                yield Need(made_of, begun, name, kind, len(part.x), False, run)
        return
    for frozen, seen in list_features(run, domains, begun, how.results):
        for domain in seen:
            for path, part in list_files(domain, frozen, recipe):
                kind = f"{frozen.name} {recipe} {run.side} {tuple(part.x.shape[1:])}"
                stored, images = path.exists(), len(part.x)
                yield Need(path.name, begun, frozen.name, kind, images, stored, run)


def _parts(domains: Iterable[Domain]) -> list[Domain]:
    return [part for domain in domains for part in domain.joined or (domain,)]


def _find_origin(init: str, how: Conditions) -> str:
    """Return where a frozen backbone's weights come from, also if runs before it are to come."""
    while is_run_id(init) and not _has_weights(init, how.results):
        first = how.runs.get(init)
        if first is None or first.regime != "frozen":
            return init
        init = first.init
    return weights_origin(init, how.results)


def _has_weights(id: str, results: Path) -> bool:
    return weights_file(id, results).exists()
