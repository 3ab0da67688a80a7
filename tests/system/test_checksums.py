import os
from pathlib import Path

import pytest

from da.system import checksums
from da.system.checksums import compute, last_used, match, store, sums_file

BLOCK = 64


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(checksums, "BLOCK", BLOCK)
    monkeypatch.setattr(checksums, "_matched", {})


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "x.npy"
    path.write_bytes(bytes(range(256)) * 40)
    store(path, compute(path))
    return path


def change(path: Path, at: int, *, quietly: bool = False) -> None:
    """Change a byte; `quietly` without a change of the file's time."""
    stat = path.stat()
    with path.open("r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ 1]))
    if quietly:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_file_is_as_it_was_written(file):
    assert match(file)
    assert match(file, whole=True)
    assert match(file.with_name("other")) is None


@pytest.mark.parametrize("at", [0, 5000, 256 * 40 - 1])
def test_a_changed_byte_is_noticed(file, at):
    assert match(file)
    change(file, at)
    assert match(file) is False
    change(file, at)
    assert match(file)


@pytest.mark.parametrize("size", [0, 63, 64, 10239, 10241])
def test_another_size_is_noticed(file, size):
    os.truncate(file, size)
    assert match(file) is False


def test_of_a_large_file_some_blocks_are_read(file):
    assert file.stat().st_size / BLOCK == 160 > checksums.SAMPLE
    read = []
    digest = checksums._digest
    checksums._digest = lambda block: read.append(block) or digest(block)
    try:
        assert match(file)
        assert len(read) == checksums.SAMPLE
        assert match(file)
        assert len(read) == checksums.SAMPLE, "a process reads it once"
    finally:
        checksums._digest = digest


def test_a_change_that_kept_the_time_is_noticed_on_request(file, monkeypatch):
    change(file, 77, quietly=True)
    assert match(file, whole=True) is False
    monkeypatch.setattr(checksums, "SAMPLE", 160)
    assert match(file) is False


def test_a_touched_file_is_read_whole_once(file, monkeypatch):
    os.utime(file, (1, 1))
    change(file, 77, quietly=True)
    assert match(file) is False
    change(file, 77, quietly=True)
    assert match(file)
    (sums,) = checksums._load(file).values()
    assert sums.changed == 1_000_000_000


@pytest.mark.parametrize("text", ["", "{]", "[1]", '{"": 1}', '{"": [1, 2]}', '{"": ["a", 2, []]}'])
def test_damaged_checksums_are_none(file, text):
    sums_file(file).write_text(text)
    assert match(file) is None


def test_a_folder_is_all_its_files(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in "ab":
        (folder / name).write_text(name * 100)
    store(folder, compute(folder))
    assert match(folder)
    (folder / ".hidden").touch()
    (folder / "more").touch()
    assert match(folder)
    change(folder / "b", 3)
    assert match(folder) is False
    change(folder / "b", 3)
    (folder / "a").unlink()
    assert match(folder) is False


def test_it_was_used_when_its_checksums_were_touched(file):
    os.utime(file, (5, 5))
    os.utime(sums_file(file), (7, 7))
    assert last_used(file) == 7
    sums_file(file).unlink()
    assert last_used(file) == 5
