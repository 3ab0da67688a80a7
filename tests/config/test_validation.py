"""Checks of what users type, and of what files say."""

from typing import Any

import pytest

from da.config.validation import require_run_id


def test_ids_of_runs_are_12_hexadecimal_digits() -> None:
    """They name files, so anything else could name a file outside the folder of results."""
    assert require_run_id("0123456789ab") == "0123456789ab"


@pytest.mark.parametrize(
    "wrong",
    ["", "../../evil", "0123456789AB", "0123456789a", "0123456789abc", "0123456789ab\n", 7, None],
)
def test_other_ids_are_refused(wrong: Any) -> None:
    """The message is one short line, however long the id is."""
    with pytest.raises(ValueError, match="id of a run is 12 digits from 0 to f, not"):
        require_run_id(wrong)
    with pytest.raises(ValueError, match="xxx") as error:
        require_run_id("x" * 999)
    assert len(str(error.value)) < 100
