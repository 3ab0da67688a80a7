"""What a recipe holds, and what it says for a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from da.config.task_name import TaskName

Settings = Mapping[str, Any]
"""Settings of a run by name, as its record lists them: those of the method begin with `hp.`."""

BEST_ON_TARGET = (
    "The source keeps the evaluation with the best target accuracy: compare `oracle`, which uses "
    "target labels, and read `last` as yours."
)
"""What sources that choose by target labels do, and where our records have it."""


@dataclass(frozen=True)
class Recipe:
    """The settings of a method that one source prints, by data set."""

    source: str
    """Repository and files, or the paper's section."""
    settings: Settings
    """Settings for every task."""
    data: Mapping[str, Settings] = field(default_factory=dict)
    """Settings that differ: of `office31`, `office31+partial`, `officehome+several` (sources), or
    `office31:amazon-dslr`. Other data sets have those of the first; none where there is one choice.
    """
    ours: str = ""
    """How this project differs from the source."""
    oracle: str = ""
    """What the source chooses by target labels."""
    begins: tuple[str, ...] = ()
    """Method and name of the recipe of the run that `init` names; none where there is no such run.
    """
    searched: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Values that the source tries, by setting; `settings` has one of each."""

    @property
    def says(self) -> str:
        """Where the settings are printed, what is ours, and what is an oracle's choice."""
        return " ".join(filter(None, [self.source, self.ours, self.oracle]))

    @property
    def data_sets(self) -> list[str]:
        """Data sets with settings of their own, without single tasks."""
        return [name for name in self.data if ":" not in name]

    def at(self, task: str) -> dict[str, Any]:
        """Return the settings for a task, without its name."""
        name = TaskName.parse(task)
        keys = *_data_sets(name), f"{name.benchmark}:{name.domains}"
        found = [self.data[key] for key in keys if key in self.data]
        settings = dict(self.settings)
        for part in found or [*self.data.values()][:1]:
            settings |= part
        return settings

    def is_printed_for(self, task: str) -> bool:
        """Return whether the source prints settings for the task's data set.

        Where the domains differ in their classes, it prints them for such tasks of the data set.
        """
        name = TaskName.parse(task)
        names = [f"{name.benchmark}+{name.classes}"] if name.classes else _data_sets(name)
        return not self.data or bool({*names} & self.data.keys())


def _data_sets(name: TaskName) -> list[str]:
    """Return the names of a task's data set, from the general one on."""
    several = ["several"] if len(name.sources) > 1 else []
    return [name.benchmark, *(f"{name.benchmark}+{end}" for end in (*several, name.classes) if end)]


def train(steps: int, *, gamma: float, every: int, warm: float = 0) -> dict[str, Any]:
    """Return settings of the length of a run, and of what sources count in steps.

    Args:
        steps: Training steps.
        gamma: Gamma of the annealed learning rate, per step.
        every: Steps between evaluations.
        warm: Steepness of the reversed gradient's warm-up, per step; 0 for a method without.
    """
    lasting = {"steps": steps, "eval_every": every, "anneal_gamma": round(gamma * steps, 6)}
    return lasting | ({"hp.steepness": round(warm * steps, 6)} if warm else {})
