"""The page on two rows that `da compare` prints. Does not import torch."""

from collections.abc import Iterator

import numpy as np

from da.results.comparison import Comparison
from da.results.table_columns import head_columns
from da.statistics.intervals import Interval, mean, over_seeds, over_tasks
from da.statistics.pairs import MOST as MOST_SEEDS
from da.statistics.pairs import count_seeds, count_wins, improvement, improvement_over_tasks
from da.statistics.signed_rank import ERROR, signed_rank_p_value

MOST = 30
"""Most tasks that are listed; of more, those with the largest gains and losses are."""

ADVICE = "This holds for two rows named before looking; `da table` corrects for many."


def render_page(found: Comparison) -> str:
    """Render tasks, intervals and tests of a comparison, and what they tell, as text."""
    lines = [f"{found.names[0]} and {found.names[1]}: {found.title}", "", *_tasks(found), ""]
    lines += [*_numbers(found), "", _verdict(found)]
    if any(name.endswith("†") for name in found.names):
        lines.append("† shown target labels: no fair rival of a row that was not.")
    return "\n".join([*lines, ADVICE]) + "\n"


def _tasks(found: Comparison) -> Iterator[str]:
    """Yield a line for each task, with the means of both rows and their difference."""
    first, second = (np.nanmean(values, 1) for values in (found.first, found.second))
    names = head_columns([*found.tasks])
    order = [*range(len(names))]
    if left := max(len(names) - MOST, 0):
        ranked = sorted(order, key=lambda i: first[i] - second[i], reverse=True)
        order = sorted([*ranked[: MOST // 2], *ranked[-MOST // 2 :]])
        names.append(f"{left} tasks between these")
    widths = max(map(len, [*names, "mean"])), *(max(len(name), 6) for name in found.names)

    def line(*texts: str) -> str:
        label, one, other, apart = texts
        numbers = f"{one:>{widths[1]}}  {other:>{widths[2]}}  {apart:>10}"
        return f"{label:<{widths[0]}}  {numbers}"

    yield line("task", *found.names, "difference")
    yield "─" * len(line("", "", "", ""))
    for i in order:
        yield line(names[i], f"{first[i]:.1f}", f"{second[i]:.1f}", f"{first[i] - second[i]:+.1f}")
    if left:
        yield f"... {names[-1]} are left out"
    if len(found.tasks) > 1:
        each = first.mean(), second.mean()
        yield line("mean", f"{each[0]:.1f}", f"{each[1]:.1f}", f"{each[0] - each[1]:+.1f}")


def _numbers(found: Comparison) -> Iterator[str]:
    """Yield a line for each number that the comparison comes to."""
    apart, tasks = found.first - found.second, len(found.tasks)
    wins, ties, losses = count_wins(*found.gains)
    yield _line(
        "tasks", f"{found.names[0]} is better on {wins}, equal on {ties}, worse on {losses}"
    )
    yield _line("difference", f"{mean(apart):+.2f}" + ", lower is better" * found.falling)
    if ends := over_seeds(apart):
        yield _line("  with other seeds", f"{_ends(ends)}, 95 % interval: the same tasks")
    if ends := over_tasks(apart):
        seeds = ", and other seeds" * (apart.shape[1] > 1)
        yield _line("  on other tasks", f"{_ends(ends)}, 95 % interval: tasks like these{seeds}")
    if tasks > 1:
        low, high = improvement_over_tasks(*found.gains)
        share = f"{improvement(*found.gains):.2f} [{low:.2f}, {high:.2f}]"
        yield _line("improvement", f"{share}, how likely a run beats one of the other row")
        yield _line(
            "p-value", f"{_p_value(found):.2g}, signed ranks over {tasks} tasks{_least(tasks)}"
        )
    if seeds := count_seeds(apart):
        count = f"about {seeds}" if seeds < MOST_SEEDS else f"{seeds:,} or more"
        yield _line("one point takes", f"{count} seeds, to show it in 4 of 5 repetitions")
    else:
        yield _line("one point takes", "two seeds or more that both rows have, to say how many")


def _verdict(found: Comparison) -> str:
    """Say in a sentence what the numbers tell."""
    apart = np.subtract(*found.gains)
    better = found.names[0] if mean(apart) > 0 else found.names[1]
    seeds = _leaves_out_zero(over_seeds(apart))
    tasks = _leaves_out_zero(over_tasks(apart)) and _p_value(found) <= ERROR
    if tasks and seeds:
        return f"{better} is better: other tasks like these and other seeds should show it too."
    if tasks:
        return f"{better} is better over tasks; these seeds do not tell whether others show it."
    if seeds:
        return f"{better} is better on these tasks; they do not tell whether it is on others."
    return "Not separable: other seeds or other tasks may give another order."


def _p_value(found: Comparison) -> float:
    first, second = (np.nanmean(values, 1) for values in found.gains)
    return signed_rank_p_value(first - second)


def _least(tasks: int) -> str:
    """Say which p-value is the lowest of so few tasks, where that is none to claim by."""
    lowest = 2.0 ** (1 - tasks)
    return f": so few have at least {lowest:.2g}" if lowest > ERROR else ""


def _leaves_out_zero(ends: Interval | None) -> bool:
    return ends is not None and (ends.low > 0 or ends.high < 0)


def _ends(ends: Interval) -> str:
    return f"[{ends.low:+.2f}, {ends.high:+.2f}]"


def _line(label: str, text: str) -> str:
    return f"{label:<20}{text}"
