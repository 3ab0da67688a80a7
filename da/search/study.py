"""An Optuna study that processes share through a file, with no trial lost or done twice."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from da.config.ranges import Choice, IntRange, LogUniform, Range, Uniform, format_value
from da.results.records import Point
from da.search.combined import MEANS, add_means, combined_scores, is_below_median, is_combined
from da.search.journal import Journal, describe_damage
from da.search.space import shuffle_grid
from da.search.trial import Trial
from da.system.extras import extra
from da.system.locks import Lock

with extra("tune", "a search"):
    import optuna
    from optuna.samplers import BaseSampler, RandomSampler, TPESampler
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial, TrialState, create_trial

optuna.logging.set_verbosity(optuna.logging.WARNING)

Sampler = Literal["grid", "random", "tpe"]

TO_COMPARE = 4
"""Number of other trials that must have reached the same step before one is given up."""


class Study:
    """Trials of settings out of given ranges, stored in a file.

    The settings of trial N are drawn with seed N. The sampler `tpe` also uses the trials before it.

    Args:
        name: Name of the study in the file.
        file: Journal file of Optuna, which may hold other studies too.
        space: Range of each setting.
        sampler: How settings are drawn from the ranges.
        chosen_by: What the trials are scored by.
        **attributes: Data to store with the study.

    Raises:
        ValueError: `file` is something else than a journal.
    """

    def __init__(
        self,
        name: str,
        file: Path,
        space: Mapping[str, Range],
        sampler: Sampler,
        chosen_by: str,
        **attributes: Any,
    ):
        self.chosen_by = chosen_by
        self.name, self.file, self.space, self.sampler = name, file, space, sampler
        self.grid = shuffle_grid(space) if sampler == "grid" else []
        self.locks = file.parent / ".locks"
        self.locks.mkdir(parents=True, exist_ok=True)
        try:
            self.study = optuna.create_study(
                storage=JournalStorage(Journal(file, self._lock("journal"))),
                pruner=Median(chosen_by),
                study_name=name,
                direction="maximize",
                load_if_exists=True,
            )
        except OSError:
            raise
        except Exception as error:  # Optuna checks nothing that it reads
            damage = describe_damage(file) or repr(error)
            raise ValueError(f"{file} is no journal of a search: {damage}") from error
        attributes["chosen_by"] = chosen_by
        for key in attributes.keys() - self.study.user_attrs.keys():
            self.study.set_user_attr(key, attributes[key])

    def trials(self) -> list[Trial]:
        """Return all finished trials, including those of other processes."""
        return [self._convert(trial) for trial in self._every() if trial.state.is_finished()]

    def trial(self, number: int) -> Trial:
        """Return the trial of this number in its current state."""
        return self._convert(self._every()[number])

    def claim(self, wanted: int) -> "Attempt | None":
        """Claim the first trial that is neither finished nor held by a living process.

        Return None if there is none among the first `wanted` trials. A trial whose process was
        killed keeps its settings. A grid has no more trials than points.
        """
        if self.grid:
            wanted = min(wanted, len(self.grid))
        with self._lock("claim"):
            for number in range(min(wanted, len(self._every()) + 1)):
                lock = self._lock(number)
                if not lock.acquire(wait=False):
                    continue
                if trial := self._unfinished(number):
                    return Attempt(trial, lock)
                lock.release()
        return None

    def _unfinished(self, number: int) -> optuna.Trial | None:
        every = self._every()
        if number < len(every) and every[number].state.is_finished():
            return None
        self.study.sampler = self._seeded(number)
        if number == len(every):
            trial = self.study.ask()
        else:
            trial = optuna.Trial(self.study, every[number]._trial_id)
        for name, a_range in self.space.items():
            _suggest(trial, name, a_range)
        return trial

    def _convert(self, trial: FrozenTrial) -> Trial:
        """Convert a trial, whose combined score depends on those of now."""
        converted = _convert(trial)
        if not is_combined(self.chosen_by) or converted.error:
            return converted
        score = combined_scores(self._every(), self.chosen_by).get(trial.number, math.nan)
        runs = sum(count for count, _ in trial.user_attrs.get(MEANS, [])[-1:])
        return replace(converted, score=score, runs=runs)

    def _seeded(self, number: int) -> BaseSampler:
        if self.grid:
            return Fixed(self.grid[number])
        if self.sampler == "tpe" and is_combined(self.chosen_by):
            return Fixed(self._draw_combined(number))
        return TPESampler(seed=number) if self.sampler == "tpe" else RandomSampler(seed=number)

    def _draw_combined(self, number: int) -> dict[str, Any]:
        """Draw settings as TPE does from the trials with the scores that they have by now."""
        scores = combined_scores(self._every(), self.chosen_by)
        now = optuna.create_study(sampler=TPESampler(seed=number), direction="maximize")
        for t in self._every():
            if t.state.is_finished() and t.number in scores:
                value, ranges = scores[t.number], t.distributions
                now.add_trial(create_trial(params=t.params, distributions=ranges, value=value))
        drawn = now.ask()
        for name, a_range in self.space.items():
            _suggest(drawn, name, a_range)
        return drawn.params

    def _every(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _lock(self, what: object) -> Lock:
        """Return a lock that is free once the process that holds it has ended, even if killed.

        It replaces the journal's own lock, which outlives a killed process by half a minute.
        """
        shared = f"{self.file.name}-{what}" if what == "journal" else f"{self.name}-{what}"
        return Lock(self.locks / shared)


class Attempt:
    """A trial that only this process carries out, until the trial ends or is released."""

    def __init__(self, trial: optuna.Trial, lock: Lock):
        self.number, self._trial, self._lock = trial.number, trial, lock
        self.settings = {name: format_value(value) for name, value in trial.params.items()}
        self._scores: Sequence[float] = ()

    def report(self, step: int, scores: Sequence[float]) -> bool:
        """Store the scores so far, and return whether to give the trial up.

        Args:
            step: Index of the latest part of the runs; parts 0 to `step` are done.
            scores: Scores of all runs in these parts.
        """
        self._scores = scores
        self._trial.set_user_attr("scores", scores)
        reported = self._trial.study.trials[self.number].intermediate_values
        if step not in reported:  # a killed process may have reported it already
            self._trial.report(statistics.fmean(scores), step)
        return self._trial.should_prune()

    def report_points(self, step: int, points: Sequence[Point]) -> bool:
        """Store several scores of each run so far, and return whether to give the trial up.

        Args:
            step: Index of the latest part of the runs; parts 0 to `step` are done.
            points: Scores of all runs in these parts.
        """
        stored = self._trial.study.trials[self.number]
        self._trial.set_user_attr(MEANS, add_means(stored, step, points))
        self._scores = [float(step)]
        if step not in stored.intermediate_values:
            self._trial.report(step, step)
        return self._trial.should_prune()

    def complete(self) -> None:
        """End the trial with the mean of its reported scores."""
        self._trial.study.tell(self._trial, statistics.fmean(self._scores))

    def give_up(self) -> None:
        """End the trial early because other trials are better."""
        self._trial.study.tell(self._trial, state=TrialState.PRUNED)

    def fail(self, error: str) -> None:
        """End the trial without a score, and store the error."""
        self._trial.set_user_attr("error", error)
        self._trial.study.tell(self._trial, state=TrialState.FAIL)

    def release(self) -> None:
        """Release the trial, so that any process can claim it if it has not ended."""
        self._lock.release()


class Fixed(BaseSampler):
    """Sampler that returns one given point."""

    def __init__(self, point: Mapping[str, Any]):
        self.point = point

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        """Return an empty space, since no settings are sampled jointly."""
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        """Return no settings, since none are sampled jointly.

        The arguments are Optuna's and are not used.
        """
        return {}

    def sample_independent(
        self, study: Any, trial: Any, param_name: str, param_distribution: Any
    ) -> Any:
        """Return the value of one setting at the point.

        Args:
            study: Not used.
            trial: Not used.
            param_name: Name of the setting.
            param_distribution: Not used.
        """
        return self.point[param_name]


class Median(optuna.pruners.BasePruner):
    """Pruner that gives up a trial whose mean score is below the median of all trials.

    It compares means over the same runs. Optuna's own pruner compares the best mean that a trial
    ever had, which an earlier part of the runs may have given.

    Args:
        chosen_by: What the trials are scored by.
    """

    def __init__(self, chosen_by: str):
        self.chosen_by = chosen_by

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Return whether to give the trial up."""
        step = trial.last_step
        if step is None:
            return False
        others = [t for t in study.get_trials(deepcopy=False) if t.number != trial.number]
        means = [t.intermediate_values[step] for t in others if step in t.intermediate_values]
        enough = len(means) >= TO_COMPARE
        if is_combined(self.chosen_by):
            as_far = [t for t in others if step in t.intermediate_values]
            return enough and is_below_median(trial, as_far, self.chosen_by)
        return enough and trial.intermediate_values[step] < statistics.median(means)


def _suggest(trial: optuna.Trial, name: str, a_range: Range) -> None:
    match a_range:
        case LogUniform():
            trial.suggest_float(name, a_range.low, a_range.high, log=True)
        case Uniform():
            trial.suggest_float(name, a_range.low, a_range.high)
        case IntRange():
            trial.suggest_int(name, a_range.low, a_range.high)
        case Choice():
            trial.suggest_categorical(name, a_range.values)


def _convert(trial: FrozenTrial) -> Trial:
    """Convert a trial of Optuna to ours."""
    scores = trial.user_attrs.get("scores", [])
    failed = trial.state is TrialState.FAIL
    return Trial(
        trial.number,
        {name: format_value(value) for name, value in trial.params.items()},
        score=statistics.fmean(scores) if scores and not failed else math.nan,
        spread=statistics.stdev(scores) if len(scores) > 1 else math.nan,
        runs=len(scores),
        pruned=trial.state is TrialState.PRUNED,
        error=trial.user_attrs.get("error", ""),
    )
