"""Accuracy that is to be expected of a model on unlabeled images."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from da.deploy.predict import Model, expand_paths, load_run, open_model, probabilities_by_column
from da.results import records
from da.results.aggregate import RUN_IDS
from da.results.records import Record
from da.statistics.expected_accuracy import (
    FEW,
    MEAN_ERROR,
    RULES,
    Expected,
    expect_accuracy,
    expect_agreement,
    log_odds,
)


@dataclass(frozen=True)
class Estimates:
    """What is to be expected of a model on some images."""

    images: int
    """Number of images that were classified."""
    source: float
    """Accuracy on held-out source images, in percent."""
    rules: dict[str, Expected]
    """Expected accuracy by `atc`, `doc`, and `agreement` where another seed has weights."""
    other: str = ""
    """Id of the run of another seed."""
    errors: tuple[str, ...] = ()
    """Images that could not be classified, and why."""


def estimate_accuracy(
    model: str, images: Sequence[str | Path], results: str | Path = "results"
) -> Estimates:
    """Estimate the accuracy of a model on images without labels.

        found = da.estimate_accuracy("57153bc6c4f6", ["photos/chalk"])
        print(found.rules["atc"])

    Args:
        model: Id of a run, the file of its record, or an ONNX file.
        images: Images, and folders of them.
        results: Folder of the records.

    Raises:
        ValueError: Where the model does not know how sure it is of the source, or of no images.
    """
    folder = Path(results)
    files, _ = expand_paths([Path(path) for path in images])
    opened = open_model(model, folder)
    require_confidence(model, opened)
    rows, errors = _classify(opened, files)
    if not rows:
        raise ValueError(f"no image can be classified: {errors[0] if errors else 'there is none'}")
    found = expect_accuracy(opened.confidence, log_odds(rows))
    right = 100 * float(np.mean([share for _, share in opened.confidence]))
    whole = Estimates(len(rows), right, found, errors=tuple(errors))
    if Path(model).suffix == ".onnx":
        return whole
    other = find_other_seed(records.find(model, folder), records.folder_of(model, folder))
    if not other:
        return whole
    theirs, _ = _classify(load_run(other, records.folder_of(model, folder)), files)
    agreement = expect_agreement(rows, theirs)
    return replace(whole, rules=found | {"agreement": agreement}, other=other.id)


def require_confidence(name: str, model: Model) -> None:
    """Refuse a model of which no accuracy can be estimated.

    Raises:
        ValueError: It does not know how sure it is of held-out source images, reads texts, or
            rejects images as unknown.
    """
    if model.tokenize:
        raise ValueError(f"{name} reads texts, and accuracies are estimated of images")
    if model.rejects:
        raise ValueError(
            f"{name} rejects images as unknown, and the source has no such images to tell how "
            "often that is right: label a few images instead"
        )
    if not model.confidence:
        raise ValueError(
            f"{name} does not know how sure it is of held-out source images: it is of an earlier "
            "version, its run held out none, or its target has unknown classes"
        )


def describe_expected(model: Model, rows: Sequence[np.ndarray]) -> str:
    """Say in a line which accuracy is to be expected; "" where no estimate is possible.

    Args:
        model: Model of images.
        rows: Probabilities of the classes of each image.
    """
    if not model.confidence or len(rows) < FEW:
        return ""
    first = next(iter(RULES))
    found = expect_accuracy(model.confidence, log_odds(rows))[first]
    error = f"whose mean error on emoji is {MEAN_ERROR[first]} points"
    return (
        f"expected accuracy on these {len(rows)}: {found}, by {first}, {error}; see `da estimate`"
    )


def find_other_seed(record: Record, folder: Path) -> Record | None:
    """Return a record that differs from another in its seed alone, and has weights here.

    Where both begin with a run, or learn from one, those runs may differ in their seeds too.
    """
    from da.models.saved_weights import weights_file

    wanted = _settings_without_seed(record, folder)
    stored = [id for id in sorted(records.ids(folder)) if weights_file(id, folder).exists()]
    others = (records.get(id, folder) for id in stored if id != record.id)
    return next((r for r in others if r and _settings_without_seed(r, folder) == wanted), None)


def _settings_without_seed(record: Record, folder: Path) -> dict[str, Any]:
    """Return all settings but the seed, with those of another run in place of its id."""
    own = {key: value for key, value in record.settings.items() if key != "seed"}
    begun = {key: records.get(str(own.get(key)), folder) for key in RUN_IDS}
    return own | {k: _settings_without_seed(r, folder) for k, r in begun.items() if r}


def _classify(model: Model, files: Sequence[Path]) -> tuple[list[np.ndarray], list[str]]:
    """Return the probabilities of images by a model, and the errors of those that have none."""
    found = [each for _, each in probabilities_by_column(model, files)]
    rows = [each[0] for each in found if not isinstance(each, ValueError)]
    return rows, [str(each) for each in found if isinstance(each, ValueError)]
