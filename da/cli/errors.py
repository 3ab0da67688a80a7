"""Parse commands, and turn errors into one line and an exit status. Does not import torch."""

import contextlib
import functools
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tyro.extras import SubcommandApp

Command = Callable[[], None]
"""A command with its arguments, ready to run."""


def defer(command: Callable[..., None]) -> Callable[..., Command]:
    """Return a function like `command` that only stores its arguments and returns the command."""

    @functools.wraps(command)
    def remember(*args: Any, **kwargs: Any) -> Command:
        return functools.partial(command, *args, **kwargs)

    return remember


def parse(
    app: SubcommandApp, arguments: Sequence[str], explained: Callable[[str, Sequence[str]], str]
) -> Command:
    """Return the command that the arguments name, ready to run.

    Args:
        app: All commands.
        arguments: Words of the command line after `da`.
        explained: Function that turns an error of tyro, and the arguments, into one line.

    Raises:
        ValueError: The arguments name no command, or its options are wrong.
    """
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            return app.cli(prog="da", args=arguments)
    except SystemExit as ended:
        if ended.code:
            raise ValueError(explained(_unbox(box.getvalue()), arguments)) from ended
        raise


def _unbox(box: str) -> str:
    """Return the text of an error box of tyro, without its frame, title and advice on help."""
    lines = [line.strip(" │") for line in box.splitlines()[1:]]
    said = " ".join(lines).partition("For full helptext")[0]
    said = re.sub(r"Error parsing __tyro\S* ", "", said)
    return re.sub(r"\s*[─╰╯-]{3,}\s*", "; ", said).strip("; ")


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Print errors in one line and exit: with 2 for a user's mistake, 1 for a run that failed.

    With `DA_DEBUG` set, the error is shown in full.
    """
    try:
        yield
    except BrokenPipeError:  # the reader of our output, such as `head`, has stopped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except (ValueError, OSError, ArithmeticError, MemoryError) as error:
        if os.environ.get("DA_DEBUG"):
            raise
        print("da: " + " ".join(str(error).split()), file=sys.stderr)
        failed = isinstance(error, ArithmeticError | MemoryError)
        raise SystemExit(1 if failed else 2) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
