"""Which features the runs of a plan need, and which of them are stored."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname

from da.config.backbone_names import split_names
from da.config.task_name import short_domain
from da.config.validation import is_run_id
from da.data.domain import Domain
from da.data.tasks import parse_task
from da.models.features import Extractor, is_stored, list_files
from da.models.frozen_backbone import FrozenBackbone
from da.models.saved_weights import weights_file, weights_origin
from da.runs.run import Run
from da.training.backbone_setup import list_features, read_recipe
from da.training.device import find_device
from da.training.planning.run_cost import Conditions
from da.training.setup import open_domains


@dataclass(frozen=True)
class Need:
    """Features of a domain's images by one backbone, in a file that many runs read."""

    file: str
    """Name of the file, or of what it will be made of."""
    network: str
    """Which weights compute it."""
    backbone: str
    """Name of the backbone."""
    domain: str
    """Benchmark and name of the domain."""
    kind: str
    """Text that is equal for features that cost the same for each image."""
    images: int
    """Number of images."""
    stored: bool
    """Whether the file is there, and not damaged."""
    run: Run
    """A run that needs it."""

    @property
    def is_to_come(self) -> bool:
        """Whether weights compute it that are not there yet."""
        return not self.file.endswith(".npy")


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
    names = _name_parts(run, domains)

    def need(file: str, backbone: str, domain: str, part: Domain, stored: bool) -> Need:
        kind = f"{backbone} {recipe} {run.side} {tuple(part.x.shape[1:])}"
        named = file or f"{begun} {part.digest} {kind}"
        return Need(named, begun, backbone, domain, kind, len(part.x), stored, run)

    if is_run_id(begun) and not weights_file(begun, how.results).exists():
        for backbone in split_names(run.backbone):
            for name, part in zip(names, _parts(domains), strict=True):
                yield need("", backbone, name, part, False)
        return
    for frozen, files in _list_files(run, domains, begun, how.results):
        for name, (path, part) in zip(names, files, strict=True):
            yield need(path.name, frozen.name, name, part, is_stored(path, len(part.x)))


def _list_files(
    run: Run, domains: Sequence[Domain], begun: str, results: Path
) -> Iterator[tuple[FrozenBackbone, list[tuple[Path, Domain]]]]:
    """Yield each backbone of a run, with the files of its features and what they are of."""
    recipe = read_recipe(run)
    for frozen, seen in list_features(run, domains, begun, results):
        yield frozen, [each for domain in seen for each in list_files(domain, frozen, recipe)]


def open_need(need: Need, results: Path, device: str) -> tuple[Path, Extractor]:
    """Return the file of features, and what computes them.

    Args:
        need: Features whose weights are there.
        results: Folder of the records, with the weights.
        device: Name of the device: auto, cpu, cuda or the like.

    Raises:
        ValueError: Images or weights are not those of the need.
    """
    place = find_device(device)
    domains = open_domains(need.run)
    for frozen, files in _list_files(need.run, domains, need.network, results):
        for path, part in files:
            if path.name == need.file:
                return path, Extractor(part, frozen, read_recipe(need.run), place)
    raise ValueError(f"{gethostname()} has other images of {need.domain}, or other weights")


def _parts(domains: Iterable[Domain]) -> list[Domain]:
    return [part for domain in domains for part in domain.joined or (domain,)]


def _name_parts(run: Run, domains: Sequence[Domain]) -> list[str]:
    """Return the names of what `_parts` returns."""
    task = parse_task(run.task)
    sides = task.sources, task.targets or task.sources, (run.test,)
    found = []
    for names, domain in zip(sides, domains, strict=False):
        each = names if domain.joined else [",".join(names)]
        found += [f"{task.benchmark}:{short_domain(name)}" for name in each]
    return found


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
