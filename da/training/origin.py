"""What a run is made from and computed by, for its record and its checkpoints."""

from typing import Any

import torch
import torch.distributed as dist

from da.ops.matmul import mkl_is_slow
from da.runs.run import Run
from da.system.content_files import is_file_name, last_path
from da.system.environment import environment
from da.training.data_parallel import is_divided
from da.training.setup import Parts
from da.training.threads import run_threads


def describe_machine(run: Run, parts: Parts) -> dict[str, str]:
    """Return the machine and the software that compute a run.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
    """
    on_gpu = parts.device.type == "cuda"
    with run_threads(run):
        computed = {
            "device": torch.cuda.get_device_name(parts.device) if on_gpu else "cpu",
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "products": "oneDNN" if mkl_is_slow() else "MKL",
            "threads": str(torch.get_num_threads()),
        }
    computed |= _chosen_formats(run, parts)
    if is_divided():
        computed["processes"] = str(dist.get_world_size())
    init = {"init_file": last_path(run.init).name} if is_file_name(run.init) else {}
    return environment() | computed | init


def describe_beginning(run: Run, parts: Parts) -> dict[str, Any]:
    """Return digests of the code and data of a run, and all else that its numbers depend on.

    These are formats that were chosen for it, and its threads. On frozen features one thread is
    used; a GPU adds up in the same order with any number.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
    """
    made_from = parts.made_from | _chosen_formats(run, parts)
    if run.regime == "frozen" or parts.device.type == "cuda":
        return made_from
    with run_threads(run):
        return made_from | {"threads": torch.get_num_threads()}


def _chosen_formats(run: Run, parts: Parts) -> dict[str, str]:
    """Return the formats that were chosen on this machine, by the settings that are `auto`."""
    chosen = parts.formats._asdict()
    return {name: each for name, each in chosen.items() if getattr(run, name) == "auto"}
