"""What comes of a command or a call: a result, a refusal, a failed run, or a fault."""

import contextlib
import io
import os
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

RESULT, REFUSED, FAILED, FAULT = "results", "refused", "failed", "faults"
"""Exit 0; one line and exit 2; one line and exit 1; anything else, such as a traceback."""

LONGEST = 1000
"""Characters of the longest line that still counts as one line for a reader."""

RAW = re.compile(r"Traceback \(most recent|Warning\b|Error parsing|terminate called")
"""What only a program's author should see."""


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt."""

    what: str
    kind: str
    said: str = ""
    """What it said on stderr, or the error."""
    printed: str = ""
    """What it printed on stdout."""

    def unless(self, wrong: bool, why: str) -> "Outcome":
        """Return this outcome, or a fault where it is wrong without a word."""
        if not wrong or self.kind == FAULT:
            return self
        return Outcome(self.what, FAULT, f"{why}: {self.said}", self.printed)


class Tally:
    """All outcomes of one promise."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    @property
    def counts(self) -> dict[str, int]:
        """The number of outcomes of each kind."""
        found = Counter(outcome.kind for outcome in self.outcomes)
        return {kind: found[kind] for kind in (RESULT, REFUSED, FAILED, FAULT)}

    def check(self, outcomes: Sequence[Outcome]) -> None:
        """Count outcomes, and fail where one of them is a fault."""
        self.outcomes += outcomes
        wrong = [o for o in outcomes if o.kind == FAULT]
        reasons = Counter(shorten(o.said) for o in wrong)
        first = {shorten(o.said): o.what for o in reversed(wrong)}
        lines = [f"{n} x {said!r}, as in {first[said]!r}" for said, n in reasons.most_common()]
        assert not wrong, "\n".join([f"{len(wrong)} faults of {len(outcomes)}:", *lines])


def shorten(text: str) -> str:
    """Return the beginning and the end of a text."""
    return text if len(text) < 250 else f"{text[:120]} ... {text[-120:]}"


class TooLongError(BaseException):
    """An attempt does not end."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLongError in the block after so many seconds."""

    def stop(*_: object) -> None:
        raise TooLongError(f"no end in {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def streams(encoding: str = "utf-8") -> Iterator[Callable[[], tuple[str, str]]]:
    """Send stdout and stderr, of C libraries too, to files; give a function that reads these."""
    kept = {fd: os.dup(fd) for fd in (1, 2)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        for fd, file in ((1, out), (2, err)):
            os.dup2(file.fileno(), fd)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding=encoding)
        sys.stderr = io.TextIOWrapper(
            io.FileIO(2, "w", closefd=False), errors="backslashreplace", line_buffering=True
        )

        def read() -> tuple[str, str]:
            sys.stdout.flush()
            sys.stderr.flush()
            sizes = os.fstat(1).st_size, os.fstat(2).st_size
            texts = os.pread(1, sizes[0], 0), os.pread(2, sizes[1], 0)
            return texts[0].decode(errors="replace"), texts[1].decode(errors="replace")

        try:
            yield read
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
            for fd, old in kept.items():
                os.dup2(old, fd)
                os.close(old)


def run_command(words: Sequence[str], seconds: float = 60, encoding: str = "utf-8") -> Outcome:
    """Run a command of `da` in this process, as a user would in a process of its own."""
    from da.cli.main import main

    what, broken = " ".join(word[:60] for word in words), ""
    with streams(encoding) as read:
        try:
            with time_limit(seconds), warnings.catch_warnings():
                main(list(words))
            status = 0
        except SystemExit as ended:
            status = _status(ended.code)
        except BaseException as error:
            status, broken = -1, describe(error)
        printed, said = read()
    return classify(what, status, broken or said, printed)


def _status(code: object) -> int:
    if isinstance(code, str):
        print(code, file=sys.stderr)
    return code if isinstance(code, int) else int(code is not None)


def describe(error: BaseException) -> str:
    """Describe an error that nothing caught, and the line of ours that it came from."""
    ours = [f for f in traceback.extract_tb(error.__traceback__) if "/da/" in f.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno} " if ours else ""
    return f"{where}{type(error).__name__}: {str(error)[:120]}"


def classify(what: str, status: int, said: str, printed: str = "") -> Outcome:
    """Tell the kind of an outcome from the exit status and what stands on stderr."""
    ours = [line for line in said.splitlines() if line.startswith("da: ")]
    failures = re.search(r"^\d+ failed:$", said, re.MULTILINE)
    brief = all(len(line) <= LONGEST for line in said.splitlines())
    clean = brief and not RAW.search(said)
    if status == 0 and clean:
        kind = RESULT
    elif status == 2 and clean and len(ours) == 1:
        kind = REFUSED
    elif status == 1 and clean and (ours or failures):
        kind = FAILED
    else:
        kind = FAULT
    return Outcome(what, kind, said if kind != FAULT else f"exit {status}: {said}", printed)
