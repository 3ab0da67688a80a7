"""Settings give a run, are refused, or make a run fail that says why; senseless ones never run."""

from tests.contracts.faults import extreme_settings
from tests.contracts.faults.children import call_in_child
from tests.contracts.faults.command_lines import draw_examples
from tests.contracts.faults.outcomes import Tally


def test_400_extreme_settings(lab, tally: Tally):
    drawn = draw_examples(extreme_settings.settings_of_runs(), 400)
    tally.check(call_in_child(lab, extreme_settings.carry_out, drawn))
