"""Rules that the settings of `Optimization` keep to in a run."""

from typing import TYPE_CHECKING

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
        "nesterov needs a momentum above 0": own.nesterov and not run.momentum,
    }
