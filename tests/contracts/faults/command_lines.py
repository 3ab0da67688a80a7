"""Command lines that no one means, drawn by hypothesis: the same ones every time."""

import inspect
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from da.cli.main import NAMES
from da.cli.suggestions import command_options
from da.cli.train import train_options
from da.methods import METHODS
from tests.contracts.faults.extreme_settings import settings_of_runs

ODD = [
    *("", " ", "-", "--", "---", "-1", "0", "1e400", "nan", "inf", "-inf", "0x10", "1_000", "True"),
    *("9" * 30, "1" * 400, "x" * 5000, "ä", "😀", "a\u0301", "\x00", "a\x00b", "a\nb", "\ud800"),
    *("../..", "/", ".", "~", "/nowhere/at/all", "/dev/null", "a=b", "=", "seed=", "=0", "None"),
    *("last,oracle", "a,b", "1/0", "3/2", "%s", "{}", "[]", "*", "$HOME", "moons:0-20+0shot"),
    *("moons:", ":", "moons:0-20-40", "folder:A", "folder:A-B", "folder:A-A", "../../evil", "cpu"),
]
"""Values and words that are wrong nearly everywhere."""

RIGHT = ["lab.py", "RUN", "results", "RUN.onnx", "A", "A/cat/0.png", "notes.txt", "none.py", "csv"]
RIGHT += ["off", "onnx", "lr", "seed=0", "method=source_only", "1", "2", "0.5", "push", "methods"]
EXPERIMENTS = {
    "empty.py": "",
    "broken.py": "def runs(:",
    "none.py": "def runs():\n    return None",
    "endless.py": "def runs():\n    raise KeyError('x' * 5000)",
    "name.py": "EXPERIMENT\ndef name(run):\n    return None",
    "names.py": "EXPERIMENT\ndef name(run):\n    return ['a', 1]",
    "int64.py": "import numpy as np\nEXPERIMENT.replace(seed=0, seed=np.int64(3))",
    "tensor.py": "import torch\nEXPERIMENT.replace(seed=0, lr=torch.tensor(0.1))",
    "float.py": "EXPERIMENT.replace(seed=0, seed=1.0)",
    "text.py": "EXPERIMENT.replace(seed=0, seed='1')",
    "twice.py": "EXPERIMENT.replace(seed=0, batch=True)",
    "lists.py": "EXPERIMENT.replace(seed=0, mean=[0.5, 0.5, 0.5])",
}
"""Experiment files that are wrong, or that hold numbers of other types."""

BOUNDED = {"--steps", "--trials"}
"""Options whose large values are no mistake, but work without an end."""

OFTEN = {
    "sweep": ["--wandb", "off"],
    "tune": ["--trials", "1"],
    "export": ["--to", "pt2"],
    "prune": ["--sparsity", "0.5"],
    "distill": ["--student", "lenet", "--init", "random"],
    "profile": ["--steps", "1"],
    "watch": ["--once"],
}
"""Options that a command needs, or that make it short."""

TRAIN = (
    "--backbone lenet --init RUN --side 28 --neck 8 --steps 1 --batch 4 --eval-every 1 --wandb off"
)
"""Settings of a training that ends at once and that fits every method."""

GENERAL, OF_METHODS = train_options()


def experiment_text(pattern: str, text: str) -> str:
    """Write an experiment as its pattern says, from the text of a good one."""
    if ".replace(" not in pattern:
        return pattern.replace("EXPERIMENT", text)
    first, _, changed = pattern.partition("EXPERIMENT.replace(seed=0, ")
    return first + text.replace("seed=0", changed.removesuffix(")"))


values = st.one_of(
    st.sampled_from(ODD),
    st.sampled_from([*RIGHT, *EXPERIMENTS]),
    st.text(max_size=8),
    st.floats().map(str),
    st.integers().map(str),
)


@st.composite
def options(draw: Callable[..., Any], known: list[str]) -> list[str]:
    """Draw up to three options, some without a value or with two."""
    words = []
    for option in draw(st.lists(st.sampled_from([*known, "--nothing", "--help"]), max_size=3)):
        drawn = draw(st.lists(values, min_size=0, max_size=2))
        few = ["1" if option in BOUNDED else value for value in drawn]
        words += draw(st.sampled_from([[option, *few], [f"{option}={few[0]}" if few else option]]))
    return words


def as_words(settings: dict[str, Any]) -> list[str]:
    """Return settings as a user types them."""
    words = []
    for name, value in settings.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", *map(str, value if isinstance(value, tuple) else (value,))]
    return words


@st.composite
def training_lines(draw: Callable[..., Any]) -> list[str]:
    """Draw a `da train` that would be right without some of its options."""
    drawn = draw(settings_of_runs())
    kind = METHODS[drawn["method"]]
    task = ["--task", "folder:A-B" + "+2shot" * kind.takes_shots]
    task += ["--regime", "frozen" if kind.frozen_only else "full"]
    parts = {**drawn["run"], **drawn.get("network", {}), **drawn.get("tuning", {})}
    return ["train", *TRAIN.split(), *task, *as_words(parts), kind.name, *as_words(drawn["hp"])]


@st.composite
def mistaken_training_lines(draw: Callable[..., Any]) -> list[str]:
    """Draw a `da train` with options and values of any kind."""
    method = draw(st.sampled_from(sorted(METHODS)))
    own = sorted(OF_METHODS[method]) or ["--lr"]
    before = draw(options(sorted(GENERAL)))
    return ["train", "--task", "moons:0-20", *before, method, *draw(options(own))]


def fitting(parameter: inspect.Parameter) -> st.SearchStrategy[list[str]]:
    """Return an option of a command with values of its type, but from end to end."""
    option = "--" + parameter.name.strip("_").replace("_", "-")
    default, many = parameter.default, isinstance(parameter.default, tuple)
    if isinstance(default, bool):
        return st.sampled_from([[option], [f"--no-{option[2:]}"]])
    numbers = isinstance(default, int | float | None) and "str" not in str(parameter.annotation)
    one = st.sampled_from([-1, 0, 1, 2, 3, 10**9, 0.5, "nan"]).map(str) if numbers else values
    if option in BOUNDED:
        one = st.sampled_from(["-1", "0", "1"])
    return st.lists(one, min_size=1, max_size=3 if many else 1).map(lambda each: [option, *each])


@st.composite
def other_lines(draw: Callable[..., Any]) -> list[str]:
    """Draw another command, mostly with right words and with options that fit."""
    command = draw(st.sampled_from(sorted(set(NAMES))))
    every = list(inspect.signature(NAMES[command]).parameters.values())
    given = {"experiment": ["lab.py"], "run": ["RUN"], "model": ["RUN", "A"], "names": ["folder"]}
    given |= {"what": ["methods"], "action": ["push"]}
    right = given.get(every[0].name, []) if every else []
    words = draw(st.sampled_from([right, right, right, draw(st.lists(values, max_size=3))]))
    some = OFTEN.get(command, [])
    named = [p for p in every if p.default is not p.empty and p.name not in given]
    few = draw(st.lists(st.sampled_from(named), max_size=3, unique=True)) if named else []
    typed = [word for parameter in few for word in draw(fitting(parameter))]
    odd = draw(options(sorted(command_options(NAMES[command])))) if draw(st.booleans()) else []
    return [command, *words, *some, *typed, *odd]


@st.composite
def nonsense_lines(draw: Callable[..., Any]) -> list[str]:
    """Draw words without an order."""
    words = st.one_of(values, st.sampled_from([*NAMES, "train", "--help", "--wandb"]))
    return draw(st.lists(words, max_size=6))


command_lines = st.one_of(
    *(training_lines(), training_lines(), training_lines(), mistaken_training_lines()),
    *(other_lines(), other_lines(), other_lines(), nonsense_lines()),
)


def draw_examples(strategy: st.SearchStrategy[Any], count: int, number: int = 0) -> list[Any]:
    """Draw examples: in a new process the same ones every time, and others for another number.

    Hypothesis also draws constants that it finds in the modules that are loaded.
    """
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found[:count]


def write_no_export() -> None:
    """Let `da export` end where it would write, since writing takes seconds."""
    from da.deploy import export

    def stop(*_: object) -> None:
        raise ValueError("nothing is written")

    export.WRITE.update(onnx=stop, pt2=stop)
