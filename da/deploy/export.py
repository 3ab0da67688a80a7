"""A finished run as one file that needs nothing of this package: preprocessing and network."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from da.data import tasks
from da.deploy.predict import Model, load_onnx, parse_about, wrap_network
from da.models.backbone import Backbone
from da.results.records import Record
from da.runs.run import Run
from da.runs.trained_model import TrainedModel, load_trained_model
from da.system.cache import write_whole

Format = Literal["onnx", "pt2"]

ABOUT = "da.json"
"""The extra file of a .pt2 archive that holds what an ONNX file has in its metadata."""

TOLERANCE = 1e-4
"""Largest difference from PyTorch's output that is taken for rounding."""

CHECKED = 64
"""Images on which an exported file is compared."""

SIZES = "batch", "height", "width"
"""Sizes of the input that an exported file leaves open."""


class MismatchError(ArithmeticError):
    """An exported file gives other outputs than PyTorch."""


class DeployedModel(nn.Module):
    """What is exported: from pixels of any size to probabilities and logits."""

    def __init__(self, network: TrainedModel):
        super().__init__()
        self.network = network

    def forward(
        self, images: UInt8[Tensor, "b h w 3"]
    ) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b k"]]:
        """Probabilities and logits."""
        logits = self.network(images)
        return logits.softmax(1), logits


@dataclass(frozen=True)
class ExportResult:
    """How an exported file was checked."""

    classes: tuple[str, ...]
    difference: float
    """The largest from PyTorch's: see `difference`."""
    images: str
    """What they were compared on, in words."""


def export(record: Record, file: Path, format: Format) -> ExportResult:
    """Write the network of a finished run to `file`, which stays absent unless it proves equal.

    Raises ValueError where weights were not kept or cannot be exported, MismatchError where
    outputs differ by more than `TOLERANCE`.
    """
    run, finished = Run.of(record.settings), load_trained_model(record.id)
    about = metadata(record, finished)
    images, words = _images(run, finished)
    with write_whole(file, "--out") as part:
        try:
            WRITE[format](DeployedModel(finished).eval(), _example(finished), about, part)
        except OSError:
            raise
        except Exception as error:  # torch's exporters fail in any way on what they do not know
            what = f"run {record.id!r} ({run.method.owner.name}, {run.backbone}) as {format}"
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(f"cannot export {what}: {reason}") from error
        found = difference(OPEN[format](part), wrap_network(finished), images)
        if not found <= TOLERANCE:
            how_far = f"differ from PyTorch's by {found:.2g}, more than {TOLERANCE:g}, on {words}"
            raise MismatchError(f"{file} was not written: its outputs {how_far}")
    return ExportResult(finished.classes, found, words)


def metadata(record: Record, finished: TrainedModel) -> dict[str, str]:
    """What an exported file says of itself; all but words is JSON.

    Raises ValueError for a network that takes no images.
    """
    normal = next((m for m in finished.modules() if isinstance(m, Backbone)), None)
    if normal is None:
        raise ValueError(f"run {record.id!r} takes no images: {record.settings['task']}")
    preprocessing = {
        "input": "uint8 RGB, batch height width 3; all that follows is done inside",
        "resize": finished.stored_side,
        "interpolation": "bicubic, antialiased, proportions not kept",
        "then": asdict(finished.resize),
        "scale": 1 / 255,
        "mean": normal.mean.flatten().tolist(),
        "std": normal.std.flatten().tolist(),
    }
    return {
        "classes": json.dumps(finished.classes),
        "preprocessing": json.dumps(preprocessing),
        "run": record.id,
        "settings": json.dumps(record.settings),
        "version": f"da-lab {version('da-lab')}",
    }


def _example(finished: TrainedModel) -> UInt8[Tensor, "2 h w 3"]:
    """Two images, of no size that means something: exporters take equal sizes for one."""
    return torch.zeros(2, finished.stored_side + 3, finished.stored_side + 5, 3, dtype=torch.uint8)


def _onnx(network: nn.Module, example: Tensor, about: Mapping[str, str], file: Path) -> None:
    program = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        dynamic_shapes=(dict(enumerate(SIZES)),),
        input_names=["images"],
        output_names=["probabilities", "logits"],
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props.update(about)
    program.save(file, external_data=False)


def _pt2(network: nn.Module, example: Tensor, about: Mapping[str, str], file: Path) -> None:
    free = {i: torch.export.Dim.DYNAMIC for i in range(len(SIZES))}
    program = torch.export.export(network, (example,), dynamic_shapes=(free,))
    archive = io.BytesIO()  # a name must end in .pt2
    torch.export.save(program, archive, extra_files={ABOUT: json.dumps(about)})
    file.write_bytes(archive.getvalue())


WRITE: dict[Format, Callable[[nn.Module, Tensor, Mapping[str, str], Path], None]] = {
    "onnx": _onnx,
    "pt2": _pt2,
}
"""How a file of a format is written."""


def _of_pt2(file: Path) -> Model:
    """The network in an archive written here: torch runs what stands in one when it is opened."""
    about = {ABOUT: ""}
    with file.open("rb") as archive:  # by name it would have to end in .pt2
        network = torch.export.load(archive, extra_files=about).module()

    def outputs(images: UInt8[np.ndarray, "b h w 3"]) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            probabilities, logits = network(torch.from_numpy(images))
        return probabilities.numpy(), logits.numpy()

    return Model(*parse_about(file, json.loads(about[ABOUT])), outputs)


OPEN: dict[Format, Callable[[Path], Model]] = {"onnx": load_onnx, "pt2": _of_pt2}
"""How a file of a format is opened to be checked."""


def _images(run: Run, finished: TrainedModel) -> tuple[UInt8[np.ndarray, "b h w 3"], str]:
    """Test images of the target, where they can be had, else noise; and which they are."""
    try:
        tests = tasks.build_task(run.task, *tasks.open_domains(run.task, run.side)).target_test
    except (ValueError, OSError):
        side = finished.stored_side
        noise = np.random.default_rng(0).integers(256, size=(CHECKED, side, side, 3))
        return noise.astype(np.uint8), f"{CHECKED} images of noise, since {run.task} is not here"
    some = torch.linspace(0, len(tests) - 1, min(CHECKED, len(tests))).long()
    return tests.take(some).numpy(), f"{len(some)} test images of {run.task}"


def difference(a: Model, b: Model, images: UInt8[np.ndarray, "b h w 3"]) -> float:
    """The largest between outputs of two networks, on images and on a part of their height.

    Logits that exceed 1 are compared as shares of the largest.
    """
    part = np.ascontiguousarray(images[:8, : 3 * images.shape[1] // 4])
    gaps = [
        np.abs(x - y).max() / max(1.0, np.abs(y).max())
        for some in (images, part)
        for x, y in zip(a.outputs(some), b.outputs(some), strict=True)
    ]
    return float(np.max(gaps))  # which is no number where one of them is none
