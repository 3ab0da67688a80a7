"""Render a study of choosers, and their picks, as text."""

from collections.abc import Sequence
from textwrap import wrap

from da.config.task_name import TaskName
from da.results.choosers import GATE, JOIN
from da.results.text_columns import align
from da.selection.pools import Pool, Within
from da.selection.study import Verdict, mark_chooser

HEADS = "chooser", "mean", "95 %", "regret", "worst", "below", "rank corr.", "mostly picks"
"""Heads of the columns of a study."""

FEW = 10
"""Number of tasks below which a bootstrap over them is too narrow."""

WIDTH = 44
"""Letters of a line of choosers that take the same evaluation."""

HARD = "\N{NO-BREAK SPACE}"
"""Space within the name of a chooser, where a line does not end."""

LEFT = "chooser", "mostly picks"
"""Columns whose cells are flush left."""


def render_study(frame: Sequence[Verdict], verdicts: Sequence[Verdict], markdown: bool) -> str:
    """Render a study as a table with notes, the best chooser first.

    Args:
        frame: What choosers are measured by.
        verdicts: What the choosers reach.
        markdown: Render for Markdown instead of a terminal.
    """
    ranked = sorted(verdicts, key=lambda verdict: -verdict.mean)
    own = [_cells(verdict, chooses=True) for verdict in ranked]
    rows = [[*_cells(verdict, chooses=False)] for verdict in frame]
    pools = frame[0].pools
    notes = _notes(pools, any(pool.baseline is not None for pool in pools))
    title = f"{describe_pools(pools)}: target accuracy of what is chosen, in %"
    if markdown:
        return "\n\n".join([title, _pipes([*rows, *own]), "\n".join(f"- {n}" for n in notes)])
    lines = align([HEADS, *rows, *own], left=1)
    rule = "─" * max(map(len, lines))
    body = [lines[0], rule, *lines[1 : 1 + len(rows)], rule, *lines[1 + len(rows) :]]
    return "\n\n".join([title, "\n".join(body), "\n".join(notes)])


def describe_pools(pools: Sequence[Pool]) -> str:
    """Describe pools in words: benchmarks, numbers of tasks, pools and evaluations."""
    names = dict.fromkeys(TaskName.parse(pool.task).benchmark for pool in pools)
    tasks, sizes = {pool.task for pool in pools}, sorted({len(pool.candidates) for pool in pools})
    size = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    return (
        f"{' and '.join(names)}, {_count(len(tasks), 'task')}, {_count(len(pools), 'pool')} "
        f"of {size} evaluations"
    )


def render_picks(pool: Pool, picks: Sequence[tuple[str, int]], within: Within) -> list[str]:
    """Render what choosers take from a pool; those that take the same stand together.

    What most of them take comes first.

    Args:
        pool: Pool that they choose from.
        picks: Name of each chooser, and the position of the evaluation that it takes.
        within: What the evaluations of the pool share.
    """
    tested = all("target_accuracy" in point for point in pool.points)
    spread = f", {min(pool.accuracies):.1f} to {max(pool.accuracies):.1f} %" if tested else ""
    own = {"run": pool.candidates[0].label, "all": "all methods"}
    of = own.get(within, pool.candidates[0].record.settings["method"])
    head = f"{pool.task} seed {pool.seed}, {of}: {_count(len(pool.points), 'evaluation')}{spread}"
    together: dict[int, list[str]] = {}
    for name, place in picks:
        together.setdefault(place, []).append(name)
    rows = []
    for place, names in sorted(together.items(), key=lambda pair: -len(pair[1])):
        pick = pool.candidates[place]
        reached = f"{pick.point['target_accuracy']:.1f} %" if tested else ""
        first, *more = _wrap_names(names)
        rows.append((first, pick.label, pick.record.id, f"step {pick.point['step']:.0f}", reached))
        rows += [(line, "", "", "", "") for line in more]
    return [head, *(f"  {line}" for line in align(rows, left=3))]


def _wrap_names(names: Sequence[str]) -> list[str]:
    """Return names of choosers with commas between, in lines; `a(+gate)` is a and a+gate."""
    gate = f"{JOIN}{GATE}"
    shown = [
        mark_chooser(name) + f"({gate})" * (f"{name}{gate}" in names)
        for name in names
        if not (name.endswith(gate) and name.removesuffix(gate) in names)
    ]
    text = ", ".join(name.replace(" ", HARD) for name in shown)
    lines = wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [line.replace(HARD, " ") for line in lines]


def _cells(verdict: Verdict, chooses: bool) -> list[str]:
    low, high = verdict.interval
    below, found, (label, times) = verdict.below, verdict.correlation, verdict.favorite
    rivals = any(len({c.label for c in pool.candidates}) > 1 for pool in verdict.pools)
    return [
        verdict.title,
        f"{verdict.mean:.1f}",
        f"{low:.1f} to {high:.1f}" if len(verdict.pools) > 1 else "-",
        f"{verdict.regret:.1f}",
        f"{verdict.worst:.1f}",
        f"{below:.0f} %" if chooses and below is not None else "",
        "" if found is None else f"{found:.2f}",
        f"{label} {times}/{len(verdict.pools)}" if label and rivals else "",
    ]


def _notes(pools: Sequence[Pool], compared: bool) -> list[str]:
    tasks = len({pool.task for pool in pools})
    count, noun = (tasks, "task") if tasks > 1 else (len(pools), "pool")
    few = ", too narrow for so few" if count < FEW else ""
    interval = f"bootstrap interval of the mean over {_count(count, noun)}{few}"
    notes = [
        f"95 %: {interval if count > 1 else 'an interval takes two pools'}",
        "regret: mean of what the best choice reaches beyond it; worst: lowest accuracy of a pick",
        "rank corr.: Spearman's of scores and accuracies, weighted toward the highest ranks",
        "+gate: only evaluations with 90 % of the pool's best source accuracy; a+b: mean rank",
        "‡ chosen with target labels",
    ]
    if compared:
        notes.insert(2, "below: pools with a pick worse than source_only's last evaluation")
    return notes


def _pipes(rows: Sequence[Sequence[str]]) -> str:
    rule = ["---" if head in LEFT else "---:" for head in HEADS]
    return "\n".join(f"| {' | '.join(line)} |" for line in [HEADS, rule, *rows])


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
