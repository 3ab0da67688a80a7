"""The page of all settings of a run."""

from da.config.label_columns import LabelColumns
from da.config.label_shift import LabelShift
from da.config.optimization import Optimization
from da.config.transforms import Transforms
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

## Optimization

`da.Optimization(...)`, given to a run as `optimization`: what papers set beside learning rate,
momentum and weight decay, as [a guide](../guides/optimization.md) shows.

{optimization}

## Transforms

`da.Transforms(...)`, given to a run as `transforms`: details of how images are cropped and changed,
as [a guide](../guides/image-views.md) shows.

{transforms}

## Label columns

`da.LabelColumns(...)`, given to a run as `labels`: what is learned next to the class, as
[a guide](../guides/multi-task.md) shows.

{labels}

## Label shift

`da.LabelShift(...)`, given to a run as `shift`: what is done about other frequencies of classes in
the target, as [a guide](../guides/settings.md#other-frequencies-of-classes) shows.

{shift}
"""


def render_page() -> str:
    """Render the fields of `Run` and its parts with defaults, values and help."""
    return PAGE.format(
        note=NOTE,
        run=describe_settings(Run, skip=PARTS),
        network=describe_settings(Network),
        tuning=describe_settings(FineTuning),
        optimization=describe_settings(Optimization),
        transforms=describe_settings(Transforms),
        labels=describe_settings(LabelColumns),
        shift=describe_settings(LabelShift),
    )
