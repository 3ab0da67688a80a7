"""Train an own network by DANN on two DataLoaders, without tasks, records and files."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import da


def stripes(inverted: bool) -> TensorDataset:
    """Make noisy stripes, level or upright; those of the target are inverted."""
    y = torch.arange(512) % 2
    x = (torch.arange(16) % 4 < 2).float().expand(512, 3, 16, 16)
    x = torch.where(y.view(-1, 1, 1, 1) == 0, x, x.mT)
    return TensorDataset((1 - x if inverted else x) + 0.5 * torch.randn(512, 3, 16, 16), y)


source, target = (stripes(inverted) for inverted in (False, True))
loaders = [DataLoader(data, 32, shuffle=True) for data in (source, target)]
network = nn.Sequential(nn.Conv2d(3, 16, 5), nn.ReLU())
method = da.fit(da.methods.DANN(), *loaders, backbone=network, classes=2, steps=100)
right = method.predict(target.tensors[0]).argmax(1) == target.tensors[1]
print(f"{100 * right.float().mean():.1f} % of the target are right")
