import pytest
import torch

from da.data import tasks
from da.data.domain import Domain
from da.data.joined import JoinedPixels, join_domains
from da.data.stored_rows import StoredRows, cut_row, split_rows
from da.data.transforms import Resize
from da.data.views import augment_images


def domain(count: int, start: int) -> Domain:
    x = torch.arange(start, start + count, dtype=torch.uint8).reshape(count, 1, 1, 1)
    rows = torch.arange(count)
    parts = {"source_train": rows[1:], "source_test": rows[:1], "target_train": rows}
    return Domain(
        ("a", "b"),
        x.expand(-1, 4, 4, 3).contiguous(),
        rows % 2,
        parts | {"target_test": rows},
        str(start),
    )


def test_joined_images_are_read_as_one():
    each = [domain(3, 0), domain(4, 10), domain(2, 20)]
    whole = torch.cat([one.x for one in each])
    x = JoinedPixels(tuple(one.x for one in each))
    rows = torch.tensor([8, 0, 3, 2, 6, 3])
    assert x.index_select(0, rows).equal(whole[rows])
    assert isinstance(x, StoredRows)
    assert [cut_row(x, row, (1, 0, 3, 4))[0, 0, 0].item() for row in (2, 3, 8)] == [2, 10, 21]
    assert cut_row(x, 6, (1, 0, 3, 4)).shape == (4, 2, 3)
    assert torch.cat([*split_rows(x, 4)]).equal(whole)
    assert (x.shape, len(x), x.nbytes, x.dtype) == (whole.shape, 9, whole.nbytes, whole.dtype)


def test_joined_domains_keep_their_rows_and_places():
    joined = join_domains("t", "xy", [domain(3, 0), domain(4, 10)])
    assert joined.rows["source_train"].tolist() == [1, 2, 4, 5, 6]
    assert joined.places.tolist() == [0, 0, 0, 1, 1, 1, 1]
    part = joined.part(joined.rows["source_train"])
    assert part.take(torch.tensor([0, 4]))[:, 0, 0, 0].tolist() == [1, 13]
    assert part.take_domains(torch.tensor([0, 4])).tolist() == [0, 1]
    seen = [
        augment_images(x, Resize(4), "crop", torch.Generator().manual_seed(0), part.rows)
        for x in (joined.x, torch.cat(joined.x.parts))
    ]
    assert seen[0].equal(seen[1])


def test_domains_that_do_not_go_together_are_told():
    large = domain(2, 0)
    with pytest.raises(ValueError, match="t: domains that are joined need images of one size"):
        join_domains("t", "xy", [large, Domain(("a", "b"), large.x[:, :2], *(large.y, {}, ""))])
    with pytest.raises(ValueError, match="only y has c"):
        join_domains("t", "xy", [large, Domain(("a", "b", "c"), large.x, *(large.y, {}, ""))])


def test_several_domains_are_one_source_and_one_target():
    task = tasks.load_task("digits:synfont-optdigits")
    both = tasks.load_task("digits:synfont-synfont,optdigits")
    assert len(both.target_train) > len(task.target_train)
    assert both.target_test.domains.unique().tolist() == [0, 1]
