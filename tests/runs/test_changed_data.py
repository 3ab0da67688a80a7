"""Records whose images have changed on disk since are told from those that are current."""

from pathlib import Path

import pytest

from da.data import tasks
from da.methods import METHODS
from da.results.records import Record
from da.runs.provenance import CURRENT, OTHER_DATA, UNKNOWN_DATA, find_states
from da.runs.run import Run
from tests.fixtures.datasets import image_folder


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    return image_folder(tmp_path / "a", each=3), image_folder(tmp_path / "b", each=3)


def record(folders: tuple[Path, Path], **settings) -> Record:
    """A record of source_only from one folder to the other, as they are now."""
    run = Run(METHODS["source_only"].Hparams(), "folder:{}-{}".format(*folders), **settings)
    digests = tasks.digest_domains(run.task, *tasks.open_domains(run.task, run.reading))
    return Record(run.id, run.settings(), [], 1.0, made_from=digests)


def state(of: Record, *, decode: bool = False) -> str:
    return find_states([of], Path("results"), decode=decode)[of.id]


def test_an_image_with_other_pixels_is_noticed(folders):
    before = record(folders)
    assert state(before) == CURRENT
    first, second = sorted(folders[1].glob("cat/*"))[:2]
    first.write_bytes(second.read_bytes())
    assert state(before) == UNKNOWN_DATA  # the list of files has changed; nothing is decoded
    assert state(before, decode=True) == OTHER_DATA


def test_images_that_were_only_touched_are_the_same(folders):
    before = record(folders)
    for file in folders[0].glob("*/*"):
        file.touch()
    assert state(before) == UNKNOWN_DATA
    assert state(before, decode=True) == state(before) == CURRENT


def test_a_record_without_the_bad_images_stays_current(folders):
    next(folders[1].glob("dog/*")).write_bytes(b"no image")
    assert state(record(folders, skip_bad=True), decode=True) == CURRENT
