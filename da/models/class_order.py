"""Compare the classes of two networks by name."""

from collections.abc import Sequence
from unicodedata import normalize

from da.config.validation import shorten_names


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
