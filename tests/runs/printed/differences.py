"""How a recipe differs from settings that were typed from its source."""

from typing import Any

from da.methods import METHODS
from da.runs.plain_settings import default_settings
from da.runs.recipes import run
from da.runs.run import PARTS, Run


def differences(method: str, name: str, task: str, want: dict[str, Any]) -> dict[str, Any]:
    """Settings of a recipe's run that neither `want` nor a run's defaults have."""
    usual = default_settings(Run, METHODS[method].Hparams, tuple(PARTS.values()))
    found = run(method, name, task).settings()
    own = {"method": method, "task": task, "init": found["init"]}
    return {k: v for k, v in found.items() if v != (usual | own | want).get(k)}
