"""Target images that learn what their neighbors are taken for (Liang et al. 2021)."""

import copy

import pytest
import torch
import torch.nn.functional as F

from da.data import tasks
from da.methods._neighbor_vote import sharpen
from da.methods.atdoc import ATDOC
from da.training.engine import train_step
from tests.conftest import build, normal, points


def remembering(y: torch.Tensor, batch, **hp) -> ATDOC:
    """A method that remembers the batch's target images, taken for the classes `y`."""
    m = build(ATDOC, neighbors=3, **hp)
    m.memory_f = F.normalize(m.features(batch)[1].detach())
    m.memory_p = torch.eye(3)[y]
    return m


def neighbors_classes(m, batch) -> torch.Tensor:
    return m.vote(m.features(batch)[1].detach(), batch.target.index).argmax(1)


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_images_turn_to_their_neighbors_class_along_the_loss(batch, part):
    m = remembering(torch.full((8,), 2), batch)
    assert neighbors_classes(m, batch).tolist() == [2] * 8
    before = m.head(m.features(batch)[1]).softmax(1)[:, 2].mean()
    m(batch, 1.0)["neighbors"].backward()
    with torch.no_grad():
        for p in m.get_submodule(part).parameters():
            p -= p.grad
    assert m.head(m.features(batch)[1]).softmax(1)[:, 2].mean() > before + 0.01


def test_equals_the_sum_written_by_hand(batch):
    m = remembering(torch.tensor([0, 1, 2, 0, 1, 2, 0, 0]), batch, trade_off=0.3)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    log_p = m.head(f[8:]).log_softmax(1)
    total, weights = 0, 0
    for i, one in enumerate(f[8:]):
        others = [j for j in range(8) if j != i]
        near = sorted(others, key=lambda j: -F.cosine_similarity(one, f[8 + j], 0).item())[:3]
        votes = m.memory_p[near].sum(0) / 3
        total -= votes.max() * log_p[i, votes.argmax()]
        weights += votes.max()
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "neighbors": 0.3 * 0.4 * total / weights,
    }
    torch.testing.assert_close(m(batch, 0.4), expected)


def test_an_image_does_not_vote_for_itself():
    m = build(ATDOC, neighbors=1)
    m.memory_f = torch.eye(8)
    m.memory_p = torch.eye(3)[[0, 1, 1, 1, 1, 1, 1, 1]]
    voted = m.vote(torch.eye(8)[:1] + 0.1 * torch.eye(8)[3:4], torch.tensor([0]))
    assert voted.tolist() == [[0, 1, 0]]


def test_only_a_step_is_remembered(batch):
    m = build(ATDOC)
    before = copy.deepcopy(m.state_dict())
    m.eval()(batch, 0.5)
    assert m.memory_f.equal(before["memory_f"])
    assert m.memory_p.equal(before["memory_p"])
    train_step(m.train(), torch.optim.SGD(m.parameters(), 0.1), batch, 0.5)
    assert m.training
    f = m.eval().embed(batch.target.x)
    torch.testing.assert_close(m.memory_f, F.normalize(f))
    p = m.head(f).softmax(1) ** 2
    torch.testing.assert_close(m.memory_p, p / p.sum(0))


def test_nobody_is_remembered_at_first():
    m = build(ATDOC)
    assert m.memory_f.shape == (8, 8)
    assert not m.memory_f.any()
    assert (m.memory_p == 1 / 3).all()


def test_neighbors_do_not_count_at_first(batch):
    assert build(ATDOC)(batch, 0.0)["neighbors"] == 0


def test_a_target_that_is_too_small_is_told():
    few = points(torch.randn(10, 5), torch.arange(10) % 2)
    task = tasks.build_task("moons:0-1", few, few)
    with pytest.raises(ValueError, match="neighbors 5 needs more than 5 target images"):
        build(ATDOC).prepare(task.source_train, task.target_train)


@pytest.mark.slow
def test_votes_and_memory_equal_pytorch_adapt(peer, batch):
    m, theirs = build(ATDOC), peer.NeighborhoodAggregation(8, 8, 3, k=5, T=0.5)
    f, logits = normal(8, 8, dtype=torch.float32), 3 * normal(8, 3, seed=1, dtype=torch.float32)
    index = torch.arange(8).flip(0)
    theirs.update_memory(F.normalize(f), logits, index)
    m.memory_f, m.memory_p = theirs.feat_memory, theirs.pred_memory
    torch.testing.assert_close(sharpen(logits, 0.5), theirs.pred_memory[index])
    y, p = theirs(f[:4], idx=index[:4])
    voted = m.vote(f[:4], index[:4])
    torch.testing.assert_close(voted, p)
    assert voted.argmax(1).equal(y)
