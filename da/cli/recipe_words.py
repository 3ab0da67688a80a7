"""The option `--recipe` of `da train`: it stands for all options that a recipe sets."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any

from tyro.conf import arg

RecipeName = Annotated[
    str,
    arg(
        help="Recipe whose settings the run has, see `da recipe list`: tllib, authors and others. "
        "Options of yours replace its own. The task may follow it without --task."
    ),
]


BEFORE = "0" * 12
"""What `init` is until the id is known of the run that a recipe's run begins with."""


def expand_recipe(arguments: Sequence[str]) -> list[str]:
    """Put the options of a recipe in front of a user's, who need not repeat them.

    Args:
        arguments: Words of the command line after `da`; all but `train --recipe NAME` stay.

    Raises:
        ValueError: There is no such recipe, or no method or task to have it for.
    """
    words = [part for word in arguments for part in _split_recipe(word)]
    if words[:1] != ["train"] or "--recipe" not in words or {"-h", "--help"} & {*words}:
        return [*arguments]
    at = words.index("--recipe")
    name, rest = "".join(words[at + 1 : at + 2]), words[1:at] + _name_task(words[at + 2 :])
    method = next((word for word in rest if word in _methods()), "")
    task = _value(rest, "task")
    _check(name, method, task)
    from da.runs.recipes import find_recipe, find_settings

    settings = find_settings(method, name, task, frozen=_value(rest, "regime") == "frozen")
    given = {_option(word) for word in rest}
    own = {k: v for k, v in settings.items() if _option(f"--{k.removeprefix('hp.')}") not in given}
    if find_recipe(method, name).begins and "init" not in given:
        own["init"] = BEFORE
    behind = rest.index(method) + 1
    general = as_words({k: v for k, v in own.items() if k[:3] != "hp."})
    special = as_words({k[3:]: v for k, v in own.items() if k[:3] == "hp."})
    return ["train", "--recipe", name, *general, *rest[:behind], *special, *rest[behind:]]


def describe_recipe(name: str, method: str, task: str) -> str:
    """Return a line about a recipe: its source, and whether it has settings for the task."""
    from da.runs.recipes import find_recipe

    recipe = find_recipe(method, name)
    known = "" if recipe.is_printed_for(task) else f" It has no settings for {task}:"
    benchmark = task.partition(":")[0]
    taken = benchmark if benchmark in recipe.data else next(iter(recipe.data), "")
    others = f"{known} those for {taken} are taken." if known else ""
    return f"recipe {name} of {method}: {recipe.source}{others}"


def _methods() -> Sequence[str]:
    from da.methods import METHODS

    return [*METHODS]


def _check(name: str, method: str, task: str) -> None:
    """Refuse a recipe that does not exist, or words that it cannot be had for."""
    from da.runs.recipes import NAMED, find_recipe

    if name not in NAMED:
        raise ValueError(f"unknown recipe {name!r}, known: {', '.join(NAMED)}")
    if not method:
        raise ValueError(f"--recipe {name} needs a method, known: {', '.join(NAMED[name])}")
    find_recipe(method, name)
    if not task:
        raise ValueError(f"--recipe {name} needs a task, for example --task office31:amazon-webcam")


def _split_recipe(word: str) -> list[str]:
    return word.split("=", 1) if word.startswith("--recipe=") else [word]


def _name_task(words: Sequence[str]) -> list[str]:
    """Put `--task` before a first word that is neither an option nor a method."""
    named = bool(words) and not words[0].startswith("-") and words[0] not in _methods()
    return [*(["--task"] if named else []), *words]


def _value(words: Sequence[str], name: str) -> str:
    """Return the last value of an option; "" for none."""
    found = ""
    for word, value in pairwise([*words, ""]):
        if _option(word) == name:
            found = word.partition("=")[2] if "=" in word else value
    return found


def _option(word: str) -> str:
    """Return the setting that an option sets; "" for a word that is none."""
    if not word.startswith("--"):
        return ""
    return word[2:].partition("=")[0].replace("_", "-").removeprefix("no-")


def as_words(settings: Mapping[str, Any]) -> list[str]:
    """Write settings as options; those of several values come first, so that each ends."""
    ordered = sorted(settings.items(), key=lambda pair: not isinstance(pair[1], tuple))
    return [word for name, value in ordered for word in _write(name.replace("_", "-"), value)]


def _write(option: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    values = value if isinstance(value, tuple) else (value,)
    return [f"--{option}", *map(str, values)]
