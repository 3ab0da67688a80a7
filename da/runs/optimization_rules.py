"""Rules that the settings of `Optimization` keep to in a run."""

from typing import TYPE_CHECKING

from da.config.validation import is_beginning

if TYPE_CHECKING:
    from da.runs.run import Run


def optimization_errors(run: "Run") -> dict[str, bool]:
    """Return rules, worded for an error message, and whether a run breaks them."""
    own = run.optimization
    return {
        "anneal_gamma, anneal_power and anneal_first need schedule annealing, not "
        f"{run.schedule}": run.schedule != "annealing" and not own.anneals_as_usual,
        f"nesterov needs optimizer sgd, not {run.optimizer}": (
            own.nesterov and run.optimizer != "sgd"
        ),
        "drop_factor needs drop_every of 1 or more": (
            own.drop_factor != 0.1 and not run.tuning.drop_every
        ),
        "backbone_momentum and backbone_decay need regime full": (
            run.regime == "frozen" and not own.backbone_momentum == own.backbone_decay == 1
        ),
        "accumulate needs regime full": run.regime == "frozen" and own.accumulate != 1,
        "accumulate needs unfreeze_every 0": (
            own.accumulate != 1 and bool(run.tuning.unfreeze_every)
        ),
        "cuda_graph needs accumulate 1": run.cuda_graph and own.accumulate != 1,
        f"backbone_momentum needs optimizer sgd, not {run.optimizer}": (
            own.backbone_momentum != 1 and run.optimizer != "sgd"
        ),
        f"target_images above 1 needs a method with a strong view, such as fixmatch, not "
        f"{run.method.owner.name}": own.target_images > 1 and not run.method.owner.takes_strong,
        "begins_with network needs a finished run's id as init": (
            run.tuning.begins_with == "network" and is_beginning(run.init)
        ),
        "nesterov needs a momentum above 0": own.nesterov and not run.momentum,
    }
