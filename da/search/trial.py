"""One trial of a search: its settings and its score."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """Settings that a search tried, and their score."""

    number: int
    """Position in the search, from 0."""
    settings: dict[str, Any]
    """Values of the settings that the search varies, by name."""
    score: float = math.nan
    """Mean score of its runs so far, higher is better; NaN if a run diverged."""
    spread: float = math.nan
    """Standard deviation of the score over these runs; NaN for fewer than two."""
    runs: int = 0
    """Number of runs carried out so far."""
    pruned: bool = False
    """Whether the trial was given up before all of its runs."""
    error: str = ""
    """Reason why the trial failed and has no score; empty if it did not fail."""
