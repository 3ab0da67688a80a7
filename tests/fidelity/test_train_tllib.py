"""Training beside a script: on our images, from our weights, and with what it finds at its end."""

from pathlib import Path

import pytest
import torch
from torch import nn

from da.data.domain import Images, LabeledImages, Task
from da.methods import Network, SourceOnly
from tests.fidelity.peer_tllib import SCRIPTS
from tests.fidelity.train_tllib import Clock, train

UTILS = """
def validate(loader, net):
    right = [(net(x).argmax(1) == y).float().mean().item() for x, y in loader]
    return 100 * sum(right) / len(right)
"""

SCRIPT = """
import sys
import torch
from torch import nn
from torch.optim import SGD
from torch.utils.data import DataLoader
import utils
from tllib.utils.logger import CompleteLogger

def seen(image):
    return torch.tensor(image.getpixel((0, 0))).float() / 255

source, target, val, test, classes, names = utils.get_dataset("ours", "", "S", "T", seen, seen)
assert [y for _, y in target] == [-1, -1]
body, head = utils.get_model("ours", pretrain=True), nn.Linear(3, classes)
assert body.pool == "" and body.out_features == 3
groups = [{"params": body.parameters()}, {"params": []}, {"params": head.parameters()}]
optimizer = SGD(groups, float(sys.argv[-1]))
net = nn.Sequential(body, head)
for x, y in DataLoader(source, batch_size=1):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
torch.save(net.state_dict(), CompleteLogger(sys.argv[-2], "train").get_checkpoint_path("best"))
utils.validate(DataLoader(val), lambda x: -net(x))
utils.validate(DataLoader(test), net)
"""


class Body(nn.Linear):
    """What timm's networks have."""

    num_features, pool = 3, "avg"

    def reset_classifier(self, classes: int, pool: str) -> None:
        """Note how features are pooled."""
        self.pool = pool


@pytest.fixture
def task() -> Task:
    """Red images of one class, and blue ones of another."""
    x = torch.zeros(2, 1, 1, 3, dtype=torch.uint8)
    x[0, ..., 0] = x[1, ..., 2] = 255
    rows, y = torch.arange(2), torch.tensor([0, 1])
    part = LabeledImages(x, rows, y)
    return Task("toy", ("red", "blue"), part, Images(x, rows), part, part)


@pytest.mark.parametrize("from_files", [False, True])
def test_a_script_begins_with_our_weights_and_its_last_accuracy_counts(tmp_path, task, from_files):
    for file, text in (("erm.py", SCRIPT), ("utils.py", UTILS)):
        (tmp_path / SCRIPTS).mkdir(parents=True, exist_ok=True)
        (tmp_path / SCRIPTS / file).write_text(text)
    backbone = nn.Module()
    backbone.body, backbone.width = Body(3, 3), 3
    method = SourceOnly().build(backbone, 2, Network(neck=0, dropout=0))
    with torch.no_grad():
        backbone.body.weight.copy_(torch.eye(3))
        method.head[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 0, 1.0]]))
        [p.zero_() for p in (backbone.body.bias, method.head[0].bias)]
    clock = Clock(1, 2)
    found = train(
        Path(tmp_path), "source_only", ["0"], task, method,
        clock=clock, seed=0, from_files=from_files,
    )  # fmt: skip
    assert found == 100
    assert clock.taken == 2
    assert 0 < clock.of_step < clock.seconds
    assert backbone.body.pool == "avg"
