"""Whatever happens, a command says one line, and the line can be read where it is shown."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from da.cli.main import main


def said(capsys, *words: str, code: int = 2) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == code
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.count("\n") == 1
    return found.err


LONG = "x" * 5_000
EVERY_KIND = [
    ["table", LONG],
    ["table", "x y " * 2_000],
    ["diagnose", LONG],
    ["list", LONG],
    ["table", "tiny.py", f"--{LONG}"],
    ["sweep", "tiny.py", "--workers", LONG],
    [LONG],
]


@pytest.mark.parametrize("words", EVERY_KIND, ids=lambda words: " ".join(words)[:20])
def test_a_message_is_never_as_long_as_what_was_typed(capsys, words):
    assert len(said(capsys, *words)) < 3000


def test_what_was_typed_does_not_command_the_terminal(capsys):
    assert r"no experiment a\x1b[2Jb c" in said(capsys, "table", "a\x1b[2Jb\nc")


def test_characters_that_the_output_lacks_are_replaced(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    with pytest.raises(SystemExit) as ended:
        main(["--help"])  # in a frame of lines that ASCII lacks
    assert ended.value.code == 0
    assert b"?" in raw.getvalue()


@pytest.mark.parametrize("buffering", [-1, 1])
def test_output_without_room_is_one_line(capsys, monkeypatch, buffering):
    with open("/dev/full", "w", buffering=buffering) as full:
        monkeypatch.setattr(sys, "stdout", full)
        err = said(capsys, "list", "selectors")
    assert err == "da: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("error", [RuntimeError("a\nb"), MemoryError()])
def test_a_run_that_fails_is_one_line_too(capsys, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("da.results.records.find", fail)
    err = said(capsys, "diagnose", "000000000000", code=1)
    assert err.startswith(f"da: {type(error).__name__}: ")
    assert err.endswith(" (DA_DEBUG=1 shows where)\n")


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_a_closed_stream_leads_nowhere(capsys, monkeypatch, closed):
    monkeypatch.setattr(sys, closed, None)
    with pytest.raises(SystemExit) as ended:
        main(["table", "nothing.py"])
    assert ended.value.code == 2
    with getattr(sys, closed) as stream:
        assert stream.name == "/dev/null"
    assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nothing_complains_when_the_program_ends_without_room(tmp_path, unbuffered):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "da", "list", "selectors"],
            stdout=full,
            stderr=subprocess.PIPE,
            env={"PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": str(Path(__file__).parents[2])},
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr == "da: cannot write the output: No space left on device\n"
