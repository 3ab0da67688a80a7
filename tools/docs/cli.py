"""The page of all commands, made from the parsers of the commands."""

import argparse
import re
import warnings
from collections.abc import Callable, Iterator

from da.cli import main, train
from tools.docs.markdown import NOTE, table

HEADS = "option", "values", "default", "what it does"
INTRODUCTION = """{note}

# Commands

`da COMMAND --help` prints what stands here. Settings of a run stand before the name of the method,
settings of the method after it.
"""


def render_page() -> str:
    """Render every command with its arguments, options and help."""
    commands: dict[str, Callable[..., None]] = {"train": train.train_command(), **main.NAMES}
    parts = [_render_command(name, command) for name, command in commands.items()]
    return "\n".join([INTRODUCTION.format(note=NOTE), *parts])


def _render_command(name: str, command: Callable[..., None]) -> str:
    parser = _parser(name, command)
    rows = [row for group in parser._action_groups for row in _rows(group)]
    usage = _usage(name, parser)
    text = f"## da {name}\n\n{_plain(parser.description or '')}\n\n```text\n{usage}\n```\n"
    if rows:
        text += f"\n{table(HEADS, rows)}\n"
    return text


def _parser(name: str, command: Callable[..., None]) -> argparse.ArgumentParser:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from tyro.extras import get_parser

        return get_parser(command, prog=f"da {name}")


def _rows(group: argparse._ArgumentGroup) -> Iterator[tuple[str, ...]]:
    """Yield option, values, default and help of each argument, but no commands of methods."""
    for action in group._group_actions:
        if action.dest == "help" or action.nargs == argparse.PARSER:
            continue
        help_text, _, default = (action.help or "").rpartition(" (default: ")
        if not help_text:
            help_text, default = re.sub(r" ?\(required\)$", "", action.help or ""), "required"
        default = default.removesuffix(")")
        marked = default if default in ("", "required") else f"`{default}`"
        yield _name(action), _values(action), marked, _plain(help_text)


def _name(action: argparse.Action) -> str:
    """Return the names of an option, or how an argument by place is called."""
    return ", ".join(f"`{name}`" for name in action.option_strings or [_metavar(action)])


def _values(action: argparse.Action) -> str:
    """Return the values that an option takes: known ones, or their kind."""
    if action.choices:
        return ", ".join(f"`{choice}`" for choice in action.choices)
    return _metavar(action) if action.option_strings and action.nargs != 0 else ""


def _metavar(action: argparse.Action) -> str:
    """Return the kind of value that an argument takes, as PATH or, for several, PATH ..."""
    if action.choices:
        return action.dest.rstrip("_").upper()
    many = re.match(r"\[(\w+) \[\1 \.\.\.\]\]", str(action.metavar))
    return f"{many[1]} ..." if many else str(action.metavar)


def _plain(help_text: str) -> str:
    """Put values that begin a line, as in `sgd: with momentum`, on lines of their own."""
    lines = help_text.strip().splitlines()
    return " ".join(re.sub(r"^([a-z_0-9]+): ", r"<br>`\1`: ", line) for line in lines)


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    """Return how a command is written: arguments by place, and that it has options."""
    by_place = [
        _metavar(action)
        for action in parser._actions
        if not action.option_strings and action.nargs != argparse.PARSER
    ]
    method = ["METHOD [OPTIONS OF THE METHOD]"] if name == "train" else []
    return " ".join(["da", name, *by_place, "[OPTIONS]", *method])
