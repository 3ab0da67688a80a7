"""Evaluate a method during training: accuracy, scores, losses, diagnostics."""

from statistics import fmean

from torch import Tensor

from da.config.label_columns import MEAN
from da.evaluation import diagnostics, predictions
from da.evaluation.class_frequencies import update_weights
from da.evaluation.measured import measure
from da.evaluation.online import measure_online
from da.evaluation.predictions import Predictions
from da.evaluation.scores import score_all
from da.results.records import Point
from da.runs.run import Run
from da.training import engine
from da.training.setup import Parts, count_steps, run_batches


def evaluate(run: Run, parts: Parts, step: int, losses: dict[str, float]) -> Point:
    """Evaluate the method after `step`: accuracy, the selectors' scores, losses, diagnostics.

    There is no accuracy where the target's test images have no labels.

    Diagnostics always use the same batch, the first of the training.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        step: Step after which the method is evaluated, counted from 1.
        losses: Losses of that step, by name.

    Raises:
        DivergedError: Where a prediction is not finite.
        PlugInError: Where a selector gives no number.
    """
    shift = run.shift
    frequencies = update_weights(
        parts.method, parts.task, shift.label_shift, shift.balance_every > 0, parts.device
    )
    every = parts.collector.collect(parts.method, parts.task, parts.device, step)
    for each in every.values():
        _check_finite(each, step)
    seen = every.pop("")
    accuracies = _accuracies(seen, parts) if parts.task.is_tested else {}
    scores = score_all(seen)
    predicted = diagnostics.count_predictions(seen, parts.task.classes)
    progress = (step - 1) / count_steps(run, parts)
    found = diagnostics.diagnose(
        parts.method, next(run_batches(run, parts)), progress, parts.formats.precision
    )
    return (
        {"step": step}
        | accuracies
        | scores
        | _of_columns(every, parts, accuracies | scores)
        | {f"loss/{name}": loss for name, loss in losses.items()}
        | {f"diagnosis/{name}": value for name, value in found.items()}
        | {f"predicted/{name}": count for name, count in predicted.items()}
        | _name_frequencies(frequencies, parts.task.classes)
    )


def _name_frequencies(frequencies: Tensor | None, classes: tuple[str, ...]) -> Point:
    """Return estimated frequencies of the target's classes, in percent, where there are such."""
    if frequencies is None:
        return {}
    pairs = zip(classes, frequencies.tolist(), strict=True)
    return {f"frequency/{name}": 100 * value for name, value in pairs}


def _check_finite(seen: Predictions, step: int) -> None:
    if not seen.target_logits.softmax(1).isfinite().all():
        raise engine.DivergedError(
            f"predictions are not finite after step {step}: likely a gradient of it, or a weight "
            "after it, was not"
        )


def _of_columns(further: dict[str, Predictions], parts: Parts, of_class: Point) -> Point:
    """Return accuracy and scores of each further label column, and their means with the class's.

    Args:
        further: Predictions of each further column.
        parts: Data and method of the run.
        of_class: Accuracy and scores of the class.
    """
    every: list[Point] = [of_class]
    found: Point = {}
    test = parts.task.target_test
    for column in test.columns if further else ():
        seen, y = further[column.name], column.y[test.rows]
        own = score_all(seen)
        if bool((y >= 0).all()):
            own["target_accuracy"] = predictions.accuracy(seen.target_logits, y)
        found |= {f"{name}/{column.name}": value for name, value in own.items()}
        every.append(own)
    shared = [name for name in of_class if all(name in own for own in every)] if further else []
    return found | {f"{name}/{MEAN}": fmean(own[name] for own in every) for name in shared}


def _accuracies(seen: Predictions, parts: Parts) -> Point:
    """Return what is measured on target test images, and while they streamed by."""
    found = measure(parts.method, seen, parts.task, parts.device)
    return found | measure_online(parts.method, seen, parts.task, parts.device)
