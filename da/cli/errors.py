"""Between a shell and commands: errors become one line and an exit status. No torch."""

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


def defer(command: Callable[..., None]) -> Callable[..., Command]:
    """`command` that, when called, only remembers its arguments."""

    @functools.wraps(command)
    def remember(*args: Any, **kwargs: Any) -> Command:
        return functools.partial(command, *args, **kwargs)

    return remember


def parse(
    app: SubcommandApp, arguments: Sequence[str], explained: Callable[[str, Sequence[str]], str]
) -> Command:
    """The command that `arguments` name; ValueError of one line where they name none.

    The line is what `explained` makes of tyro's.
    """
    box = io.StringIO()
    try:
        with contextlib.redirect_stderr(box):
            return app.cli(prog="da", args=arguments)
    except SystemExit as ended:
        if ended.code:
            raise ValueError(explained(_unboxed(box.getvalue()), arguments)) from ended
        raise


def _unboxed(box: str) -> str:
    """What stands in a box of tyro's, without its frame, title and advice on help."""
    lines = [line.strip(" │") for line in box.splitlines()[1:]]
    said = " ".join(lines).partition("For full helptext")[0]
    said = re.sub(r"Error parsing __tyro\S* ", "", said)
    return re.sub(r"\s*[─╰╯-]{3,}\s*", "; ", said).strip("; ")


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Exit with 2 for a mistake of the user's and 1 for a run that diverged, each in one line.

    With `DA_DEBUG` set the error is shown in full.
    """
    try:
        yield
    except BrokenPipeError:  # whoever read our output, `head` say, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(141) from None
    except (ValueError, OSError, ArithmeticError) as error:
        if os.environ.get("DA_DEBUG"):
            raise
        print("da: " + " ".join(str(error).split()), file=sys.stderr)
        raise SystemExit(1 if isinstance(error, ArithmeticError) else 2) from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None
