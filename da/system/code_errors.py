"""Errors of a user's own code as one line of text, with file and line and without a traceback."""

import sys
from functools import cache
from pathlib import Path
from traceback import walk_tb


def describe_code_error(file: Path, error: BaseException) -> str:
    """Return an error's message after the last line of a file that it passed through.

    A syntax error, which stops a file from being run at all, has its own file and line.
    """
    frames = walk_tb(error.__traceback__)
    said, at = str(error), [n for frame, n in frames if Path(frame.f_code.co_filename) == file]
    if isinstance(error, SyntaxError) and error.filename:
        file, at, said = Path(error.filename), [error.lineno or 1], error.msg
    line = f", line {at[-1]}" if at else ""
    return f"{file}{line}: {type(error).__name__}: {said}"


@cache
def warn_once(text: str) -> None:
    """Print a warning to stderr, once in a process."""
    print(f"warning: {text}", file=sys.stderr)
