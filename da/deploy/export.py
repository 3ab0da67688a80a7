"""Export of a finished run, preprocessing included, to a file that works without this package."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from da.config.task_name import TaskName
from da.data import tasks
from da.data.texts import decode_texts
from da.deploy.predict import UNKNOWN, Model, build_model, list_outputs, load_onnx, wrap_network
from da.deploy.texts import pad_tokens
from da.models.backbone import Backbone
from da.models.concatenation import Concatenation
from da.models.text_encoder import TextEncoder
from da.results.records import Record
from da.runs.provenance import recorded_run
from da.runs.run import Run
from da.runs.trained_model import TrainedModel, load_model
from da.system.cache import write_whole
from da.system.extras import require

Format = Literal["onnx", "pt2"]

ABOUT = "da.json"
"""Extra file of a .pt2 archive, with the facts that an ONNX file has in its metadata."""

TOLERANCE = 1e-4
"""Largest difference from PyTorch's output that counts as rounding."""

CHECKED = 64
"""Number of images on which an exported file is compared with PyTorch."""

SIZES = "batch", "height", "width"
"""Dimensions of the input that may have any size."""


class MismatchError(ArithmeticError):
    """Raised when an exported file gives other outputs than PyTorch."""


class DeployedModel(nn.Module):
    """The exported module: from images of any size, or tokens, to probabilities and logits.

    Those of the class come first, then those of each further label column, and last how likely
    images are unknown if the run's task has such.
    """

    def __init__(self, network: TrainedModel):
        super().__init__()
        self.network = network

    def forward(self, images: Integer[Tensor, "b ..."]) -> tuple[Float[Tensor, "b _"], ...]:
        """Return probabilities and logits of each column."""
        every = self.network.forward_columns(images)
        pairs = chain.from_iterable((logits.softmax(1), logits) for logits in every)
        unknown = (self.network.forward_unknown(images)[:, None],) if self.network.rejects else ()
        return (*pairs, *unknown)


@dataclass(frozen=True)
class ExportResult:
    """The result of the check of an exported file."""

    classes: tuple[str, ...]
    """Names of the classes, in the order of the outputs."""
    difference: float
    """Largest difference from PyTorch's outputs, as the function `difference` measures it."""
    images: str
    """Description of the images on which outputs were compared."""


def export(
    record: Record,
    file: str | Path,
    format: Format = "onnx",
    results: str | Path = Path("results"),
) -> ExportResult:
    """Export the network of a finished run, and check that the file gives the same outputs.

    Args:
        record: Record of the run.
        file: File to write; it is not written where outputs differ.
        format: Format of the file: `onnx` or `pt2`.
        results: Folder of the record and its weights.

    Raises:
        ValueError: Where weights were not stored or cannot be exported.
        MismatchError: Where outputs differ from PyTorch's by more than `TOLERANCE`.
    """
    results = Path(results)
    run, finished = recorded_run(record), load_model(record.id, results)
    about = metadata(record, finished)
    what = f"run {record.id!r} ({run.method.owner.name}, {run.backbone})"
    return export_network(finished, about, run, what, Path(file), format)


def export_network(
    finished: TrainedModel,
    about: Mapping[str, str],
    run: Run,
    what: str,
    file: Path,
    format: Format = "onnx",
) -> ExportResult:
    """Export a network to a file, and check that the file gives the same outputs.

    Args:
        finished: Network of one or more finished runs.
        about: Metadata of the file.
        run: Run on whose test images outputs are compared.
        what: Description of the network for an error.
        file: File to write.
        format: Format of the file.

    Raises:
        ValueError: Where the network cannot be exported.
        MismatchError: Where outputs differ from PyTorch's by more than `TOLERANCE`.
    """
    if format == "onnx":
        require("export", "export to ONNX", "onnx", "onnxscript", "onnxruntime")
    images, words = _images(run, finished)
    with write_whole(file, "--out") as part:
        try:
            WRITE[format](DeployedModel(finished).eval(), _example(finished), about, part)
        except OSError:
            raise
        except Exception as error:  # torch's exporters raise any error for unsupported networks
            reason = str(error).strip().partition("\n")[0]
            raise ValueError(f"cannot export {what} as {format}: {reason}") from error
        found = difference(OPEN[format](part), wrap_network(finished), images)
        if not found <= TOLERANCE:
            how_far = f"differ from PyTorch's by {found:.2g}, more than {TOLERANCE:g}, on {words}"
            raise MismatchError(f"{file} was not written: its outputs {how_far}")
    return ExportResult(finished.classes, found, words)


def metadata(record: Record, finished: TrainedModel) -> dict[str, str]:
    """Return the metadata of an exported file; values that are not plain text are JSON.

    Raises:
        ValueError: Where the network takes no images or texts.
    """
    if is_of_texts(finished):
        what = "tokens int64, batch length; -1 after the last one of a text"
        column = TaskName.parse(record.settings["task"]).text_column
        how = {"tokenizer": record.settings["backbone"], "column": column}
        return _metadata(record, finished, {"input": what} | how)
    normal = next((m for m in finished.modules() if isinstance(m, Backbone)), None)
    if normal is None:
        raise ValueError(f"run {record.id!r} takes no images: {record.settings['task']}")
    preprocessing = {
        "input": "uint8 RGB, batch height width 3; all that follows is done inside",
        "resize": finished.stored_side,
        "fit": finished.fit,
        "interpolation": "bicubic, antialiased",
        "then": asdict(finished.resize),
        "scale": 1 / 255,
        "mean": _numbers(finished, normal, "mean"),
        "std": _numbers(finished, normal, "std"),
    }
    return _metadata(record, finished, preprocessing)


def _metadata(
    record: Record, finished: TrainedModel, preprocessing: Mapping[str, Any]
) -> dict[str, str]:
    return {
        "classes": json.dumps(finished.classes),
        **({"columns": json.dumps(finished.columns)} if finished.columns else {}),
        **({UNKNOWN: "rejected above 0.5"} if finished.rejects else {}),
        **({"confidence": json.dumps(sure)} if (sure := finished.about.confidence) else {}),
        "preprocessing": json.dumps(preprocessing),
        "run": record.id,
        "settings": json.dumps(record.settings),
        "version": f"da-lab {version('da-lab')}",
    }


def is_of_texts(finished: TrainedModel) -> bool:
    """Return whether a network reads texts."""
    return isinstance(finished.parts[0], TextEncoder)


def _numbers(finished: TrainedModel, normal: Backbone, what: str) -> list[Any]:
    """Return the mean or standard deviation of colors; a list of them for several backbones."""
    if isinstance(finished.backbone, Concatenation):
        return [getattr(each, what).flatten().tolist() for each in finished.backbone.backbones]
    return getattr(normal, what).flatten().tolist()


def _example(finished: TrainedModel) -> Integer[Tensor, "2 ..."]:
    """Return two images of an arbitrary size; exporters treat equal sizes as the same one."""
    if is_of_texts(finished):
        return torch.tensor([[1] * 7, [1] * 5 + [-1] * 2])
    return torch.zeros(2, finished.stored_side + 3, finished.stored_side + 5, 3, dtype=torch.uint8)


def _write_onnx(network: nn.Module, example: Tensor, about: Mapping[str, str], file: Path) -> None:
    images = example.ndim == 4
    program = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        dynamic_shapes=(dict(enumerate(SIZES if images else ("batch", "length"))),),
        input_names=["images" if images else "tokens"],
        output_names=list_outputs(json.loads(about.get("columns", "{}")), rejects=UNKNOWN in about),
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props.update(about)
    program.save(file, external_data=False)


def _write_pt2(network: nn.Module, example: Tensor, about: Mapping[str, str], file: Path) -> None:
    free = {i: torch.export.Dim.DYNAMIC for i in range(min(len(SIZES), example.ndim))}
    program = torch.export.export(network, (example,), dynamic_shapes=(free,))
    archive = io.BytesIO()  # torch demands that a file name ends in .pt2
    torch.export.save(program, archive, extra_files={ABOUT: json.dumps(about)})
    file.write_bytes(archive.getvalue())


WRITE: dict[Format, Callable[[nn.Module, Tensor, Mapping[str, str], Path], None]] = {
    "onnx": _write_onnx,
    "pt2": _write_pt2,
}
"""Function that writes a file, for each format."""


def _load_pt2(file: Path) -> Model:
    """Load an archive, only one written here: torch runs the code in it when it is opened."""
    about = {ABOUT: ""}
    with file.open("rb") as archive:  # torch demands that a file name ends in .pt2
        network = torch.export.load(archive, extra_files=about).module()

    def outputs(images: Integer[np.ndarray, "b ..."]) -> tuple[np.ndarray, ...]:
        with torch.inference_mode():
            return tuple(output.numpy() for output in network(torch.from_numpy(images)))

    return build_model(file, json.loads(about[ABOUT]), outputs)


OPEN: dict[Format, Callable[[Path], Model]] = {"onnx": load_onnx, "pt2": _load_pt2}
"""Function that opens a file for the check, for each format."""


def _images(run: Run, finished: TrainedModel) -> tuple[Integer[np.ndarray, "b ..."], str]:
    """Return test images of the target if available, else noise, with a description of them."""
    try:
        opened = tasks.open_domains(run.task, run.reading)
        tests = tasks.build_task(run.task, *opened).target_test
    except (ValueError, OSError):
        if is_of_texts(finished):
            noise = np.random.default_rng(0).integers(1, 4, size=(CHECKED, 16))
            return noise, f"{CHECKED} texts of noise, since {run.task} is not here"
        side = finished.stored_side
        noise = np.random.default_rng(0).integers(256, size=(CHECKED, side, side, 3))
        return noise.astype(np.uint8), f"{CHECKED} images of noise, since {run.task} is not here"
    some = torch.linspace(0, len(tests) - 1, min(CHECKED, len(tests))).long()
    if is_of_texts(finished):
        read: Any = finished.parts[0]
        tokens = pad_tokens(read.tokenize(decode_texts(tests.take(some))))
        return tokens, f"{len(some)} test texts of {run.task}"
    return tests.take(some).numpy(), f"{len(some)} test images of {run.task}"


def difference(a: Model, b: Model, images: Integer[np.ndarray, "b ..."]) -> float:
    """Return the largest difference between the outputs of two networks.

    They are compared on images, and on a part of their height; or on texts, and their beginnings.
    Logits that exceed 1 are compared as shares of the largest.

    Args:
        a: Network that is compared.
        b: Network that is the reference.
        images: Images on which outputs are compared.
    """
    part = np.ascontiguousarray(images[:8, : 3 * images.shape[1] // 4])
    gaps = [
        np.abs(x - y).max() / max(1.0, np.abs(y).max())
        for some in (images, part)
        for x, y in zip(a.outputs(some), b.outputs(some), strict=True)
    ]
    return float(np.max(gaps))  # unlike Python's max, NaN where any of them is NaN
