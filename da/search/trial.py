"""One trial of a search: its settings, and what came of them."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and what came of it."""

    number: int
    settings: dict[str, Any]
    score: float = math.nan
    """Mean of its runs so far, the higher the better; NaN where a run diverged."""
    spread: float = math.nan
    """Standard deviation over these runs; NaN for one."""
    runs: int = 0
    """How many were carried out."""
    pruned: bool = False
    """Whether it was given up before all of its runs."""
    error: str = ""
    """Why it has no score."""
