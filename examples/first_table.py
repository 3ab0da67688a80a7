"""Compare three methods on four shifts between styles of emoji: a first table in two minutes.

The whole experiment, seven methods on twenty shifts, is experiments/emoji.py.

da sweep examples/first_table.py
da table examples/first_table.py
"""

import da

PAIRS = ("noto-twemoji", "twemoji-noto"), ("contrast-noto", "contrast-twemoji")
METHODS = da.methods.SourceOnly, da.methods.DANN, da.methods.MCC


def runs() -> list[da.Run]:
    """Shifts between two styles first: rows appear before the third style is drawn."""
    return [
        da.Run(method(), f"emoji:{shift}") for pair in PAIRS for method in METHODS for shift in pair
    ]
