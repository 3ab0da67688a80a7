"""A memory of certain, recent test images with as many of each predicted class."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """An image in the memory."""

    place: int
    """Place of the image, among those of the memory and of the batch that is added."""
    label: int
    """Predicted class."""
    entropy: float
    """Entropy of the prediction, in nats."""
    age: int = 0
    """Images that came since."""

    def score(self, capacity: int, classes: int) -> float:
        """Return how soon the image is to leave (Yuan et al. 2023, eq. 7): old and uncertain first.

        Args:
            capacity: Most images in the memory.
            classes: Number of classes.
        """
        old = 1 / (1 + math.exp(-self.age / capacity))
        return old + self.entropy / math.log(max(2, classes))


def add_image(slots: list[Slot], new: Slot, capacity: int, classes: int) -> list[Slot]:
    """Return the memory after an image came, which may take the place of another or none.

    An image of a class with its full share competes with those of its class. In a full memory,
    others compete with those of the largest classes.

    Args:
        slots: The memory.
        new: The image.
        capacity: Most images in the memory.
        classes: Number of classes.
    """
    counts: dict[int, int] = {}
    for slot in slots:
        counts[slot.label] = counts.get(slot.label, 0) + 1
    rivals: set[int] | None = None
    if counts.get(new.label, 0) >= capacity / classes:
        rivals = {new.label}
    elif len(slots) >= capacity:
        rivals = {label for label, count in counts.items() if count == max(counts.values())}
    kept = [*slots, new]
    if rivals is not None:
        among = [slot for slot in slots if slot.label in rivals]
        worst = max(among, key=lambda slot: slot.score(capacity, classes), default=new)
        better = worst.score(capacity, classes) > new.score(capacity, classes)
        kept.remove(worst if better else new)
    return [Slot(slot.place, slot.label, slot.entropy, slot.age + 1) for slot in kept]
