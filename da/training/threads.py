"""The threads that compute a run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from da.runs.run import Run
from da.system.determinism import deterministic_operations
from da.system.threads import one_thread


@contextmanager
def run_threads(run: Run) -> Iterator[None]:
    """Compute a run on frozen features, or a deterministic one, in one thread, others in all.

    With one thread a record does not depend on the number of cores, or on other processes.
    """
    with ExitStack() as conditions:
        if run.regime == "frozen" or run.deterministic:
            conditions.enter_context(one_thread())
        if run.deterministic:
            conditions.enter_context(deterministic_operations())
        yield
