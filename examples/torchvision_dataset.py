"""Train torchvision's ResNet by DANN on two folders: SCRIPT photos/ink photos/chalk."""

import sys

from torch import nn
from torchvision import datasets, models

import da

source, target = map(datasets.ImageFolder, sys.argv[1:])
network = models.resnet18()
network.fc = nn.Identity()
task = da.Task(source=source, target=target, name="photos")
record = da.train(da.Run(da.methods.DANN(), task, network, regime="full"), save_weights=True)
print(da.table([record]), da.export(record, "dann.onnx"))
