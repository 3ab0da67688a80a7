"""Parse commands, and turn errors into one line and an exit status. Does not import torch."""

import contextlib
import errno
import functools
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tyro.extras import SubcommandApp

from da.config.plug_in_errors import PlugInError, explain_plug_in
from da.system.one_line import one_line

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
    """Return the text of an error box of tyro, without its frame, title and texts of help."""
    lines = [line.strip(" │") for line in box.splitlines()[1:] if line[:10].strip("│ ")]
    said = " ".join(lines).partition("For full helptext")[0]
    said = re.sub(r"Error parsing __tyro\S* ", "", said)
    return re.sub(r"\s*[─╰╯-]{3,}\s*", "; ", said).strip("; ")


FAILED_RUN = ArithmeticError, RuntimeError, MemoryError
"""Errors of a run, such as numbers that diverge or a GPU without room; all others are mistakes."""


UNWRITABLE = errno.ENOSPC, errno.EIO, errno.EBADF
"""Errors of output; those of our files name the file."""


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Print errors in one line and exit: with 2 for a user's mistake, 1 for a run that failed.

    With `DA_DEBUG` set, the error is shown in full. Output that cannot be written is an error too.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output, such as `head`, has stopped
        _drop_output()
        raise SystemExit(141) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (Exception, SystemExit) as error:
        known = explain_plug_in(error) or error
        if not isinstance(known, (ValueError, OSError, *FAILED_RUN)):
            raise
        _drop_output()
        if os.environ.get("DA_DEBUG"):
            raise
        with contextlib.suppress(OSError):
            print(f"da: {_describe(known)}", file=sys.stderr)
        raise SystemExit(1 if isinstance(known, FAILED_RUN) else 2) from error


def _describe(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in UNWRITABLE and not error.filename:
        return f"cannot write the output: {error.strerror}"
    if isinstance(error, PlugInError):
        return f"{one_line(error)} (DA_DEBUG=1 shows more)"
    if isinstance(error, RuntimeError) or not str(error):
        first = str(error).strip().partition("\n")[0] or "no more is known"
        return f"{one_line(f'{type(error).__name__}: {first}')} (DA_DEBUG=1 shows where)"
    return one_line(error)


def _drop_output() -> None:
    """Drop output that cannot be written. Python would try again as it ends, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def settle_streams() -> None:
    """Make output work wherever it goes.

    Characters that a terminal's encoding lacks are replaced. A stream that was closed before we
    started leads nowhere, so that no file takes its place.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
