"""Sources that train on the images that are held out of them otherwise."""

from dataclasses import replace

import torch

from da.data.domain import Domain, are_same


def train_on_held_out(task: str, source: Domain, target: Domain) -> Domain:
    """Return a source that trains on all of its images that are not set apart for tests.

    We hold out images of a source that a target would show; those that data sets set apart for
    tests, as by official lists, are never shown. Where no images are left, the source is tested on
    those that it trains on.

    Args:
        task: The task's name, for messages.
        source: The source domain.
        target: The target domain.

    Raises:
        ValueError: If both are the same images, whose tests would be trained on with labels.
    """
    if are_same(source, target):
        raise ValueError(f"{task}: source and target are the same, so hold_out keeps its tests")
    held, shown = source.rows["source_test"], source.rows["target_train"]
    ours = torch.isin(held, shown)
    train = torch.cat([source.rows["source_train"], held[ours]]).sort().values
    test = train if bool(ours.all()) else held[~ours]
    return replace(source, rows=source.rows | {"source_train": train, "source_test": test})
