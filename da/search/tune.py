"""A search for good settings: each trial is recorded runs, and its score the mean of theirs."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from da.config.ranges import Range
from da.evaluation.selectors import SELECTORS
from da.results import records
from da.runs.run import Run
from da.search.space import replace_settings
from da.search.study import Attempt, Sampler, Study
from da.search.trial import Trial
from da.training.sweep import sweep

PORTIONS = 4
"""In how many parts a trial's runs are carried out; after each it may be given up."""

SETTINGS_TO_BLAME = "DivergedError", "LinAlgError", "_LinAlgError"
"""Errors of numbers, so that a trial has failed and is not taken up again."""


@dataclass(frozen=True)
class Search:
    """What is searched, where, and by what it is judged.

    Raises ValueError for a selector that is not known, and where `storage` is no search's.
    """

    title: str
    """Begins the name of the study, for example that of the experiment."""
    runs: Sequence[Run]
    space: Mapping[str, Range]
    folder: Path
    """Of the records."""
    sampler: Sampler = "tpe"
    choose_by: str = "infomax"
    """A selector, whose score at the last look counts, or oracle, which is target accuracy."""
    storage: Path | None = None
    """File of the study, which other processes share; by default its name, in `folder`."""
    device: str = "auto"

    def __post_init__(self) -> None:
        known = (*SELECTORS, "oracle")
        if self.choose_by not in known:
            raise ValueError(f"unknown selector {self.choose_by!r}, known: {', '.join(known)}")

    @property
    def oracle(self) -> bool:
        """Whether target labels choose, which is to be said wherever the choice is shown."""
        return self.choose_by == "oracle"

    @property
    def name(self) -> str:
        """Other runs, settings, ranges, selectors or samplers give another name."""
        searched = [sorted(run.id for run in self.runs), sorted(map(repr, self.space.items()))]
        digest = hashlib.sha256(json.dumps(searched).encode()).hexdigest()[:8]
        method = self.runs[0].method.owner.name
        return f"{self.title}-{method}-{self.choose_by}-{self.sampler}-{digest}"

    @property
    def file(self) -> Path:
        """Where the study is."""
        return self.storage or self.folder / f"{self.name}.journal"

    def open(self) -> Study:
        """The study, as far as it has come."""
        by = {"choose_by": self.choose_by, "chosen_with_target_labels": self.oracle}
        return Study(self.name, self.file, self.space, self.sampler, **by)

    def carry_out(self, study: Study, wanted: int) -> Iterator[Trial]:
        """Go on until `wanted` trials, those of other processes among them, are taken; give ours.

        Raises ValueError where a run fails for another reason than its settings' numbers; the
        trial is then taken up again by the next call.
        """
        while attempt := study.claim(wanted):
            try:
                self._try(attempt)
            finally:
                attempt.release()
            yield study.trial(attempt.number)

    def with_settings(self, settings: Mapping[str, Any]) -> list[Run]:
        """Our runs with these settings, each once."""
        return list(
            {run.id: run for run in (replace_settings(run, settings) for run in self.runs)}.values()
        )

    def _try(self, attempt: Attempt) -> None:
        """Carry out the runs of a trial, part by part."""
        runs = self.with_settings(attempt.settings)
        portions = min(PORTIONS, len(runs))
        scores: list[float] = []
        for step in range(portions):
            try:
                scores += self._scores(runs[step::portions])
            except ArithmeticError as error:
                return attempt.fail(str(error))
            if attempt.report(step, scores) and step + 1 < portions:
                return attempt.give_up()
        return attempt.complete()

    def _scores(self, runs: Sequence[Run]) -> list[float]:
        """Of each run; ArithmeticError where numbers go out of bounds."""
        for outcome in sweep(runs, self.folder, workers=1, device=self.device):
            if outcome.error.partition(":")[0] in SETTINGS_TO_BLAME:
                raise ArithmeticError(outcome.error)
            if outcome.error:
                raise ValueError(f"run {outcome.run.id} of a trial failed: {outcome.error}")
        key = "target_accuracy" if self.oracle else self.choose_by
        found = records.load(self.folder, {run.id: run.settings() for run in runs})
        scores = [record.curve[-1][key] for record in found]
        if not all(map(math.isfinite, scores)):
            raise ArithmeticError(f"{key} is not finite")
        return scores
