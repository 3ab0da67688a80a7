"""Match the classes of a finished run with those of a task, by their names."""

from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

from torch import Tensor

from da.config.validation import shorten_names
from da.models import saved_weights


def load_head(
    run_id: str, classes: Sequence[str], results: Path = Path("results")
) -> dict[str, Tensor]:
    """Load the weights of the head of a finished run, with its outputs in the order of `classes`.

    Weights of an earlier version do not name their classes, and keep their order.

    Args:
        run_id: Id of the run.
        classes: Names of the classes that are wanted.
        results: Folder of the run's record.

    Raises:
        ValueError: Where the weights were not stored, or are of other classes.
    """
    head = saved_weights.load_weights(run_id, "head", results)
    theirs = saved_weights.load_classes(run_id, results) or classes
    order = class_order(run_id, theirs, classes)
    last = [*head][-1].rpartition(".")[0] if head else ""  # a hidden layer may be as wide
    return {k: w[order] if k.rpartition(".")[0] == last else w for k, w in head.items()}


def class_order(run_id: str, theirs: Sequence[str], ours: Sequence[str]) -> list[int]:
    """Return the place of each class of `ours` among those of a finished run, by their names.

    Args:
        run_id: Id of the finished run, for the error.
        theirs: Names of its classes, in the order of its outputs.
        ours: Names of the classes that are wanted.

    Raises:
        ValueError: Where they are not the same names; one name has several forms in Unicode.
    """
    known, wanted = ([normalize("NFC", name) for name in names] for names in (theirs, ours))
    if sorted(known) != sorted(wanted):
        there, here = {*known} - {*wanted}, {*wanted} - {*known}
        raise ValueError(
            f"run {run_id!r} has the classes {shorten_names(known)}, this run "
            f"{shorten_names(wanted)}; only there: {shorten_names(there) if there else 'none'}, "
            f"only here: {shorten_names(here) if here else 'none'}"
        )
    return [known.index(name) for name in wanted]
