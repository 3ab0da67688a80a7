"""A plan as text for a terminal."""

from da.results.run_times import describe_time
from da.results.text_columns import align
from da.training.planning.plan import MethodPlan, Plan

HEADS = "method", "runs", "done", "a run", "together", "time from"


def render_plan(plan: Plan, price: float = 0.0) -> str:
    """Render a table of the methods, and lines on time, features, room and money.

    Args:
        plan: The plan.
        price: Price of the machine an hour; 0 for none.
    """
    rows = [_row(method) for method in plan.methods]
    lines = [*align([HEADS[:-1], *(row[:-1] for row in rows)], left=1)]
    width = max(map(len, lines))
    sources = [HEADS[-1], *(row[-1] for row in rows)]
    table = [
        f"{line.ljust(width)}  {source}".rstrip()
        for line, source in zip(lines, sources, strict=True)
    ]
    return "\n".join([*table, "", *_summary(plan, price)])


def _row(method: MethodPlan) -> list[str]:
    known = method.runs - method.done - method.unknown
    each = describe_time(method.seconds / known) if known else ""
    together = describe_time(method.seconds) if known else ""
    unknown = [f"{method.unknown} not known"] if method.unknown else []
    sources = ", ".join([*method.sources, *unknown])
    return [method.method, f"{method.runs}", f"{method.done}", each, together, sources]


def _summary(plan: Plan, price: float) -> list[str]:
    runs, done = (sum(getattr(m, name) for m in plan.methods) for name in ("runs", "done"))
    unknown = sum(method.unknown for method in plan.methods)
    workers = f"{plan.workers} worker{'s' * (plan.workers != 1)}"
    least = "at least " * bool(unknown or plan.notes)
    lines = [f"runs: {runs}, of which {done} are done and {runs - done} are to come"]
    if plan.features.files:
        lines.append(_describe_features(plan))
    lines += [
        f"room: {', '.join(_describe_room(plan))}",
        f"time: {least}{describe_time(plan.wall_seconds)} with {workers}, "
        f"{describe_time(plan.seconds)} one after the other",
    ]
    if price:
        lines.append(f"money: {least}{plan.cost(price):,.2f} at {price:g} an hour")
    return lines + [f"note: {note}" for note in plan.notes]


def _describe_features(plan: Plan) -> str:
    found = plan.features
    left = f", {found.images:,} images to come in {describe_time(found.seconds)}"
    return f"features: {found.stored} of {found.files} files stored{left * bool(found.images)}"


def _describe_room(plan: Plan) -> list[str]:
    taken = {what: size for what, size in plan.gigabytes.items() if size}
    return [f"{what} {_size(size)}" for what, size in taken.items()] or ["nothing more"]


def _size(gigabytes: float) -> str:
    return f"{gigabytes:,.1f} GB" if gigabytes >= 0.1 else f"{1000 * gigabytes:.1f} MB"
