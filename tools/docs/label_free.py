"""Tables of what is known of a model without target labels, from `benchmarks/reports`."""

import json
from pathlib import Path
from statistics import fmean
from typing import Any

from tools.docs.markdown import table

REPORTS = Path(__file__).parents[2] / "benchmarks" / "reports"

Line = dict[str, Any]


def _lines(report: Path) -> list[Line]:
    return [json.loads(line) for line in report.read_text().splitlines()]


def list_estimates(report: Path = REPORTS / "estimates.jsonl") -> str:
    """Return how far estimates of accuracy are from the truth, as Markdown.

    Args:
        report: File that `benchmarks/estimates.py` writes.
    """
    found: dict[tuple[str, str], list[Line]] = {}
    for line in _lines(report):
        found.setdefault((line["method"], line["rule"]), []).append(line)
    heads = "method", "rule", "estimate", "true", "mean error", "largest", "inside"
    rows = [[*key, *_summarize_estimates(each)] for key, each in found.items()]
    return table(heads, rows, range(2, len(heads)))


def _summarize_estimates(each: list[Line]) -> list[str]:
    errors = [abs(line["estimate"] - line["true"]) for line in each]
    means = [fmean(line[name] for line in each) for name in ("estimate", "true")]
    inside = fmean(line["low"] <= line["true"] <= line["high"] for line in each)
    return [*(f"{x:.1f}" for x in (*means, fmean(errors), max(errors))), f"{inside:.0%}"]


def mean_errors(report: Path = REPORTS / "estimates.jsonl") -> dict[str, int]:
    """Return the mean error of each rule over all methods, in whole points."""
    found: dict[str, list[float]] = {}
    for line in _lines(report):
        found.setdefault(line["rule"], []).append(abs(line["estimate"] - line["true"]))
    return {rule: round(fmean(errors)) for rule, errors in found.items()}


def compare_combined(report: Path = REPORTS / "combined.jsonl") -> str:
    """Return what combined and chosen models reach, as Markdown.

    Args:
        report: File that `benchmarks/combined.py` writes.
    """
    pools = _lines(report)
    rows = []
    for name in pools[0]["rows"]:
        reached = [pool["rows"][name] for pool in pools]
        below = sum(pool["rows"][name] < pool["rows"]["source_only"] for pool in pools)
        rows.append([name, f"{fmean(reached):.1f}", f"{min(reached):.1f}", str(below)])
    marked = [[row[0].replace("chosen by oracle", "best single ‡"), *row[1:]] for row in rows]
    counts = sorted({pool["models"] for pool in pools})
    models = "-".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    note = f"{len(pools)} tasks and seeds, {models} models each; ‡ chosen with target labels."
    shown = table(("target accuracy in %", "mean", "lowest", "below"), marked, range(1, 4))
    return f"{shown}\n\n{note}"
