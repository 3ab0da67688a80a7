"""The page of what `import da` offers."""

import da
from tools.docs.markdown import NOTE

SETTINGS = (
    "Run",
    "Network",
    "FineTuning",
    "Optimization",
    "Transforms",
    "LabelColumns",
    "LabelShift",
)
"""Classes whose members stand on the page of settings."""

GROUPS = {
    "Runs": (*SETTINGS, "train", "fit", "sweep", "load_experiment"),
    "Records and tables": ("load_records", "table"),
    "Tasks and models": ("Task", "load_task", "load_model", "export", "estimate_accuracy"),
    "Methods of your own": ("Method", "Batch"),
}
"""Names of `da` by what they are for; others come last."""

BEHIND = {
    "Records": "da.results.record_list.Records",
    "Record": "da.results.records.Record",
    "Domain": "da.data.domain.Domain",
    "Task": "da.data.domain.Task",
    "TrainedModel": "da.runs.trained_model.TrainedModel",
    "Predictions": "da.evaluation.predictions.Predictions",
    "Backbone": "da.models.backbone.Backbone",
    "Estimates": "da.deploy.estimate.Estimates",
    "Expected": "da.statistics.expected_accuracy.Expected",
}
"""Types that these take and return, which are no names of `da` itself."""

PARTS = {"scikit-learn": {"da.sklearn.Adapter": "da.sklearn.adapter.Adapter"}}
"""Names of the modules that `da` has, by what they are for."""

INTRODUCTION = """{note}

# Python

`import da` offers all of this by name and loads each when it is first used. Settings of a
method are `da.methods.DANN(trade_off=0.5)`, as [its page](methods/index.md) describes them. All
settings of a run stand on [a page of their own](settings.md). What `da list` lists is in mappings
by name: `da.methods.METHODS`, `da.datasets.DATASETS`, `da.backbones.BACKBONES` and
`da.selectors.SELECTORS`.
"""


def render_page() -> str:
    """Render a directive for every name of `da`, which becomes its signature and docstring."""
    grouped = {name for names in GROUPS.values() for name in names}
    groups = GROUPS | {"More": tuple(name for name in sorted(da._PLACES) if name not in grouped)}
    lines = [INTRODUCTION.format(note=NOTE)]
    for title, names in groups.items():
        lines += [f"## {title}\n"] if names else []
        lines += [_directive(f"da.{name}", _place(name), name in SETTINGS) for name in names]
    for title, places in PARTS.items():
        lines += [f"## {title}\n", *(_directive(name, place) for name, place in places.items())]
    lines.append("## Types\n")
    lines += [_directive(name, place) for name, place in BEHIND.items()]
    return "\n".join(lines)


def _place(name: str) -> str:
    """Return where a name of `da` is defined."""
    return f"{getattr(da, name).__module__}.{getattr(da, name).__name__}"


def _directive(title: str, place: str, alone: bool = False) -> str:
    """Return the lines that mkdocstrings replaces by what it finds in a docstring.

    Args:
        title: Heading.
        place: Module and name.
        alone: Leave out the members of a class.
    """
    options = [f"heading: {title}", f"toc_label: {title}", *["members: false"] * alone]
    return "\n".join([f"::: {place}", "    options:", *(f"      {o}" for o in options), ""])
