"""`da data NAME` for published data sets whose files are not here."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from da.cli.main import main
from da.config.registry import DATASETS
from da.system.remote_files import RemoteFile
from tests.data.datasets.test_archives import images, pack


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def error(capsys, *line: str) -> str:
    """The one line of a command that ends with 2."""
    with pytest.raises(SystemExit) as ended:
        main([*line])
    assert ended.value.code == 2
    (told,) = capsys.readouterr().err.splitlines()
    return told


def test_without_an_address_a_line_says_what_to_get_and_where_to_put_it(data, capsys, monkeypatch):
    told = error(capsys, "data", "officehome")
    assert "OfficeHomeDataset_10072016.zip (file 0B81rNlvomiwed0V1YUxQdC1uOTg on Google" in told
    assert told.endswith(f"and put it into {data}/officehome")
    monkeypatch.delenv("DA_DATA")
    assert "first set DA_DATA to a folder with room for it" in error(capsys, "data", "officehome")


def test_missing_domains_are_fetched_with_license_and_checksum(data, tmp_path, monkeypatch):
    each = DATASETS["visda2017"].SET
    there = {"train.tar": "train", "validation.tar": "validation"}
    for name, folder in there.items():
        pack(tmp_path / "there" / name, images("visda2017", folder))
    digest = hashlib.md5((tmp_path / "there/train.tar").read_bytes()).hexdigest()
    files = tuple(
        RemoteFile(f.name, (tmp_path / "there" / f.name).as_uri(), "", f"md5:{digest}", f.domains)
        for f in each.files
        if f.name in there
    )
    domains = {name: each.domains[name] for name in ("synthetic", "real")}
    each = replace(each, files=files, domains=domains)
    for file in images("visda2017", "validation"):
        (data / "visda" / file).parent.mkdir(parents=True, exist_ok=True)
        (data / "visda" / file).touch()
    assert [*each.fetch()] == [
        "visda2017: license: for research that is not commercial, and not to be passed on",
        f"visda2017: fetching {files[0].url}",
        f"{data}/visda2017/train.tar: MD5 as published",
    ]
    assert [*each.fetch()] == []
    assert len(each.list_images("synthetic").files) == 12
    (data / "visda").rename(tmp_path / "visda")
    with pytest.raises(ValueError, match=r"validation\.tar\.partial has MD5 .* known: .* by hand"):
        [*replace(each).fetch()]
    (data / "visda2017/validation.tar").write_bytes(b"another")
    first, second, *_ = each.check()
    assert first == f"{data}/visda2017/train.tar: MD5 as published"
    assert second.startswith(f"{data}/visda2017/validation.tar has MD5 ")


def test_a_place_that_does_not_answer_is_named_with_the_way_by_hand(data, capsys, monkeypatch):
    away = "http://127.0.0.1:9/train.tar"
    files = (RemoteFile("train.tar", away),)
    each = replace(DATASETS["visda2017"].SET, files=files)
    monkeypatch.setattr(DATASETS["visda2017"], "fetch", each.fetch)
    told = error(capsys, "data", "visda2017")
    assert f"cannot fetch {away}: " in told
    assert told.endswith(f"put the file at {data}/visda2017/train.tar by hand")


def test_what_has_an_address_comes_first_and_the_rest_is_asked_for(data, tmp_path):
    pack(tmp_path / "train.tar", images("visda2017", "train"))
    files = (
        RemoteFile("list.txt", place="the repository of the challenge"),
        RemoteFile("train.tar", (tmp_path / "train.tar").as_uri()),
    )
    lines = replace(DATASETS["visda2017"].SET, files=files).fetch()
    ask = f"visda2017: get list.txt (the repository of the challenge), and put it into {data}"
    assert [next(lines) for _ in range(4)][1:] == [
        f"{ask}/visda2017",
        f"visda2017: fetching {files[1].url}",
        f"{data}/visda2017/train.tar: no checksum is published",
    ]
    with pytest.raises(ValueError, match=r"get list\.txt"):
        next(lines)
