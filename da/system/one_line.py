"""Text that people typed or files hold, made fit for one line of a message."""

import re

LONGEST_WORD = 300
"""Characters of a quoted text or a word; of a longer one, the middle is left out."""
LONGEST_LINE = 950
"""Characters of a line; of a longer one, the middle is left out."""

_LONG_WORD = re.compile(rf"'[^']{{{LONGEST_WORD},}}'|\S{{{LONGEST_WORD},}}")
_ERROR_NUMBER = re.compile(r"\[Errno -?\d+\] ")


def one_line(text: object) -> str:
    """Return a text as one line of limited length, without control characters.

    Line ends and other white space become single spaces; other characters that a terminal does not
    show, or obeys, are escaped. Numbers of system errors are left out, as their names follow.
    """
    line = _ERROR_NUMBER.sub("", " ".join(str(text).split()))
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
    line = _LONG_WORD.sub(lambda found: _without_middle(found[0], LONGEST_WORD), line)
    return _without_middle(line, LONGEST_LINE)


def _without_middle(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    half = most // 2 - 20
    return f"{text[:half]}[... {len(text) - 2 * half} more characters ...]{text[-half:]}"
