"""The table of fidelity in docs."""

from tests.fidelity.peers import SCRIPTS
from tests.fidelity.table import PAGE, refresh


def test_the_table_has_a_row_of_each_script_and_its_recipe():
    """Where a recipe is new, `python -m tests.fidelity.table --recipes` writes the rows."""
    text = PAGE.read_text()
    assert not [name for name in SCRIPTS if f"\n| `{name}` | " not in text]
    assert refresh(text) == text
