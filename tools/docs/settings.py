"""The page of all settings of a run."""

from da.models.finetuning import FineTuning
from da.models.network import Network
from da.runs.run import PARTS, Run
from tools.docs.markdown import NOTE, describe_settings

PAGE = """{note}

# Settings

A run is its settings: `da.Run(...)` in Python, options of `da train` on the command line, where
`weight_decay` is `--weight-decay`. "tune" is the range that `da tune` searches, evenly or (log)
with all orders of magnitude equally likely. Settings of a method stand on
[the method's page](methods/index.md).

## Run

{run}

## Network

`da.Network(...)`, given to a run as `network`: the layers on top of the backbone.

{network}

## Fine-tuning

`da.FineTuning(...)`, given to a run as `tuning`: which parts of a backbone train, how the learning
rate changes, and which model is kept.

{tuning}
"""


def render_page() -> str:
    """Render the fields of `Run`, `Network` and `FineTuning` with defaults, values and help."""
    return PAGE.format(
        note=NOTE,
        run=describe_settings(Run, skip=PARTS),
        network=describe_settings(Network),
        tuning=describe_settings(FineTuning),
    )
