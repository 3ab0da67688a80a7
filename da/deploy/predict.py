"""Classes of image files, by an exported ONNX file, which needs no torch, or by a run."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from da.data.decode import decode_image, list_images
from da.results import records

if TYPE_CHECKING:
    from da.runs.trained_model import TrainedModel

BATCH = 32
"""Images that are decoded and classified together."""


@dataclass(frozen=True)
class Model:
    """A network that takes images and gives classes."""

    classes: tuple[str, ...]
    side: int
    """Pixels to which images are decoded, as those of the benchmark were."""
    outputs: Callable[
        [UInt8[np.ndarray, "b h w 3"]],
        tuple[Float[np.ndarray, "b k"], Float[np.ndarray, "b k"]],
    ]
    """Probabilities and logits."""


def open_model(name: str, results: Path) -> Model:
    """The network in an ONNX file that `da export` wrote, or that of a run: its id or its record.

    Raises ValueError where there is no such file or run, or where it is none of ours. A .pt2 is
    none of them: torch runs what stands in one when it is opened.
    """
    file = Path(name)
    if file.suffix in ("", ".json"):
        return load_run(records.find(name, results))
    if file.suffix != ".onnx":
        known = "known: .onnx, the id of a run or its record"
        program = "; a .pt2 is for code of your own: torch.export.load" * (file.suffix == ".pt2")
        raise ValueError(f"unknown ending {file.suffix!r} of {name}, {known}{program}")
    if not file.is_file():
        raise ValueError(f"no such file: {name}")
    return load_onnx(file)


def load_run(record: records.Record) -> Model:
    """The network of a finished run whose weights were kept."""
    from da.runs.trained_model import load_trained_model

    return wrap_network(load_trained_model(record.id))


def wrap_network(finished: "TrainedModel") -> Model:
    """A network in memory."""
    import torch

    def outputs(images: UInt8[np.ndarray, "b h w 3"]) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            logits = finished(torch.from_numpy(images))
        return logits.softmax(1).numpy(), logits.numpy()

    return Model(finished.classes, finished.stored_side, outputs)


def load_onnx(file: Path) -> Model:
    """The network in an ONNX file."""
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    except Exception as error:  # of onnxruntime's own, which have no common class
        raise ValueError(f"cannot read {file}: {str(error).partition(chr(10))[0]}") from error
    about = session.get_modelmeta().custom_metadata_map

    def outputs(images: UInt8[np.ndarray, "b h w 3"]) -> tuple[np.ndarray, np.ndarray]:
        probabilities, logits = session.run(["probabilities", "logits"], {"images": images})
        return probabilities, logits

    return Model(*parse_about(file, about), outputs)


def parse_about(file: Path, about: Mapping[str, str]) -> tuple[tuple[str, ...], int]:
    """Names of the classes, and the side to which images are decoded, as `file` says in `about`.

    Raises ValueError where it does not.
    """
    try:
        return tuple(json.loads(about["classes"])), json.loads(about["preprocessing"])["resize"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} does not say its classes: it is not by `da export`") from error


def expand_paths(paths: Sequence[Path]) -> list[Path]:
    """Files as they are named, and all images under folders.

    Raises ValueError for a path where nothing is, and a folder without images.
    """
    found = []
    for path in paths:
        if not path.exists():
            raise ValueError(f"no such file or folder: {path}")
        files = list_images(path) if path.is_dir() else [path]
        if not files:
            raise ValueError(f"the folder {path} has no image in it")
        found += files
    return found


def probabilities(
    model: Model, files: Sequence[Path]
) -> Iterator[tuple[Path, Float[np.ndarray, "k"] | ValueError]]:
    """Of each file the probability of each class, or why it could not be decoded."""
    for start in range(0, len(files), BATCH):
        some = files[start : start + BATCH]
        decoded = [_decoded(file, model.side) for file in some]
        images = [image for image in decoded if isinstance(image, np.ndarray)]
        rows = iter(model.outputs(np.stack(images))[0] if images else ())
        for file, image in zip(some, decoded, strict=True):
            yield file, next(rows) if isinstance(image, np.ndarray) else image


def _decoded(file: Path, side: int) -> UInt8[np.ndarray, "h w 3"] | ValueError:
    try:
        return decode_image(file, side)
    except ValueError as error:
        return error


def csv_line(row: Sequence[object]) -> str:
    """One line of CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()
