"""What each run of a plan costs: the median of earlier ones of its kind, or measured now."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import torch

from da.models.saved_weights import weights_file
from da.results import records
from da.results.output_files import outputs_file
from da.results.record_schema import DamagedError
from da.results.records import Record
from da.results.run_times import RunTimes, are_alike, kind_of, scores_as_now
from da.runs.run import Run
from da.system.environment import environment
from da.training.device import find_device
from da.training.jobs import Job
from da.training.planning.data import PlanData
from da.training.planning.feature_needs import Need
from da.training.planning.measures import Measured, measure_all
from da.training.planning.run_cost import Conditions, Cost


def find_costs(
    jobs: Sequence[Job],
    how: Conditions,
    data: PlanData,
    needs: Sequence[Need],
    again: Collection[str] = (),
) -> Measured:
    """Return the cost of each run: the median of earlier ones of its kind, or measured now.

    Args:
        jobs: Runs to come.
        how: What costs depend on.
        data: Data of the runs.
        needs: Features that the runs need.
        again: Ids of runs whose records do not count, as these are damaged or not current.
    """
    times = RunTimes(_earlier_records(how, again), data.size)
    known: dict[Run, Cost] = {}
    unknown: list[list[Job]] = []
    for alike in _group_alike(jobs, data):
        earlier = times.find(alike[0].run.settings())
        if cost := _cost_of(earlier, alike[0].save_weights, how):
            known |= {job.run: cost for job in alike}
        elif there := [job for job in alike if data.open(job.run) is not None]:
            unknown.append(there)
    return measure_all(known, unknown, needs, how)


def _group_alike(jobs: Sequence[Job], data: PlanData) -> list[list[Job]]:
    """Group the jobs whose runs cost about the same; those without data are a group."""
    kinds: dict[tuple[str, bool], list[list[Job]]] = defaultdict(list)
    sizes = {job.run: data.size(job.run.settings()) for job in jobs}
    for job in jobs:
        some = kinds[kind_of(job.run.settings()), job.save_weights]
        for alike in some:
            first, own = sizes[alike[0].run], sizes[job.run]
            if (first is None) == (own is None) and are_alike(first, own):
                alike.append(job)
                break
        else:
            some.append([job])
    return [alike for some in kinds.values() for alike in some]


def _earlier_records(how: Conditions, again: Collection[str]) -> Iterator[Record]:
    """Yield the records that were made under such conditions, on a machine like this one."""
    place = find_device(how.device)
    on_gpu = place.type == "cuda"
    wanted = {
        "machine": environment()["machine"],
        "device": torch.cuda.get_device_name(place) if on_gpu else "cpu",
    }
    for id in sorted(records.ids(how.results) - {*again}):
        try:
            record = records.get(id, how.results)
        except DamagedError:
            continue
        if record is None or not scores_as_now(record):
            continue
        one = record.settings.get("regime") == "frozen" or record.settings.get("deterministic")
        taken = wanted | ({} if one or on_gpu else {"threads": str(how.threads)})
        if all(record.environment.get(key) == value for key, value in taken.items()):
            yield record


def _cost_of(earlier: Sequence[Record], weights: bool, how: Conditions) -> Cost | None:
    """Return the median cost of earlier runs; None without such, or without the size of weights."""
    if weights:
        earlier = [r for r in earlier if weights_file(r.id, how.results).exists()]
    if not earlier:
        return None
    own = [records.record_path(how.results, record.id) for record in earlier]
    kept = [outputs_file(record.id, how.results) for record in earlier]
    stored = [weights_file(record.id, how.results) for record in earlier if weights]
    count = len(earlier)
    return Cost(
        median(record.seconds for record in earlier),
        record=_median_size(own),
        outputs=0.0 if how.outputs == "none" else _median_size(kept),
        weights=_median_size(stored),
        source=f"median of {count} earlier runs" if count > 1 else "an earlier run",
    )


def _median_size(files: Iterable[Path]) -> float:
    sizes = [file.stat().st_size for file in files if file.exists()]
    return median(sizes) if sizes else 0.0
