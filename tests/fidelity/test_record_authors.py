"""The recorder of authors' scripts, on scripts that are written here in the style of their day."""

import subprocess

import pytest
import torch
import torch.nn.functional as F

from tests.fidelity import inputs, record
from tests.fidelity.peer_authors import target_loader
from tests.fidelity.peers import SCRIPTS

MME = """
import argparse
import torch
import torch.optim as optim
from torch import nn
from torch.autograd import Variable
from model.basenet import AlexNetBase, Predictor
from utils.return_dataset import return_dataset

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int)
parser.add_argument("--checkpath")
args = parser.parse_args()
source, shots, target, *_ = return_dataset(args)
G, F1 = AlexNetBase().cuda(), Predictor(num_class=5, inc=4096, temp=0.05).cuda()
optimizer_g = optim.SGD([{"params": [p], "lr": 0.1} for p in G.parameters()], lr=0.1)
optimizer_f = optim.SGD(list(F1.parameters()), lr=1.0)
x, y = Variable(torch.FloatTensor(1).cuda()), Variable(torch.LongTensor(1).cuda())
for images, labels in source[: args.steps]:
    x.data.resize_(images.size()).copy_(images)
    y.data.resize_(labels.size()).copy_(labels)
    nn.CrossEntropyLoss().cuda()(F1(G(x), reverse=True), y).backward()
    for optimizer in optimizer_g, optimizer_f:
        optimizer.step()
        optimizer.zero_grad()
"""

BASENET = """
from torch import nn

class Predictor(nn.Module):
    def __init__(self, num_class=64, inc=4096, temp=0.05):
        super(Predictor, self).__init__()
        self.fc = nn.Linear(inc, num_class, bias=False)

    def forward(self, x, reverse=False):
        return self.fc(grad_reverse(x, 1.0) if reverse else x)
"""

NETWORK = """
from torch import nn

class feat_bottleneck(nn.Sequential):
    def __init__(self, feature_dim, bottleneck_dim=256, type="ori"):
        super().__init__(nn.BatchNorm1d(feature_dim), nn.Linear(feature_dim, bottleneck_dim))

class feat_classifier(nn.Linear):
    def __init__(self, class_num, bottleneck_dim=256, type="linear"):
        super().__init__(bottleneck_dim, class_num)
"""

SHOT = """
import argparse
import cv2
import torch
import torch.nn.functional as F
import torch.optim as optim
import network

def data_load(args): raise RuntimeError("there are no files")

def train_target(args):
    loader = data_load(args)["target"]
    net = network.ResBase(res_name=args.net).cuda()
    neck = network.feat_bottleneck(12, args.bottleneck, type=args.classifier)
    head = network.feat_classifier(args.class_num, args.bottleneck, type=args.layer)
    for letter, part in ("F", net), ("B", neck), ("C", head):
        part.load_state_dict(torch.load(args.output_dir_src + f"/source_{letter}.pt"))
    each = [*net.parameters(), *neck.parameters()]
    optimizer = optim.SGD([{"params": p, "lr": args.lr} for p in each])
    for _ in range(args.max_epoch):
        batches = iter(loader)
        for _ in range(len(loader)):
            x, _, place = batches.next()
            assert place.max() < len(loader.dataset)
            loss = F.cross_entropy(head(neck(net(x.cuda()))), place.cuda() % args.class_num)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", default=0.01)
    for name in "--net", "--bottleneck", "--classifier", "--layer":
        parser.add_argument(name)
    args = parser.parse_args()
    train_target(open("no file"))
"""

TREES = {
    "authors_mme": {"main.py": MME, "model/basenet.py": BASENET, "utils/none.py": ""},
    "authors_shot": {"object/image_target.py": SHOT, "object/network.py": NETWORK},
}


@pytest.mark.parametrize("name", TREES)
def test_a_script_of_its_day_runs_on_our_images_and_weights(name, tmp_path):
    for file, text in TREES[name].items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "none"]):
        subprocess.run([*git, *command], check=True)
    found = record.record(tmp_path, SCRIPTS[name])
    assert len(found["float64"]["losses"]["backward"]) == inputs.STEPS
    assert found["float64"]["losses"]["backward"][0] == pytest.approx(first_loss(name), rel=1e-12)
    assert found["float64"]["parts"].keys() == {"backbone", "bottleneck", "head"} - (
        {"bottleneck"} if name == "authors_mme" else {"head"}
    )
    assert torch.FloatTensor(1).shape == (1,)


def first_loss(name):
    """The cross-entropy of the first images, written out."""
    with record.default_dtype(torch.float64):
        net, step = inputs.Backbone(), inputs.batches()[0]
        head = torch.nn.Linear(12, 5, bias=name == "authors_shot")
        neck = torch.nn.Sequential(torch.nn.BatchNorm1d(12), torch.nn.Linear(12, 12))
        for role, part in ("backbone", net), ("bottleneck", neck), ("head", head):
            inputs.fill(role, part.parameters())
        if name == "authors_mme":
            return F.cross_entropy(head(net(step.x_s)), step.y_s).item()
        x, _, place = next(iter(target_loader()))
        return F.cross_entropy(head(neck(net(x))), place % 5).item()
