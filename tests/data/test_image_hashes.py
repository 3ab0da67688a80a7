import numpy as np
import pytest
import torch

from da.data import image_hashes
from da.data.image_hashes import exact_hashes, perceptual_hashes
from da.system.cache import cache_home
from tests.conftest import points


@pytest.fixture
def pictures():
    """Six images of noise, of which the last two are equal."""
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (6, 300, 300, 3), dtype=torch.uint8, generator=g)
    x[5] = x[4]
    return points(x, torch.arange(6) % 2)


def test_only_equal_images_share_an_exact_hash(pictures):
    hashes = exact_hashes(pictures)
    assert len(set(hashes.tolist())) == 5
    assert hashes[4] == hashes[5]


def test_hashes_are_computed_once_and_again_where_their_file_is_damaged(pictures, monkeypatch):
    first = exact_hashes(pictures)
    (file,) = (cache_home() / "hashes").glob("*.npy")
    with monkeypatch.context() as patch:
        patch.setattr(image_hashes, "_hash_rows", lambda x: pytest.fail("computed again"))
        assert exact_hashes(pictures).tolist() == first.tolist()
    for damage in (b"", b"no array", file.read_bytes()[:-1]):
        file.write_bytes(damage)
        assert exact_hashes(pictures).tolist() == first.tolist()
    np.save(file, first[:3])
    assert exact_hashes(pictures).tolist() == first.tolist()


def test_other_hashes_than_were_stored_are_not_used(pictures):
    first = exact_hashes(pictures)
    (file,) = (cache_home() / "hashes").glob("*.npy")
    np.save(file, np.zeros_like(first))
    assert exact_hashes(pictures).tolist() == first.tolist()


def test_a_few_small_images_are_not_worth_a_file(pictures):
    exact_hashes(points(pictures.x[:, :9, :9].clone(), pictures.y))
    assert not (cache_home() / "hashes").exists()


def test_flat_images_and_empty_grounds_have_no_perceptual_hash(pictures):
    x = pictures.x.clone()
    x[0] = 17
    x[1] = 0
    x[1, 100:200, 100:110] = 255
    found = perceptual_hashes(points(x, pictures.y)).any(2)
    assert found.tolist() == [[False, False], [True, False], *[[True, True]] * 4]
