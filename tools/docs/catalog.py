"""Pages of data sets, backbones, selectors and recipes, from what the files say of themselves."""

from inspect import cleandoc

from da.cli import listings
from da.config import registry
from da.config.backbone_names import known_backbones, written_names
from da.data.datasets import list_domains, task_syntax
from da.runs.printed.recipe import Recipe
from da.runs.recipes import RECIPES
from tools.docs import datasets
from tools.docs.markdown import NOTE, table

DATASETS = """{note}

# Data sets

A task is `BENCHMARK:SOURCE-TARGET`. `+3shot` at its end gives three labeled target images of each
class; a single domain, as in `emoji:noto`, is trained on its labels. `da data` shows what is on
this machine.

{parts}
"""

BACKBONES = """{note}

# Backbones

A backbone turns images into features. These are the networks that papers use, as `--backbone` takes
them; [the guide](../guides/networks.md) shows how. Parameters are in millions, without the
classifier. The side is that of the images that the weights were trained with, and the license is
what timm states of the weights: read their own page before you pass them on.

{known}

Any other name of torchvision or timm works too, with pretrained weights where the library's cache
has them or can fetch them. `NAME.TAG` chooses among timm's weights for one network. The files below
are ours and yours.

{parts}
"""

SELECTORS = """{note}

# Selectors

A selector chooses the evaluation of a run that counts. It sees predictions, features and source
labels, but no target labels. Each whose needs are met is computed at every evaluation, so that
`da table --chosen-by NAME` and `da plot --chosen-by NAME` choose afterwards.

{rows}

What a selector needs:

- `logits` of target test images, `source` logits and labels, and `features`, which the classifier
  sees, of both.
- `discriminator`: its logits, of a method that has one.
- `views` and `mixtures`: logits of changed and of mixed target images.
- `weights` of a linear classifier.
- `retraining`: it trains a classifier on features, which takes longer.
- `runs`: it compares several runs, so one evaluation alone has no score.

{parts}
"""

RECIPES_PAGE = """{note}

# Recipes

Papers and libraries run the same method with different settings. A recipe is a full choice of
settings, with the place where it is printed, and [a guide](../guides/optimization.md) shows how it
is run. In an experiment:

```python
import da

run = da.recipes.run("cdan", "tllib", "office31:amazon-webcam", seed=0)
```

{rows}

In the sections below, rows without a data set hold for all. A data set that has no row has the
settings of the first one.
`+partial`, `+open` and `+universal` stand for such tasks of a data set, and `+several` for tasks of
several sources. A row of one task, such as `office31:amazon-webcam`, has what differs for it alone,
as the number of steps where the source counts epochs.
Settings of the method stand with `hp.` before their names.

{parts}
"""


def render_datasets() -> str:
    """Render each data set: what it is, its domains, and how its tasks are written."""
    found = registry.DATASETS
    parts = [_section(name, found.constants(name)["__doc__"], _tasks(name)) for name in found]
    return DATASETS.format(note=NOTE, parts="\n\n".join(parts))


def _tasks(name: str) -> str:
    domains = [f"`{domain}`" for domain in list_domains(name) if domain]
    listed = f"Domains: {', '.join(domains)}. " if domains else ""
    page = f" [More and printed numbers](datasets/{name}.md)." if name in datasets.names() else ""
    return f"{listed}Tasks: `{task_syntax(name)}`.{page}"


def render_backbones() -> str:
    """Render the networks that papers use, and what our own backbones say of themselves."""
    found = registry.BACKBONES
    docs = [found.constants(name)["__doc__"] for name in found]
    parts = map(_section, written_names(), docs)
    rows = [(f"`{known.name}`", *known[1:]) for known in known_backbones()]
    heads = "name", "parameters", "side", "license", "what it is"
    return BACKBONES.format(note=NOTE, known=table(heads, rows), parts="\n\n".join(parts))


def _section(name: str, doc: str | None, end: str = "") -> str:
    return "\n\n".join(filter(None, [f"## {name}", cleandoc(doc or ""), end]))


def render_selectors() -> str:
    """Render what `da list selectors` prints as a table, and what each file says."""
    rows = [(f"`{name}`", *about) for name, *about in listings.describe_selectors()]
    found = registry.SELECTORS
    parts = [_section(name, _as_phrase(found[name].__doc__)) for name in found]
    table_of_all = table(("selector", "needs", "what it is"), rows)
    return SELECTORS.format(note=NOTE, rows=table_of_all, parts="\n\n".join(parts))


def _as_phrase(doc: str) -> str:
    """Turn `Return the share of ...` into `The share of ...`."""
    phrase = doc.removeprefix("Return ")
    return phrase[0].upper() + phrase[1:]


def render_recipes() -> str:
    """Render each recipe: where it is printed, what is ours, and its settings by data set."""
    parts = [
        f"## {method}, {name}\n\n{_about(recipe)}\n\n{_settings(recipe)}"
        for method, recipes in RECIPES.items()
        for name, recipe in recipes.items()
    ]
    heads = "recipe", "data sets", "printed in"
    rows = [_row(f"{m}, {n}", own) for m, some in RECIPES.items() for n, own in some.items()]
    return RECIPES_PAGE.format(note=NOTE, rows=table(heads, rows), parts="\n\n".join(parts))


def _row(title: str, recipe: Recipe) -> tuple[str, ...]:
    """Sum a recipe up, with a link to its section."""
    anchor = title.replace(", ", "-")
    data = ", ".join(f"`{name}`" for name in recipe.data_sets) or "any"
    return f"[{title}](#{anchor})", data, recipe.source


def _about(recipe: Recipe) -> str:
    """Say what a recipe says of itself, a line for each kind."""
    said = {"Printed in": recipe.source, "Ours": recipe.ours, "Oracle's choice": recipe.oracle}
    if recipe.begins:
        said["Begins with"] = "a run of {}, {}, whose id is `init`.".format(*recipe.begins)
    tried = (f"`{name}` of {', '.join(map(repr, x))}" for name, x in recipe.searched.items())
    said["Searched"] = "; ".join(tried)
    return "\n".join(f"- **{head}:** {text}" for head, text in said.items() if text)


def _settings(recipe: Recipe) -> str:
    """Write the settings of all tasks one a row, then those of each data set in a row."""
    rows = [("", f"`{name}`", f"`{value!r}`") for name, value in recipe.settings.items()]
    for data, own in recipe.data.items():
        listed = ", ".join(f"`{name} = {value!r}`" for name, value in own.items())
        rows.append((f"`{data}`", "", listed or "as above"))
    return table(("data set", "setting", "value"), rows)
