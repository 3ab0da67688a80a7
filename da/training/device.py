"""Find the device that a user names."""

import torch

from da.system.determinism import prepare_gpu


def find_device(name: str) -> torch.device:
    """Return the device of that name; auto is a GPU if there is one, and the CPU otherwise.

    Raises:
        ValueError: Where there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        place = torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"no device {name!r}, known: auto, cpu, cuda ({reason})") from error
    if place.type == "cuda":
        prepare_gpu()
    return place
