"""A balanced memory, slow statistics and a teacher (Yuan et al. 2023)."""

import copy
import math

import pytest
import torch

from da.methods._balanced_memory import Slot, add_image
from da.methods.rotta import RoTTA
from da.training.engine import train_step
from tests.conftest import build


def plain_memory(stream, capacity: int, classes: int) -> list[tuple[int, int, int]]:
    """With a list for each class, as the authors keep it; gives place, label and age."""
    lists = [[] for _ in range(classes)]

    def score(item) -> float:
        return 1 / (1 + math.exp(-item["age"] / capacity)) + item["h"] / math.log(classes)

    def make_room(among, base) -> bool:
        worst = None
        for k in among:
            for item in lists[k]:
                if worst is None or score(item) > score(worst[1]):
                    worst = (k, item)
        if worst is None:
            return True
        if score(worst[1]) > base:
            lists[worst[0]].remove(worst[1])
            return True
        return False

    for place, (label, h) in enumerate(stream):
        item = {"place": place, "h": h, "age": 0}
        sizes = [len(each) for each in lists]
        if sizes[label] < capacity / classes:
            largest = [k for k, size in enumerate(sizes) if size == max(sizes)]
            free = sum(sizes) < capacity or make_room(largest, score(item))
        else:
            free = make_room([label], score(item))
        if free:
            lists[label].append(item)
        for each in lists:
            for one in each:
                one["age"] += 1
    return sorted((i["place"], k, i["age"]) for k, each in enumerate(lists) for i in each)


@pytest.mark.parametrize(("capacity", "classes"), [(6, 3), (7, 3), (2, 5)])
def test_the_memory_keeps_what_lists_of_classes_keep(capacity, classes):
    g = torch.Generator().manual_seed(0)
    labels = torch.randint(classes, (60,), generator=g).sort().values.tolist()
    entropies = (torch.rand(60, generator=g) * math.log(classes)).tolist()
    slots = []
    for place, about in enumerate(zip(labels, entropies, strict=True)):
        slots = add_image(slots, Slot(place, *about), capacity, classes)
    want = plain_memory(zip(labels, entropies, strict=True), capacity, classes)
    assert sorted((slot.place, slot.label, slot.age) for slot in slots) == want
    assert len({slot.label for slot in slots}) == min(classes, capacity)


def test_a_step_equals_one_by_hand(batch):
    m = build(RoTTA, every=8, capacity=64, share=0.3, keep=0.9, feature_dropout=0.0)
    m.neck[1].running_mean.add_(0.2)
    m.teacher[1][1].running_mean.add_(0.2)
    twin, x = copy.deepcopy(m), batch.target.x
    plain = m.teacher(x)
    losses = train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    torch.testing.assert_close(m.online, plain)
    assert m.images.equal(x)

    neck, f = twin.neck, twin.neck[0](twin.backbone(x))
    mean = 0.7 * neck[1].running_mean + 0.3 * f.mean(0)
    var = 0.7 * neck[1].running_var + 0.3 * f.var(0, correction=0)
    h = (f - mean) / (var + 1e-5).sqrt() * neck[1].weight + neck[1].bias
    logits = twin.head(h.relu())
    order = plain.argmax(1), m.labels
    assert order[0].sort().values.equal(order[1].sort().values)
    ages = torch.arange(8, 0, -1)
    weight = torch.exp(-ages / 64) / (1 + torch.exp(-ages / 64))
    loss = (weight * -(logits.detach().softmax(1) * logits.log_softmax(1)).sum(1)).mean()
    torch.testing.assert_close(losses["consistency"], loss.detach())
    (g,) = torch.autograd.grad(loss, neck[1].bias)
    torch.testing.assert_close(m.neck[1].bias.detach(), neck[1].bias.detach() - 0.1 * g)
    torch.testing.assert_close(m.neck[1].running_mean, mean.detach())
    torch.testing.assert_close(m.teacher[1][1].running_var, var.detach())
    torch.testing.assert_close(m.teacher[1][1].bias, neck[1].bias.detach() - 0.01 * g)


def test_nothing_moves_before_enough_images_came(batch):
    m = build(RoTTA, every=16)
    optimizer, before = torch.optim.SGD(m.parameters(), 0.1), m.neck[1].weight.clone()
    train_step(m, optimizer, batch, 0.0)
    assert m.neck[1].weight.equal(before)
    assert len(m.images) == 8
    train_step(m, optimizer, batch, 0.0)
    assert not m.neck[1].weight.equal(before)
