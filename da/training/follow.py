"""Show a run while it trains: in its live file, and at W&B."""

from pathlib import Path
from typing import Any

from da.results.live import LiveFile
from da.results.records import Point, Record
from da.results.tracking import Mirror, Tracking
from da.runs.run import Run
from da.training.checkpoints.files import About
from da.training.failures import OnEvaluation
from da.training.setup import Parts, count_images, count_steps


class Follower:
    """What is shown of a run in hand; its live file is gone when the `with` block has ended.

    It gets each evaluation, as a function given to `fit` does, and never raises an error.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        results: Folder of the records.
        how: How the run is shown; None for not at all.
        begun: What came before in a training that goes on, and is shown too; None for nothing.
    """

    def __init__(
        self,
        run: Run,
        parts: Parts,
        results: Path,
        how: Tracking | None,
        begun: About | None = None,
    ):
        self._file: LiveFile | None = None
        self._mirror: Mirror | None = None
        self.record: Record | None = None
        """Record of the run, once it has one; without it the run counts as failed."""
        if how is not None:
            steps = count_steps(run, parts)
            images = count_images(run, parts, steps) / steps
            about = {"settings": run.settings(), "steps": steps, "images": images}
            self._mirror = Mirror(run.id, run.settings(), how)
            self._file = LiveFile(results, run.id, about, begun.seconds if begun else 0.0)
        for point in begun.curves.get(run.id, []) if begun else []:
            self(point)

    def __call__(self, point: Point) -> None:
        """Show an evaluation."""
        if self._file:
            self._file.append(point)
        if self._mirror:
            self._mirror.log(point)

    def __enter__(self) -> "Follower":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._file:
            self._file.remove()
        if self._mirror:
            self._mirror.end(self.record)


def call_each(*functions: OnEvaluation) -> OnEvaluation:
    """Return a function that gives an evaluation to each of some functions."""

    def told(point: Point) -> None:
        for function in functions:
            function(point)

    return told
