"""Scores that lists and figures show, of the many that records have."""

from collections.abc import Iterable, Sequence

from da.config.registry import SELECTORS
from da.results.record_schema import LABELED
from da.results.records import Record

USUAL = "bnm", "entropy", "infomax", "snd", "source_accuracy"
"""Scores that are shown in any case."""


def keep_usual(scores: Iterable[str], records: Sequence[Record]) -> list[str]:
    """Return the scores that lists and figures show of these.

    They are the usual ones, those of the user's selectors, and those by which a run was chosen.

    Args:
        scores: Names of scores.
        records: Records that are shown.
    """
    chosen = {str(record.settings.get("chosen_by")).partition("/")[0] for record in records}
    return [
        name
        for name in scores
        if name in USUAL
        or name in chosen
        or (name not in LABELED and not (name in SELECTORS and SELECTORS.find(name).own))
    ]
