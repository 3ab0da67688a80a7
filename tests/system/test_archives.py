"""Archives as data sets come in, and such as would write elsewhere."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from da.system import archives
from da.system.cache import NotMadeError, cache_home, without_making


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))


def tar(file: Path, *members: tuple[str, bytes] | tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(file, mode) as pack:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                pack.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                pack.addfile(info, io.BytesIO(member[1]))
    return file


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize("ending", ["tar", "tar.gz", "tgz", "tar.bz2", "zip"])
def test_an_archive_is_unpacked_once(ending, tmp_path, capsys):
    file = tmp_path / f"set.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(file, "w") as pack:
            pack.writestr("a/b/1.txt", "one")
    else:
        kind = {"tar": "w", "tar.bz2": "w:bz2"}.get(ending, "w:gz")
        tar(file, ("a/b/1.txt", b"one"), mode=kind)
    with without_making(), pytest.raises(NotMadeError):
        archives.unpack(file)
    folder = archives.unpack(file)
    assert (folder / "set/a/b/1.txt").read_text() == "one"
    assert folder.parent == cache_home() / "unpacked"
    assert archives.unpack(file) == folder
    assert capsys.readouterr().err == f"unpacking {file}, once\n"
    assert archives.list_names(file) == ["a/b/1.txt"]
    assert archives.read_members(file, ["b/1.txt", "1.txt"]) == [b"one", b"one"]
    with pytest.raises(ValueError, match=r"has no file '2\.txt' in it"):
        archives.read_members(file, ["1.txt", "2.txt"])


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/tmp/da-evil", "a\\..\\..\\evil"])
def test_no_member_leaves_its_folder(name, tmp_path):
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w") as pack:
        pack.writestr(name, "evil")
    for file in (packed, tar(tmp_path / "set.tar", (name, b"evil"))):
        with pytest.raises(ValueError, match="which leaves its folder"):
            archives.unpack(file)
    assert not [*tmp_path.rglob("*evil*")]
    assert not [*(cache_home() / "unpacked").iterdir()]


def test_links_are_left_out_and_none_is_followed(tmp_path, capsys):
    (tmp_path / "outside").mkdir()
    file = tar(
        tmp_path / "set.tar",
        link("way", str(tmp_path / "outside")),
        link("hard", "/etc/hostname", tarfile.LNKTYPE),
        ("way/evil", b"evil"),
    )
    folder = archives.unpack(file) / "set"
    assert not [*(tmp_path / "outside").iterdir()]
    assert [path.name for path in folder.rglob("*")] == ["way", "evil"]
    assert not (folder / "way").is_symlink()
    assert f"{file}: left out 2 members that are no files" in capsys.readouterr().err
    packed = tmp_path / "links.zip"
    with zipfile.ZipFile(packed, "w") as pack:
        info = zipfile.ZipInfo("way")
        info.external_attr = 0o120777 << 16
        pack.writestr(info, "/etc")
    assert not [*(archives.unpack(packed) / "links").iterdir()]


def test_a_damaged_archive_is_named_and_leaves_nothing(tmp_path):
    file = tar(tmp_path / "set.tar.gz", ("a", os.urandom(9999)), mode="w:gz")
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(ValueError, match=f"cannot read {file}: "):
        archives.unpack(file)
    assert not [*(cache_home() / "unpacked").iterdir()]


@pytest.mark.parametrize("size", [1024, 1124])  # after a whole member, and in the next one's head
def test_a_tar_that_was_cut_off_between_members_is_refused(size, tmp_path):
    file = tar(tmp_path / "set.tar", ("a", b"one"), ("b", b"two"))
    file.write_bytes(file.read_bytes()[:size])
    for read in (archives.unpack, archives.list_names, lambda f: archives.read_members(f, ["b"])):
        with pytest.raises(ValueError, match=f"cannot read {file}: it was cut off"):
            read(file)


def test_a_page_saved_as_an_archive_is_told_in_one_line(tmp_path):
    (tmp_path / "set.zip").write_text("<html>Quota exceeded</html>" * 99)
    with pytest.raises(ValueError, match=r"it is no archive, or was cut off$"):
        archives.unpack(tmp_path / "set.zip")


def test_names_of_archives():
    names = "Art.tgz", "set.tar.gz", "x.ZIP", "photo.jpg", "tar"
    assert [*map(archives.base_name, names)] == ["Art", "set", "x", "", ""]
