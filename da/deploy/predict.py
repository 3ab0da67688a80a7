"""Classification of image files, by an exported ONNX file, which needs no torch, or by a run."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Integer

from da.config.choices import Fit
from da.config.task_name import TaskName
from da.data.decode import Decoded, describe_range, ignore_warnings, try_decode
from da.data.image_files import find_images
from da.results import records
from da.statistics.expected_accuracy import Confidence
from da.system.extras import extra

if TYPE_CHECKING:
    from da.runs.trained_model import TrainedModel

UNKNOWN = "unknown"
"""Class, output and column of images that are of no known class."""

BATCH = 32
"""Number of images that are decoded and classified together."""

Probabilities = Sequence[Float[np.ndarray, "_"]]
"""Probability of each class, then of each class of the further label columns.

How likely the image is unknown comes last, if the model rejects images.
"""

Predicted = tuple[Path | str, Probabilities | ValueError]
"""What was classified, with the probabilities, or the error where there are none."""


@dataclass(frozen=True)
class Model:
    """A network that classifies images."""

    classes: tuple[str, ...]
    """Names of the classes, in the order of the outputs."""
    side: int
    """Pixels a side to which images are decoded, as in the benchmark."""
    outputs: Callable[[Integer[np.ndarray, "b ..."]], tuple[Float[np.ndarray, "b _"], ...]]
    """Function from images, or tokens of texts, to probabilities and logits.

    Those of each further label column follow, and how likely images are unknown if it `rejects`.
    """
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of the classes of each further label column, in the order of its outputs."""
    fit: Fit = "squash"
    """How images that are no squares become squares."""
    tokenize: Callable[[list[str]], list[list[int]]] | None = None
    """Function from texts to their tokens; None for a network of images."""
    column: str = ""
    """Column of the texts that it learned from."""
    rejects: bool = False
    """Whether images can be of no known class: those whose last output is above 0.5."""
    confidence: Confidence = ()
    """How sure it is of held-out source images; none where that was not stored."""

    def name_classes(self, outputs: "Probabilities") -> list[tuple[str, float]]:
        """Return the likeliest class of each label column with its probability.

        A rejected image is "unknown", with how likely that is.
        """
        names = self.classes, *self.columns.values()
        rows = zip(names, outputs[: len(names)], strict=True)
        found = [(known[p.argmax()], float(p.max())) for known, p in rows]
        if self.rejects and outputs[-1][0] > 0.5:
            found[0] = UNKNOWN, float(outputs[-1][0])
        return found


def open_model(name: str, results: Path) -> Model:
    """Open the network in an ONNX file of `da export`, or the network of a run.

    `name` is a file, the id of a run, or its record; `results` is the folder of the records. A .pt2
    file is refused, since torch runs the code in it when it is opened.

    Raises:
        ValueError: Where there is no such file or run, or `da export` did not write the file.
    """
    file = Path(name)
    if file.suffix in ("", ".json"):
        return load_run(records.find(name, results), records.folder_of(name, results))
    if file.suffix != ".onnx":
        known = "known: .onnx, the id of a run or its record"
        if file.suffix == ".pt2":
            known += "; a .pt2 is for code of your own: torch.export.load"
        raise ValueError(f"unknown ending {file.suffix!r} of {name}, {known}")
    if not file.is_file():
        raise ValueError(f"no such file: {name}")
    return load_onnx(file)


def load_run(record: records.Record, results: Path = Path("results")) -> Model:
    """Load the network of a finished run whose weights were stored in `results`."""
    from da.runs.trained_model import load_model

    finished = load_model(record.id, results)
    if hasattr(finished.parts[0], "take_inputs"):
        raise ValueError(f"run {record.id!r} takes no images: {record.settings['task']}")
    model = wrap_network(finished, str(record.settings["task"]))
    if model.column and not model.tokenize:
        raise ValueError(f"run {record.id!r} joins backbones: texts are predicted by one alone")
    return model


def wrap_network(finished: "TrainedModel", task: str = "") -> Model:
    """Wrap a network in memory, which has learned a task, as a `Model`."""
    import torch

    def outputs(images: Integer[np.ndarray, "b ..."]) -> tuple[np.ndarray, ...]:
        with torch.inference_mode():
            x = torch.from_numpy(images)
            every = finished.forward_columns(x)
            unknown = (finished.forward_unknown(x)[:, None].numpy(),) if finished.rejects else ()
        pairs = ((logits.softmax(1).numpy(), logits.numpy()) for logits in every)
        return (*chain.from_iterable(pairs), *unknown)

    column = TaskName.parse(task).text_column
    tokenize = getattr(finished.parts[0], "tokenize", None)
    about = finished.columns, finished.fit, tokenize, column
    sure = finished.about.confidence
    return Model(finished.classes, finished.stored_side, outputs, *about, finished.rejects, sure)


def load_onnx(file: Path) -> Model:
    """Load the network in an ONNX file.

    Raises:
        ValueError: Where the file cannot be read, or `da export` did not write it.
    """
    with extra("export", "an ONNX file"):
        import onnxruntime

    try:
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no common class
        reason = str(error).partition("\n")[0]
        raise ValueError(f"cannot read {file}: {reason}") from error
    about = session.get_modelmeta().custom_metadata_map

    columns = parse_columns(file, about)

    def outputs(images: Integer[np.ndarray, "b ..."]) -> tuple[np.ndarray, ...]:
        (given,) = session.get_inputs()
        names = list_outputs(columns, rejects=UNKNOWN in about)
        return tuple(session.run(names, {given.name: images}))

    return build_model(file, about, outputs)


def list_outputs(columns: Iterable[str], *, rejects: bool) -> list[str]:
    """List the names of an exported file's outputs, two for each label column."""
    own = (f"_{name}" for name in columns)
    pairs = [f"{what}{end}" for end in ("", *own) for what in ("probabilities", "logits")]
    return [*pairs, UNKNOWN] if rejects else pairs


def parse_columns(file: Path, about: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Read the further label columns from the metadata of `file`; there may be none.

    Raises:
        ValueError: Where the metadata `about` is damaged.
    """
    try:
        found = json.loads(about.get("columns", "{}"))
        return {str(name): tuple(classes) for name, classes in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{file} has damaged label columns: it is not by `da export`") from error


def parse_confidence(file: Path, about: Mapping[str, str]) -> Confidence:
    """Read from the metadata of `file` how sure the network is of the source; () for no such facts.

    Raises:
        ValueError: Where the metadata `about` is damaged.
    """
    try:
        rows = json.loads(about.get("confidence", "[]"))
        return tuple((float(odds), float(right)) for odds, right in rows)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file} has damaged confidences: it is not by `da export`") from error


def build_model(
    file: Path, about: Mapping[str, str], outputs: Callable[[np.ndarray], Any]
) -> Model:
    """Build the model in an exported file.

    Args:
        file: The file, for errors.
        about: Its metadata, with the names of classes and the side of decoded images, or the
            backbone whose tokenizer reads texts.
        outputs: Function from its input to probabilities and logits.

    Raises:
        ValueError: Where the metadata lacks them, or there is no such tokenizer.
    """
    try:
        classes, how = tuple(json.loads(about["classes"])), json.loads(about["preprocessing"])
        side, backbone, column = how.get("resize", 0), how.get("tokenizer"), how.get("column", "")
        fit = how.get("fit", "squash")
        if not backbone and "resize" not in how:
            raise KeyError("resize")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{file} does not say its classes: it is not by `da export`") from error
    columns = parse_columns(file, about)
    rejects, sure = UNKNOWN in about, parse_confidence(file, about)
    if not backbone:
        return Model(classes, side, outputs, columns, fit, rejects=rejects, confidence=sure)
    from da.models.backbones import build_tokenizer

    read = build_tokenizer(backbone)
    return Model(classes, side, outputs, columns, fit, read, column, rejects, sure)


def expand_paths(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the files among `paths` as they are, and all images below the folders.

    Returns:
        The files, and a line for each kind of files in the folders that are left out.

    Raises:
        ValueError: Where a path does not exist, or a folder has no images.
    """
    found, notes = [], []
    for path in paths:
        if not path.exists():
            raise ValueError(f"no such file or folder: {path}")
        if not path.is_dir():
            found.append(path)
            continue
        search = find_images([path])
        if not search.images[0]:
            raise ValueError(f"the folder {path} has no image in it{search.describe_others()}")
        found += search.images[0]
        notes += [f"{path}: {line}" for line in search.describe()]
    return found, notes


def probabilities(
    model: Model, files: Sequence[Path]
) -> Iterator[tuple[Path, Float[np.ndarray, "k"] | ValueError]]:
    """Yield each file with the probability of each class, or the error where there is none."""
    for file, found in probabilities_by_column(model, files):
        yield file, found if isinstance(found, ValueError) else found[0]


def probabilities_by_column(
    model: Model, files: Sequence[Path]
) -> Iterator[tuple[Path, Probabilities | ValueError]]:
    """Yield each file with the probabilities of every label column, or with an error."""
    largest = []
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        with ignore_warnings():
            decoded = [try_decode(file, model.side, model.fit) for file in batch]
        images = [made for made in decoded if isinstance(made, Decoded)]
        largest += [image.largest for image in images]
        found = model.outputs(np.stack([made.pixels for made in images]))[::2] if images else ()
        rows = zip(*found, strict=True)
        for file, made in zip(batch, decoded, strict=True):
            bad = ValueError(f"cannot decode {file}: {made}")
            yield file, require_finite(file, next(rows)) if isinstance(made, Decoded) else bad
    if dark := describe_range(largest):
        print(f"da: {dark}", file=sys.stderr)


def require_finite(file: Path | str, rows: Probabilities) -> Probabilities | ValueError:
    """Return the probabilities of a file, or an error where they are no numbers."""
    if all(np.isfinite(row).all() for row in rows):
        return rows
    return ValueError(
        f"{file}: the model predicts no numbers: its weights are damaged or too large"
    )
