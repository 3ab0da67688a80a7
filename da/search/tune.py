"""A search for good settings; a trial is a set of recorded runs and its score their mean."""

import hashlib
import json
import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from da.config.ranges import Range
from da.config.registry import SELECTORS
from da.evaluation.scores import needs_runs
from da.results import records
from da.results.aggregate import has_accuracy, split_tested
from da.results.choosers import check_chooser, list_scores
from da.results.records import Point
from da.runs.run import Run
from da.search.combined import is_combined
from da.search.space import replace_settings
from da.search.study import Attempt, Sampler, Study
from da.search.trial import Trial
from da.training.attempts import Executor
from da.training.outputs import Outputs
from da.training.sweep import sweep_outcomes

PORTIONS = 4
"""Parts in which the runs of a trial are carried out; after each, it may be given up."""

SETTINGS_TO_BLAME = "DivergedError", "LinAlgError", "_LinAlgError"
"""Numerical errors that the settings cause; such a trial fails and is not tried again."""


@dataclass(frozen=True)
class Search:
    """Runs and settings to search over, where to store the search, and how to score it.

    Raises:
        ValueError: The selector is unknown, or (on `open`) `storage` is not the file of a search.
    """

    title: str
    """First part of the name of the study, for example the name of the experiment."""
    runs: Sequence[Run]
    """Runs of one method, which every trial carries out with other settings."""
    space: Mapping[str, Range]
    """Range of each setting that is varied."""
    folder: Path
    """Folder of the records."""
    sampler: Sampler = "tpe"
    """What draws the settings: grid, random, or tpe, which learns from the trials so far."""
    chosen_by: str = "infomax"
    """What scores the last evaluations: a selector, several with plus signs, perhaps with +gate.

    Several rank the trials by the means of their scores. oracle means target accuracy.
    """
    storage: Path | None = None
    """File of the study, which processes share; None for a file in `folder` with its name."""
    device: str = "auto"
    """Device that trains, such as cpu or cuda; auto for a GPU if there is one."""
    outputs: Outputs = "auto"
    """Evaluations whose outputs are stored; auto for all on frozen features, and else the last."""
    on: str | Executor = "local"
    """Where runs are carried out: local for this process, or an executor that is open."""

    def __post_init__(self) -> None:
        alone = (name for name in SELECTORS if not needs_runs(name))
        check_chooser(self.chosen_by, [*alone, "oracle"])

    @property
    def oracle(self) -> bool:
        """Whether target labels choose, which must be said wherever the choice is shown."""
        return self.chosen_by == "oracle"

    @property
    def name(self) -> str:
        """Name of the study, different for other runs, ranges, selectors or samplers."""
        searched = [sorted(run.id for run in self.runs), sorted(map(repr, self.space.items()))]
        digest = hashlib.sha256(json.dumps(searched).encode()).hexdigest()[:8]
        method = self.runs[0].method.owner.name
        return f"{self.title}-{method}-{self.chosen_by}-{self.sampler}-{digest}"

    @property
    def file(self) -> Path:
        """File that holds the study."""
        return self.storage or self.folder / f"{self.name}.journal"

    def open(self) -> Study:
        """Open the study with its trials so far, or create it.

        Raises:
            ValueError: The file is not the file of a search.
        """
        by = {"chosen_with_target_labels": self.oracle}
        return Study(self.name, self.file, self.space, self.sampler, self.chosen_by, **by)

    def carry_out(self, study: Study, wanted: int) -> Generator[Trial, None, None]:
        """Carry out trials until `wanted` are taken, and yield each that this process ends.

        Args:
            study: Open study of this search.
            wanted: Number of trials in all, including those of other processes.

        Raises:
            ValueError: A run failed for another reason than diverging numbers. The next call tries
                the trial again.
        """
        while attempt := study.claim(wanted):
            try:
                self._try(attempt)
            finally:
                attempt.release()
            yield study.trial(attempt.number)

    def with_settings(self, settings: Mapping[str, Any]) -> list[Run]:
        """Return the runs of the search with these settings, each run once."""
        return list(
            {run.id: run for run in (replace_settings(run, settings) for run in self.runs)}.values()
        )

    def _try(self, attempt: Attempt) -> None:
        """Carry out the runs of a trial, part by part, until it ends."""
        runs = self.with_settings(attempt.settings)
        portions = min(PORTIONS, len(runs))
        points: list[Point] = []
        for step in range(portions):
            try:
                points += self._scores(runs[step::portions])
            except ArithmeticError as error:
                return attempt.fail(str(error))
            if self._is_worse(attempt, step, points) and step + 1 < portions:
                return attempt.give_up()
        return attempt.complete()

    def _is_worse(self, attempt: Attempt, step: int, points: Sequence[Point]) -> bool:
        """Report the scores of the runs so far; return whether other trials are better."""
        if is_combined(self.chosen_by):
            return attempt.report_points(step, points)
        return attempt.report(step, [value for point in points for value in point.values()])

    def _scores(self, runs: Sequence[Run]) -> list[Point]:
        """Carry out runs and return the scores of each that count.

        Raises:
            ArithmeticError: A run diverged, or its score is not finite.
        """
        for outcome in sweep_outcomes(
            runs, self.folder, workers=1, device=self.device, outputs=self.outputs, on=self.on
        ):
            if outcome.error.partition(":")[0] in SETTINGS_TO_BLAME:
                raise ArithmeticError(outcome.error)
            if outcome.error:
                raise ValueError(f"run {outcome.run.id} of a trial failed: {outcome.error}")
        found = records.load(self.folder, {run.id: run.settings() for run in runs})
        if self.oracle and not all(map(has_accuracy, found)):
            raise ValueError(f"oracle needs target labels: {split_tested(found)[1]}")
        keys = ["target_accuracy"] if self.oracle else list_scores(self.chosen_by)
        for key in keys:
            if not all(key in r.curve[-1] and math.isfinite(r.curve[-1][key]) for r in found):
                raise ArithmeticError(f"{key} is not finite")
        return [{key: record.curve[-1][key] for key in keys} for record in found]
