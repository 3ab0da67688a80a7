"""Scores that records lack, from the outputs that were kept of their runs."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from da.config.registry import SELECTORS
from da.config.selector_needs import read_needs
from da.config.validation import is_run_id
from da.results import records as files
from da.results.aggregate import RUN_IDS
from da.results.output_files import find_outputs
from da.results.records import Point, Record
from da.selection.pools import Pool

if TYPE_CHECKING:
    from da.evaluation.predictions import Predictions

Scores = dict[str, dict[float, Point]]
"""New scores by run and step."""

SURE = "diversity"
"""Selector of logits alone. An evaluation with its score has those of all of ours that fit it."""

ALIKE = "task", "seeds"
"""What a selector of several runs compares, as `POOL` of its file says.

task: all evaluations of a task and seed. seeds: those of runs that differ in nothing but the seed,
at the same step.
"""


def keep_scorable(pools: Sequence[Pool], results: Path) -> list[Pool]:
    """Return the pools of which all runs have their outputs kept in a folder."""
    records = {c.record.id: c.record for pool in pools for c in pool.candidates}
    known = find_outputs(records.values(), results)
    return [pool for pool in pools if all(c.record.id in known for c in pool.candidates)]


def lacking(pools: Iterable[Pool]) -> list[str]:
    """List the selectors whose scores some evaluation of the pools lacks, and may have."""
    points = [point for pool in pools for point in pool.points]
    untried = [point for point in points if SURE not in point]
    return [
        name
        for name in SELECTORS
        if any(name not in point for point in (untried if _comes_with_sure(name) else points))
    ]


def _comes_with_sure(name: str) -> bool:
    """Return whether an evaluation that has the score `SURE` has this one too, if it can."""
    return SELECTORS.find(name).own and "runs" not in read_needs(name)


def score_pools(pools: Sequence[Pool], names: Sequence[str], results: Path) -> Scores:
    """Return the scores of selectors for all evaluations of pools whose outputs are kept.

    Outputs are read once, task by task. Scores that are not finite are left out.

    Args:
        pools: Pools of one task and seed each.
        names: Selectors that score.
        results: Folder of the records.
    """
    from da.evaluation import scores

    alone = [name for name in names if not scores.needs_runs(name)]
    compared = [name for name in names if scores.needs_runs(name)]
    found: Scores = defaultdict(lambda: defaultdict(dict))
    by_task: dict[str, list[Pool]] = defaultdict(list)
    for pool in pools:
        by_task[pool.task].append(pool)
    with tqdm(total=sum(len(p.points) for p in pools), unit="evaluation", disable=None) as bar:
        for task in by_task.values():
            seen = _score_alone(task, alone, compared, results, found, bar)
            for name in compared:
                _score_together(name, task, seen, found)
    return found


def add_scores(pools: Sequence[Pool], found: Scores) -> list[Pool]:
    """Return pools whose evaluations have further scores."""

    def with_scores(pool: Pool) -> Pool:
        new = [
            replace(c, point=c.point | found.get(c.record.id, {}).get(c.point["step"], {}))
            for c in pool.candidates
        ]
        return replace(pool, candidates=tuple(new))

    return [with_scores(pool) for pool in pools]


def save_scores(found: Scores, results: Path) -> int:
    """Write new scores into the records of a folder, and return how many records have new ones."""
    count = 0
    for id, by_step in found.items():
        if any(by_step.values()) and (record := files.get(id, results)):
            curve = [point | by_step.get(point["step"], {}) for point in record.curve]
            files.save(replace(record, curve=curve), results)
            count += 1
    return count


Key = tuple[str, float]
"""Run and step of an evaluation."""


def _score_alone(
    task: Sequence[Pool],
    alone: Sequence[str],
    compared: Sequence[str],
    results: Path,
    found: Scores,
    bar: Any,
) -> "dict[Key, Predictions]":
    """Add the scores of single evaluations to `found`; return what others need of the outputs."""
    from da.evaluation import kept_outputs, scores

    seen: dict[Key, Predictions] = {}
    needed = {
        field for name in compared for need in scores.needs(name) for field in scores.FIELDS[need]
    }
    for record in {c.record.id: c.record for pool in task for c in pool.candidates}.values():
        for step, outputs in kept_outputs.load(record, results).items():
            each = {
                name: scores.score(name, outputs)
                for name in alone
                if scores.can_score(name, outputs)
            }
            found[record.id][step] |= {k: v for k, v in each.items() if math.isfinite(v)}
            if compared:
                seen[record.id, step] = _strip(outputs, needed)
            bar.update()
    return seen


def _strip(outputs: "Predictions", needed: set[str]) -> "Predictions":
    """Return outputs without what no selector of several runs needs, since all stay in memory."""
    own = {"source_logits", "source_y", "target_logits", *needed}
    empty: dict[str, Any] = {f.name: None for f in fields(outputs) if f.name not in own}
    return replace(outputs, **empty)


def _score_together(
    name: str, task: Sequence[Pool], seen: "dict[Key, Predictions]", found: Scores
) -> None:
    """Add the scores of a selector of several runs to `found`."""
    from da.evaluation.scores import can_score, score_pool

    methods = {c.record.id: c.record.settings["method"] for pool in task for c in pool.candidates}
    alike: dict[Any, list[Key]] = defaultdict(list)
    for place, pool in enumerate(task):
        for c in pool.candidates:
            key = c.record.id, c.point["step"]
            if key in seen and can_score(name, seen[key]):
                shape = len(seen[key].source_logits), len(seen[key].target_logits)
                group = place if _pool_of(name) == "task" else (_same(c.record, methods), key[1])
                alike[group, shape].append(key)
    for keys in alike.values():
        for (id, step), value in zip(keys, score_pool(name, [seen[k] for k in keys]), strict=True):
            if math.isfinite(value):
                found[id][step][name] = value


def _pool_of(name: str) -> str:
    from da.config.plug_in_errors import PlugInError

    of = SELECTORS.constants(name).get("POOL", "task")
    if of not in ALIKE:
        raise PlugInError(f"{SELECTORS.find(name).file}: POOL is {of!r}, known: {', '.join(ALIKE)}")
    return str(of)


def _same(record: Record, methods: Mapping[str, str]) -> str:
    """Return all settings but the seed as text, with methods for ids of runs that it begins with.

    Args:
        record: Record of a run.
        methods: Known methods of runs by id.
    """
    own = {k: v for k, v in record.settings.items() if k != "seed"}
    begun = {k: methods.get(own[k], "") for k in RUN_IDS if is_run_id(own.get(k))}
    return json.dumps(own | begun, sort_keys=True)
