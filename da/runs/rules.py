"""Rules that the settings of a run keep to."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from da.config.backbone_names import split_names
from da.config.choices import ROWS
from da.config.label_columns import MEAN
from da.config.label_shift import LabelShift
from da.config.task_name import TaskName
from da.config.validation import (
    choice_errors,
    find_control,
    is_beginning,
    is_run_id,
    limit_errors,
)
from da.methods._shots import mixes_shots
from da.runs.optimization_rules import optimization_errors
from da.runs.transform_rules import transform_errors
from da.system.content_files import is_file_name

if TYPE_CHECKING:
    from da.runs.run import Run


def _task_errors(run: "Run") -> dict[str, bool]:
    found = {"task": find_control(run.task), "test": find_control(run.test)}
    return {
        **{
            f"{name} has a character that a line of text cannot have: {control!r}": control != ""
            for name, control in found.items()
        },
        f"test {run.test!r} needs a task of two domains, whose target it tests": (
            run.test != "" and not TaskName.parse(run.task).target
        ),
    }


def _regime_errors(run: "Run") -> dict[str, bool]:
    frozen, augments = run.regime == "frozen", run.augment != "none"
    return {
        f"init is pretrained, random, a file of weights or a run's id (12 digits from 0 to f), not "
        f"{run.init[:40]!r}": not (is_beginning(run.init) or is_run_id(run.init)),
        "regime frozen needs init pretrained, a file or a run's id": (
            frozen and run.init == "random"
        ),
        f"augment {run.augment} in regime frozen needs views of 1 or more": (
            frozen and augments and run.views < 1
        ),
        "views needs regime frozen and an augment other than none": (
            run.views != 0 and not (frozen and augments)
        ),
        "backbone_lr needs regime full": frozen and run.backbone_lr != 1,
        "last, freeze, unfreeze_every and stage_lr need regime full": (
            frozen and run.tuning.moves_stages
        ),
        f"moves {run.tuning.moves} needs regime full": frozen and run.tuning.moves != "all",
        f"{run.method.owner.name} trains norms alone, and no moves lora": (
            run.method.owner.streams and run.tuning.moves == "lora"
        ),
        "precision auto needs regime full": frozen and run.precision == "auto",
        "memory_format auto needs regime full": frozen and run.memory_format == "auto",
        "unit_features needs regime full; regime frozen always scales its features": (
            frozen and run.unit_features
        ),
    }


def _backbone_errors(run: "Run") -> dict[str, bool]:
    names = split_names(run.backbone)
    return {
        f"backbone {run.backbone!r} has an empty name": "" in names,
        f"backbone {run.backbone!r} has a name twice": len({*names}) < len(names),
        f"backbone {run.backbone} joins features: it needs regime frozen and init pretrained": (
            len(names) > 1 and (run.regime == "full" or is_file_name(run.init))
        ),
    }


def _feature_errors(run: "Run") -> dict[str, bool]:
    method = run.method.owner
    return {
        "features needs regime frozen": run.features != 0 and run.regime != "frozen",
        f"features_by {run.features_by} needs features of 1 or more": (
            run.features == 0 and run.features_by != "mutual_information"
        ),
        f"{method.name} keeps the features of the run that it begins with: set features to 0": (
            method.source_free and not method.taught and run.features != 0
        ),
        f"{method.name} sees no labels of the source, which choose features: set features to 0": (
            method.source_free and method.taught and run.features != 0
        ),
    }


def _method_errors(run: "Run") -> dict[str, bool]:
    name, method = TaskName.parse(run.task), run.method.owner
    shots = name.kind == "shot"
    frozen = run.regime == "frozen"
    return {
        f"{method.name} needs regime frozen": method.frozen_only and not frozen,
        f"{method.name} needs labeled target images, for example {run.task}+3shot": (
            method.takes_shots and not shots
        ),
        f"{method.name} takes no labeled target images, as in {run.task}": (
            shots and not method.takes_shots and not mixes_shots(method)
        ),
        f"{method.name} needs several sources, as in emoji:noto,fluent-twemoji, not {run.task}": (
            method.takes_domains and len(name.sources) < 2 and run.task != ROWS
        ),
        f"{method.name} begins with a finished run's network: set init to that run's id": (
            method.source_free and not method.taught and is_beginning(run.init)
        ),
        f"{method.name} sees a finished run's predictions alone: set teacher to that run's id, and "
        "init to pretrained": (
            method.source_free and method.taught and (not run.teacher or is_run_id(run.init))
        ),
        f"{method.name} learns from a finished run: set teacher, or init, to that run's id": (
            is_beginning(run.teacher)
        ),
        f"{method.name} shows images to a finished run: it needs regime full": (
            method.taught and frozen and not method.source_free
        ),
    }


def _pruning_errors(run: "Run") -> dict[str, bool]:
    method = run.method.owner
    return {
        "sparsity needs regime full and a run's id as init": (
            run.sparsity != 0 and (run.regime == "frozen" or is_beginning(run.init))
        ),
        f"sparsity prunes only backbone and neck, and {method.name} predicts with more": (
            run.sparsity != 0 and method.overrides("predict")
        ),
        f"sparsity needs moves all, not {run.tuning.moves}": (
            run.sparsity != 0 and run.tuning.moves != "all"
        ),
        "structured needs a sparsity above 0": run.structured and not run.sparsity,
    }


def _text_errors(run: "Run") -> dict[str, bool]:
    texts = TaskName.parse(run.task).holds_texts
    black_box = run.method.owner.source_free and run.method.owner.taught
    given = {
        "augment": run.augment != "none",
        "side": run.side != 0,
        run.method.owner.name: black_box,
    }
    return {f"{name} is for images, and {run.task} has texts": texts and on
            for name, on in given.items()}  # fmt: skip


def _image_errors(run: "Run") -> dict[str, bool]:
    three = {len(run.mean), len(run.std)} <= {0, 3}
    return {
        f"mean and std are three numbers each, not {run.mean} and {run.std}": not three,
    }


def _optimizer_errors(run: "Run") -> dict[str, bool]:
    neck_norm, warmup = run.network.neck and run.network.neck_norm, run.tuning.warmup
    return {
        "batch is 2 or more where the neck has batch norm; 1 needs neck 0 or no neck_norm": (
            run.batch == 1 and bool(neck_norm)
        ),
        "cuda_graph needs unfreeze_every 0: it always moves the same parameters": (
            run.cuda_graph and bool(run.tuning.unfreeze_every)
        ),
        "cuda_graph needs batches of one size, and the last batch of "
        f"{run.method.owner.name} may be smaller": run.cuda_graph and run.method.owner.streams,
        f"warmup is at most steps, {run.steps}, not {warmup}": warmup > run.steps,
    }


def _column_errors(run: "Run") -> dict[str, bool]:
    chosen_by, known = run.tuning.chosen_by, (*run.labels.further, MEAN)
    _, slash, column = chosen_by.partition("/")
    method = run.method.owner
    return {
        f"{method.name} sees predictions of the class alone, and no label_columns": (
            method.source_free and method.taught and bool(run.labels.further)
        ),
        f"chosen_by {chosen_by!r} needs label_columns, of which {column!r} is a further one or "
        f"{MEAN}": bool(slash) and not (run.labels.further and column in known),
    }


def _hold_out_errors(run: "Run") -> dict[str, bool]:
    """A target's labels are never trained on, and one domain alone needs its validation images."""
    held, shift = run.hold_out, run.shift.label_shift
    return {
        "hold_out can only be off in a task of two domains": (
            not held and not TaskName.parse(run.task).target
        ),
        f"label_shift {shift} needs images that do not train: leave hold_out on": (
            not held and shift in ("bbse", "rlls")
        ),
    }


def _shift_errors(run: "Run") -> dict[str, bool]:
    method, shift = run.method.owner, run.shift
    return {
        f"label_shift {shift.label_shift} needs source images, and {method.name} sees none": (
            shift.label_shift != "none" and method.source_free
        ),
        f"balance_every draws target images again, and {method.name} sees each once": (
            shift.balance_every > 0 and method.streams
        ),
        f"balance_every is about training steps, and {method.name} has none: set classifier "
        "trained": shift.balance_every > 0 and not run.method.trains,
        "label_shift and balance_every need a task of two domains": (
            shift != LabelShift() and not TaskName.parse(run.task).target
        ),
    }


RULES: tuple[Callable[..., dict[str, bool]], ...] = (
    choice_errors,
    limit_errors,
    _task_errors,
    _regime_errors,
    _backbone_errors,
    _feature_errors,
    _method_errors,
    _pruning_errors,
    _image_errors,
    _text_errors,
    _optimizer_errors,
    optimization_errors,
    _column_errors,
    _shift_errors,
    _hold_out_errors,
    transform_errors,
)
"""Each maps rules, worded for an error message, to whether a run breaks them."""
