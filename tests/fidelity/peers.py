"""All scripts that can be recorded, by the repository that they are in."""

from functools import partial

from tests.fidelity import peer_tllib
from tests.fidelity.cases_tllib import CASES
from tests.fidelity.inputs import HIDDEN
from tests.fidelity.peer_atdoc import ATDOC
from tests.fidelity.peer_authors import AUTHORS
from tests.fidelity.peer_bnm import BNM
from tests.fidelity.peer_streams import STREAMS
from tests.fidelity.script import Script


def _tllib() -> dict[str, Script]:
    return {
        f"tllib_{name}": Script(
            peer_tllib.REPOSITORY,
            f"{peer_tllib.FOLDERS}/{case.folder}/{case.script}.py",
            case.roles,
            partial(peer_tllib.run_script, case),
            case.target_images,
            case.arguments,
            ("dropout drops nothing", f"discriminators are {HIDDEN} wide"),
        )
        for name, case in CASES.items()
    }


PEERS: dict[str, dict[str, Script]] = {
    "tllib": _tllib(),
    **{name: {f"authors_{name}": script} for name, script in AUTHORS.items()},
    **STREAMS,
    "bnm": {"authors_bnm": BNM},
    "atdoc": {"authors_atdoc": ATDOC},
}
"""Scripts of each peer by the name of their file."""

SCRIPTS = {name: script for scripts in PEERS.values() for name, script in scripts.items()}
