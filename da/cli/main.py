"""The command line."""

import sys
from collections.abc import Sequence

from tyro.extras import SubcommandApp

from da.cli import catalog, compress, deploy, report, suggestions, train, tune
from da.cli.errors import defer, one_line_errors, parse

COMMANDS = (
    train.sweep,
    tune.tune,
    report.table,
    report.diagnose,
    report.plot,
    report.publish,
    compress.prune,
    compress.distill,
    train.profile,
    deploy.export,
    deploy.predict,
    catalog.data,
    catalog.list_,
    report.wandb,
)
"""All but `train`, in the order in which help shows them."""


NAMES = {command.__name__.rstrip("_"): command for command in COMMANDS}


def _app(arguments: Sequence[str]) -> SubcommandApp:
    """The settings of a run take seconds to import, so only `da train` has them."""
    app = SubcommandApp()
    training = arguments[:1] == ["train"]
    app.command(name="train")(defer(train.train_command() if training else train.no_train))
    for name, command in NAMES.items():
        app.command(name=name)(defer(command))
    return app


def _explained(said: str, arguments: Sequence[str]) -> str:
    """What tyro `said` of a command's arguments, as what is to be done about them."""
    if arguments[0] == "train":
        return suggestions.explain(said, arguments, *train.train_options())
    if arguments[0] in NAMES:
        return suggestions.explain(
            said, arguments, suggestions.command_options(NAMES[arguments[0]]), {}
        )
    return said


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command."""
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    with one_line_errors():
        parse(_app(arguments), arguments, _explained)()
