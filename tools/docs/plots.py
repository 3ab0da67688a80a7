"""Copies of the published plots within docs/, since pages show only pictures that lie there."""

from pathlib import Path

PLOTS = Path(__file__).parents[2] / "results" / "published" / "plots"


def copies(docs: Path) -> dict[Path, bytes]:
    """Return each published plot under the name of its copy."""
    return {
        docs / "results" / "plots" / plot.name: plot.read_bytes() for plot in PLOTS.glob("*.png")
    }
