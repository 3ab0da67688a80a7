"""Settings give a run, are refused, or make a run fail that says why; senseless ones never run."""

import math

from da.methods import METHODS
from tests.contracts.faults import extreme_settings
from tests.contracts.faults.children import call_in_child
from tests.contracts.faults.command_lines import draw_examples
from tests.contracts.faults.outcomes import Tally


def test_400_extreme_settings(lab, tally: Tally):
    each = math.ceil(400 / len(METHODS))
    methods = {name: extreme_settings.settings_of_runs([name]) for name in sorted(METHODS)}
    drawn = [
        settings
        for number, strategy in enumerate(methods.values())
        for settings in draw_examples(strategy, each, number)
    ]
    tally.check(call_in_child(lab, extreme_settings.carry_out, drawn))
