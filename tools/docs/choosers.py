"""What the study of choosers teaches, in sentences and a table whose numbers come from records."""

from functools import cache
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from da.methods import without_importing
from da.results import records
from da.results.choosers import GATE, JOIN
from da.runs.experiment import load_experiment
from da.selection.default_chooser import USUAL, Trial, propose, split_by_tasks, try_elsewhere
from da.selection.pools import Pool, Within, build_pools
from da.selection.study import TOGETHER, Verdict, frame, judge, known_scores, list_choosers

ROOT = Path(__file__).parents[2]
GATED = f"{JOIN}{GATE}"

Study = dict[str, Verdict]
"""What choosers reach, by name, and what they are measured by."""


@cache
def load_pools(name: str, within: Within = "all") -> list[Pool]:
    """Load the pools of an experiment's published records."""
    with without_importing():
        runs = load_experiment(ROOT / "experiments" / f"{name}.py")
    wanted = {run.id: run.settings() for run in runs}
    found = records.load(ROOT / records.PUBLISHED, wanted, details=False)
    return [pool for pool in build_pools(found, within) if len(pool.candidates) > 1]


@cache
def choosers() -> tuple[str, ...]:
    """List the choosers that all pools here can be chosen by."""
    shared = [known_scores(load_pools(name))[0] for name in ("methods", "digits", "partial")]
    return tuple(list_choosers([name for name in shared[0] if all(name in o for o in shared)]))


@cache
def study(name: str) -> Study:
    """Judge all choosers on an experiment."""
    pools = load_pools(name)
    names = list_choosers(known_scores(pools)[0])
    return {v.name: v for v in (*frame(pools), *(judge(pools, name) for name in names))}


def describe_lessons() -> str:
    """List what the study of all methods teaches."""
    found = study("methods")
    own = {k: v for k, v in found.items() if k in list_choosers(known_scores(v.pools)[0])}
    lessons = [
        *_of_means(found, own),
        *_of_gates(own),
        *_of_orders(own),
        _of_runs(),
        _of_digits(),
    ]
    return "\n".join(f"{i}. {lesson}" for i, lesson in enumerate(lessons, 1))


def _of_means(found: Study, own: Study) -> list[str]:
    oracle, baseline, random = (found[k] for k in ("oracle", "source_only", "mean of the pool"))
    ranked = sorted(own.values(), key=lambda v: -v.mean)
    best, last, usual = ranked[0], ranked[-1], own[USUAL]
    near = sum(v.mean > best.mean - 1 for v in ranked)
    count = len(best.pools)
    label, times = usual.favorite
    best_times = sum(name == label for name in oracle.labels)
    return [
        f"The best choice of each pool reaches {oracle.mean:.1f} %, an average one "
        f"{random.mean:.1f}, and source_only {baseline.mean:.1f}.",
        f"`{best.name}` is the best chooser, with {best.mean:.1f} and a regret of "
        f"{best.regret:.1f}. {near} of {len(ranked)} choosers are within a point of it.",
        f"`{last.name}` is the worst, with {last.mean:.1f}: it takes {last.favorite[0]} in "
        f"{last.favorite[1]} of {count} pools, and is below source_only in {last.below:.0f} %.",
        f"`source_accuracy`, what supervised learning chooses by, reaches "
        f"{own['source_accuracy'].mean:.1f}, and at worst {own['source_accuracy'].worst:.1f}.",
        f"`{USUAL}` takes {label} in {times} of {count} pools, where it is the best choice in "
        f"{best_times}. A chooser favors methods that optimize what it scores.",
    ]


def _of_gates(own: Study) -> list[str]:
    pairs = [(own[k.removesuffix(GATED)], v) for k, v in own.items() if k.endswith(GATED)]
    plain, gated = max(pairs, key=lambda pair: pair[1].worst - pair[0].worst)
    better = sum(b.worst > a.worst for a, b in pairs)
    worse = sum(b.worst < a.worst for a, b in pairs)
    together = own[JOIN.join(TOGETHER)]
    beaten = sum(together.mean > own[name].mean for name in TOGETHER)
    return [
        f"The gate raises the worst pick of {better} of {len(pairs)} choosers and lowers that of "
        f"{worse}; most that of `{plain.name}`, from {plain.worst:.1f} to {gated.worst:.1f}.",
        f"The mean rank of {', '.join(TOGETHER)} reaches {together.mean:.1f}, more than "
        f"{beaten} of the {len(TOGETHER)} alone, and at worst {together.worst:.1f}.",
    ]


def _of_orders(own: Study) -> list[str]:
    known = [v for v in own.values() if v.correlation is not None]
    best = max(known, key=lambda v: v.correlation or 0)
    agree = spearmanr([v.correlation for v in known], [v.mean for v in known]).statistic
    return [
        f"The highest rank correlation of a score with accuracies is {best.correlation:.2f}, of "
        f"`{best.name}`. Over choosers, it goes with the mean at a rank correlation of "
        f"{agree:.2f}.",
    ]


def _of_runs() -> str:
    pools = load_pools("methods", "run")
    oracle, last, usual = frame(pools)[0], judge(pools, "last"), judge(pools, USUAL)
    return (
        f"Within a run there is less to choose: the last evaluation reaches {last.mean:.1f}, "
        f"`{USUAL}` {usual.mean:.1f}, and the best one {oracle.mean:.1f}. Which method is what "
        "counts."
    )


def _of_digits() -> str:
    found = study("digits")
    own = [v for k, v in found.items() if k in list_choosers(known_scores(v.pools)[0])]
    best, oracle = max(own, key=lambda v: v.mean), found["oracle"]
    above = sum(v.mean > found["source_only"].mean for v in own)
    return (
        f"On digits, `{best.name}` is the best, with {best.mean:.1f} of {oracle.mean:.1f}; "
        f"{above} of {len(own)} choosers are above source_only, which has "
        f"{found['source_only'].mean:.1f}."
    )


def list_trials() -> dict[tuple[str, str], Trial]:
    """Propose a chooser from some pools and try it on others, by what both are."""
    every, names = load_pools("methods"), choosers()
    first, second = split_by_tasks(every)
    return {
        ("half of the emoji tasks", "the other half"): try_elsewhere(first, second, names),
        ("the other half", "the first half"): try_elsewhere(second, first, names),
        ("emoji", "digits"): try_elsewhere(every, load_pools("digits"), names),
        ("emoji", "emoji, partial"): try_elsewhere(every, load_pools("partial"), names),
    }


def describe_default() -> str:
    """Show trials of a proposed default as a table, and say what follows."""
    trials = list_trials()
    lines = [
        f"| chosen on | proposed | tried on | mean | {USUAL} | worst | {USUAL} | better |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for (chosen_on, tried_on), trial in trials.items():
        new, usual = trial.proposed, trial.usual
        numbers = new.mean, usual.mean, new.worst, usual.worst
        cells = [chosen_on, f"`{new.name}`", tried_on, *(f"{x:.1f}" for x in numbers)]
        lines.append(f"| {' | '.join([*cells, 'yes' if trial.wins else 'no'])} |")
    wins = sum(trial.wins for trial in trials.values())
    name = propose(load_pools("methods"), choosers())
    differences = [t.proposed.mean - t.usual.mean for t in trials.values()]
    says = (
        f"The rule proposes `{name}` from all of emoji. A proposed chooser has a higher mean than "
        f"`{USUAL}` and no lower worst pick in {wins} of {len(trials)} trials; its mean differs by "
        f"{np.min(differences):+.1f} to {np.max(differences):+.1f} points. "
    )
    advice = (
        f"So `{name}` is the proposed default."
        if wins == len(trials)
        else f"So it does not beat `{USUAL}` where it was not chosen: `{USUAL}` stays the default."
    )
    return "\n".join([*lines, "", says + advice])
