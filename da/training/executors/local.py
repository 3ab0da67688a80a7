"""Carry out runs on this machine."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import partial

from da.system.environment import cores
from da.training.attempts import Ended, Group, Lost, attempt, attempt_in_process
from da.training.worker_pool import Death, run_in_processes


@dataclass(frozen=True)
class Local:
    """Processes of this machine, which share its cores; with one slot, this process."""

    slots: int

    def run(
        self, groups: Sequence[Group], *, wait: bool = False, alone: bool = False
    ) -> Generator[tuple[Group, Ended | Lost], None, None]:
        """Carry out groups, and yield each as it ends; those that were lost, one after another."""
        if not alone and min(self.slots, len(groups)) <= 1:
            for group in groups:
                yield group, attempt(group, wait)
            return
        do = partial(attempt_in_process, wait=wait, threads=max(1, cores() // self.slots))
        for group, ended in run_in_processes(do, groups, 1 if alone else self.slots):
            yield group, Lost(str(ended)) if isinstance(ended, Death) else ended
