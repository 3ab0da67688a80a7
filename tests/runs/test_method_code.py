"""The digest of a method's source changes with its code, and with that which it shares."""

import os
from pathlib import Path

import pytest

from da.methods import METHODS, base
from da.runs import method_code
from da.runs.method_code import code_digest, loaded_code_digest

MINE = '''"""A method."""

from da.methods import Method
from da.methods._common import scale


class Mine(Method):
    """It adapts."""

    def step(self, x):
        # as in the paper
        return f"{scale(x)!r:>{1}} # no comment"
'''
COMMON = "from da.methods import _deep\n\n\ndef scale(x):\n    return 2 * _deep.one(x)\n"
DEEP = "def one(x):\n    return x\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_METHODS", str(tmp_path))
    for name, text in (("mine", MINE), ("_common", COMMON), ("_deep", DEEP), ("other", DEEP)):
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def replaced(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mine", "scale(x)!r", "scale(x)!s"),
        ("mine", "# no comment", "# comment"),
        ("mine", "return f", "return 'a', f"),
        ("_common", "2 *", "3 *"),
        ("_deep", "return x", "return -x"),
    ],
)
def test_other_code_has_another_digest(folder, name, old, new):
    before = code_digest("mine")
    replaced(folder / f"{name}.py", old, new)
    assert code_digest("mine") != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("mine", "A method", "My method"),
        ("mine", '"""It adapts."""', '"""It adapts.\n\n    Well."""\n'),
        ("mine", "        # as in the paper\n", "\n\n"),
        ("mine", "def step(self, x):", "def step(\n        self, x\n    ):  # one step"),
        ("_deep", "    return x", "        return x"),
        ("_deep", "\n", "\r\n"),
        ("other", "return x", "return -x"),
    ],
)
def test_comments_docstrings_layout_and_other_files_do_not_count(folder, name, old, new):
    before = code_digest("mine")
    replaced(folder / f"{name}.py", old, new)
    assert code_digest("mine") == before


def test_the_digest_is_the_same_on_every_version_of_python(folder):
    assert code_digest("mine") == "c14bc49a40874cab"


def test_our_own_methods_have_one_each():
    digests = {name: code_digest(name) for name in METHODS}
    assert None not in digests.values()
    assert len({*digests.values()}) == len(digests)
    assert code_digest("no_such_method") is None


def test_shared_files_of_our_own_methods_count():
    files = {file.name for file in method_code._code_files("dann")}
    assert files == {"dann.py", "_adversarial.py"}


def test_code_that_was_changed_after_it_was_loaded_is_of_no_digest(folder, monkeypatch):
    assert loaded_code_digest("dann") == code_digest("dann")
    assert loaded_code_digest("mine") == "changed meanwhile"
    monkeypatch.setattr(base, "LOADED", (folder / "mine.py").stat().st_ctime + 1)
    assert loaded_code_digest("mine") == code_digest("mine")
