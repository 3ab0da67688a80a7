"""Explain arguments that no command takes: which word is wrong, and where it belongs.

This module does not import torch.
"""

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from inspect import signature
from typing import Any

from da.config.setting_names import RENAMED

Options = Collection[str]
"""Names of options with their dashes, such as --trade-off."""

FOR_HELP = "-h", "--help", "--tyro-print-completion", "--tyro-write-completion"
"""Options of tyro that every command takes."""


def option_names(names: Collection[str]) -> set[str]:
    """Return the options for settings with these names."""
    return {"--" + name.strip("_").replace("_", "-") for name in names}


def command_options(command: Callable[..., Any]) -> set[str]:
    """Return the options of a command, including its positional arguments."""
    return option_names(signature(command).parameters)


def explain(
    said: str, arguments: Sequence[str], general: Options, methods: Mapping[str, Options]
) -> str:
    """Explain in one line what is wrong with the arguments of a command.

    Args:
        said: Error of tyro.
        arguments: Name of the command and the words after it.
        general: Options of the command.
        methods: Options of each method, which come after its name; empty if the command takes none.
    """
    none = re.search(r"Expected one of \{|applied to da train\)", said)
    method = "" if none else next((word for word in arguments if word in methods), "")
    at = arguments.index(method) if method else len(arguments)
    for i, word in enumerate(arguments):
        option = "--" + word.partition("=")[0][2:].replace("_", "-").removeprefix("no-")
        if word[:2] != "--" or option in FOR_HELP:
            continue
        there = methods[method] if i > at else general
        if option not in there:
            return _explain_misplaced(option, there, general, methods, method, arguments[0])
    found = re.search(r"Unrecognized (?:or misplaced )?options: ([^\s,;]+)", said)
    if methods and not method and (found or "Expected one of {" in said):
        return _explain_missing_method(found[1] if found else "", methods)
    if found:
        return f"unknown word {found[1]!r}: it belongs to no option"
    return _shorten(said)


def _explain_misplaced(
    option: str,
    there: Options,
    general: Options,
    methods: Mapping[str, Options],
    method: str,
    command: str,
) -> str:
    """Explain where an option belongs that is not among those known `there`."""
    former = option[2:].replace("-", "_")
    if new := option_names([RENAMED[former]] if former in RENAMED else []) & {*general}:
        return f"{option} is called {new.pop()} now"
    owners = [name for name, own in methods.items() if option in own]
    if option in general:
        return f"{option} is a general option: it stands before the method, {method}"
    if owners and (not method or method in owners):
        return (
            f"{option} is an option of {method or 'a method'}: it stands behind the method's name"
        )
    if owners:
        return f"{option} is no option of {method}, but of {', '.join(owners)}"
    if near := difflib.get_close_matches(option, [*there, *general], 3):
        return f"unknown option {option}, known: {', '.join(dict.fromkeys(near))}"
    behind = f" {method}" if there is not general else ""
    return f"unknown option {option}, known: those that `da {command}{behind} --help` lists"


def _explain_missing_method(word: str, methods: Collection[str]) -> str:
    """Explain that no method is named, or an unknown one."""
    near = _near(word, methods)
    among = f"{', '.join(near)}, and all" if near else "those"
    known = f"{among} of `da list methods`"
    return f"unknown method {word!r}, known: {known}" if word else f"no method, known: {known}"


def _near(word: str, known: Collection[str]) -> list[str]:
    """Return the three most similar names, those of the same letters first."""
    found = difflib.get_close_matches(word, known, 9)
    return sorted(found, key=lambda name: sorted(name) != sorted(word))[:3]


def _shorten(said: str) -> str:
    """Shorten an error about a value to the value and the known ones, or to what is missing.

    Python cuts off a long text that is no whole number, with its closing quote.
    """
    if missing := re.match(r"Missing from (da .*?): (.*)", said):
        return f"{missing[1]} needs {missing[2]}, see `{missing[1]} --help`"
    found = re.match(
        r"Error parsing --\S+: .*?((?:'[^']*'?|\[[^\]]*\])); Argument helptext: "
        r"(--\S+ (?:\[.*\]|\S+))",
        said,
    )
    return f"unknown value {found[1]}, known: {found[2]}" if found else said
