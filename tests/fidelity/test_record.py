"""The recorder, on a library that is written here: a script, its helpers and a network."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.fidelity import peers, record
from tests.fidelity.peer_tllib import REPOSITORY, SCRIPTS, opened
from tests.fidelity.replay import recorded, replay
from tests.fidelity.test_trajectories import CLOSE, EQUAL

SCRIPT = """
import argparse
import numpy as np
import prettytable
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

import utils
from tllib.modules.domain_discriminator import Domains
from tllib.utils.analysis import tsne
from tllib.utils.logger import CompleteLogger

def main(args):
    assert not torch.cuda.is_available()
    source, target, *_, classes, names = utils.get_dataset(args.data)
    net = utils.get_model(args.arch)
    head = nn.Sequential(nn.Linear(net.out_features, classes), nn.Dropout(0.5))
    assert DOMAINS(3, hidden_size=1024).weight.shape == (16, 3)
    groups = [{"params": net.parameters(), "lr": 0.1}, {"params": [], "lr": 1.0},
              {"params": head.parameters(), "lr": 1.0}]
    optimizer = SGD(groups, args.lr, 0.9, weight_decay=args.wd, nesterov=True)
    falling = lambda i: args.lr * np.float(1 + args.lr_gamma * i) ** -args.lr_decay
    rates = LambdaLR(optimizer, falling)
    for x, y in DataLoader(source, batch_size=args.b, shuffle=True):
        loss = F.cross_entropy(head(net(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
        utils.validate()
    file = CompleteLogger(args.log, "train").get_checkpoint_path("best")
    torch.save(head.state_dict(), file)

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--no-pool", action="store_true")
    parser.add_argument("-d", dest="data", choices=utils.get_dataset_names())
    parser.add_argument("-a", dest="arch", choices=utils.get_model_names())
    for name in "-b", "-s", "-t", "-i", "--epochs", "--log":
        parser.add_argument(name)
    for name, value in LEARNING:
        parser.add_argument(name, default=value)
    main(parser.parse_args())
""".replace("DOMAINS", "Domains.DomainDiscriminator").replace(
    "LEARNING", repr([("--lr", 0.01), ("--wd", 5e-4), ("--lr-gamma", 3e-4), ("--lr-decay", 0.75)])
)

FILES = {
    f"{SCRIPTS}/erm.py": SCRIPT,
    f"{SCRIPTS}/utils.py": "def validate(): raise RuntimeError('takes the place of nothing')\n",
    "tllib/__init__.py": "raise ImportError('what the whole library needs is missing')\n",
    "tllib/modules/__init__.py": "raise ImportError('as above')\n",
    "tllib/modules/domain_discriminator.py": """
import sys
from torch import nn

class DomainDiscriminator(nn.Linear):
    def __init__(self, in_feature, hidden_size):
        super(DomainDiscriminator, self).__init__(in_feature, hidden_size)

Domains = sys.modules[__name__]
""",
}


@pytest.fixture
def clone(tmp_path):
    """A clone of a library with one script."""
    for name, text in FILES.items():
        file = tmp_path / "clone" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git = ["git", "-C", str(tmp_path / "clone"), "-c", "user.name=x", "-c", "user.email=x@x"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)
    return tmp_path / "clone"


def test_a_script_is_run_as_it_is_and_its_numbers_are_kept(clone, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    record.main(["--peer", "tllib", str(clone), "--only", "tllib_source_only"])
    file = json.loads((tmp_path / "tllib_source_only.json").read_text())
    assert capsys.readouterr().out.strip() == str(tmp_path / "tllib_source_only.json")
    assert len(file["peer"]["commit"]) == 40
    assert file["settings"]["lr"] == 0.01
    assert file["rates"][1] == pytest.approx([0.001 * 1.0003**-0.75] + 2 * [0.01 * 1.0003**-0.75])
    assert file.keys() == recorded("tllib_source_only").keys()
    for format, close in CLOSE.items():
        assert max(replay(EQUAL["tllib_source_only"], file, format).values()) < close


def test_nothing_of_a_library_stays(clone):
    before = set(sys.modules), torch.optim.SGD, torch.Tensor.backward, torch.get_default_dtype()
    record.record(clone, peers.SCRIPTS["tllib_source_only"])
    with pytest.raises(ImportError, match="gone"), opened(clone):
        raise ImportError("gone")
    new = {*sys.modules} - before[0]
    assert not [name for name in new if name.startswith(("tllib", "utils", "prettytable"))]
    assert not hasattr(np, "float")
    after = torch.optim.SGD, torch.Tensor.backward, torch.get_default_dtype()
    assert before[1:] == after


def test_another_folder_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        record.main(["--peer", "tllib", str(tmp_path)])
    assert stopped.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(f"{tmp_path} is no clone of {REPOSITORY}")
