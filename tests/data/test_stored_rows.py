"""What reads rows gives the same for a tensor and for what only keeps to `StoredRows`."""

from dataclasses import replace

import pytest
import torch

from da.data.domain import PARTS, Domain
from da.data.image_hashes import exact_hashes
from da.data.loaders import place_near
from da.data.stored_rows import StoredRows, split_rows, take_first, take_rows
from da.data.transforms import Resize
from da.data.views import augment_images

X = torch.randint(256, (6, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator())


class Lazy:
    """Rows that are copied when they are taken, and nothing else that a tensor can do."""

    shape, dtype, device, ndim, nbytes = X.shape, X.dtype, X.device, X.ndim, X.nbytes

    def __len__(self) -> int:
        return len(X)

    def is_floating_point(self) -> bool:
        return False

    def index_select(self, dim: int, index: torch.Tensor, /) -> torch.Tensor:
        return X.index_select(dim, index)


def test_rows_are_taken_alike():
    assert isinstance(Lazy(), StoredRows)
    assert isinstance(X, StoredRows)
    assert not isinstance(X.numpy(), StoredRows)
    for x in (X, Lazy()):
        assert take_first(x, 4).equal(X[:4])
        assert take_first(x, 9).equal(X)
        assert [len(some) for some in split_rows(x, 4)] == [4, 2]
        assert torch.cat([*split_rows(x, 4)]).equal(X)
        assert take_rows(x, None).equal(X)
    assert place_near(lazy := Lazy(), torch.device("cpu")) is lazy


@pytest.mark.parametrize("kind", ["none", "crop", "strong"])
def test_views_are_alike(kind):
    rows = torch.tensor([4, 0, 4])
    views = [
        augment_images(x, Resize(8), kind, torch.Generator().manual_seed(0), rows)
        for x in (X, Lazy())
    ]
    assert views[0].equal(views[1])


def test_hashes_are_alike():
    rows = dict.fromkeys(PARTS, torch.arange(6))
    domain = Domain(("a",), X, torch.zeros(6, dtype=torch.int64), rows, "x")
    assert (exact_hashes(domain) == exact_hashes(replace(domain, x=Lazy()))).all()
