"""Match the classes of a finished run with those of a task, by their names."""

from collections.abc import Sequence
from pathlib import Path
from unicodedata import normalize

from torch import Tensor

from da.config.validation import shorten_names
from da.data.label_columns import Column
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
    return _order_outputs(head, class_order(run_id, theirs, classes))


def load_column_heads(
    run_id: str, columns: Sequence[Column], results: Path = Path("results")
) -> dict[str, Tensor]:
    """Load the heads of further label columns of a finished run, each as `load_head` does.

    Args:
        run_id: Id of the run.
        columns: Columns that are wanted.
        results: Folder of the run's record.

    Raises:
        ValueError: Where the weights were not stored, lack a column, or are of other classes.
    """
    state = saved_weights.load_weights(run_id, "column_heads", results)
    known = saved_weights.load_columns(run_id, results)
    found: dict[str, Tensor] = {}
    for place, column in enumerate(columns):
        if column.name not in known:
            these = f"known: {shorten_names(known)}" if known else "and learned its class alone"
            raise ValueError(f"run {run_id!r} has no head of {column.name!r}, {these}")
        there = f"each.{[*known].index(column.name)}."
        head = {k.removeprefix(there): w for k, w in state.items() if k.startswith(there)}
        order = class_order(run_id, known[column.name], column.classes)
        found |= {f"{place}.{k}": w for k, w in _order_outputs(head, order).items()}
    return found


def _order_outputs(head: dict[str, Tensor], order: list[int]) -> dict[str, Tensor]:
    """Return the weights of a head with its outputs in another order."""
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
