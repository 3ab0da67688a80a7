"""The command line `da`: all commands and how they start."""

import sys
from collections.abc import Sequence

from tyro.extras import SubcommandApp

import da
from da.cli import (
    aggregate,
    catalog,
    choosers,
    compare,
    compress,
    deploy,
    estimate,
    features,
    new,
    plan,
    profiling,
    report,
    report_page,
    suggestions,
    train,
    tune,
    watch,
)
from da.cli.errors import defer, one_line_errors, parse, settle_streams
from da.cli.recipe_words import expand_recipe

COMMANDS = (
    train.sweep,
    plan.plan,
    features.features,
    tune.tune,
    watch.watch,
    report.table,
    compare.compare,
    report.runs,
    report.diagnose,
    report.plot,
    report_page.report,
    report.publish,
    choosers.select,
    choosers.validate,
    compress.prune,
    compress.distill,
    profiling.profile,
    deploy.export,
    deploy.predict,
    estimate.estimate,
    aggregate.aggregate,
    catalog.data,
    catalog.list_,
    catalog.recipe,
    new.new,
    report.wandb,
)
"""All commands but `train`, in the order in which help shows them."""

METHOD_HELP = "train --task TASK [OPTIONS]"
"""Name that `train` has where the help of a method is asked for, which shows this as its usage."""

NAMES = {command.__name__.rstrip("_"): command for command in COMMANDS}
"""Commands by the word that a user types."""


def _app(arguments: Sequence[str]) -> SubcommandApp:
    """Build the commands; only `train` has the settings of a run, which take seconds to import."""
    app = SubcommandApp()
    training = arguments[:1] in (["train"], [METHOD_HELP])
    app.command(name=arguments[0] if training else "train")(
        defer(train.train_command(arguments) if training else train.no_train)
    )
    for name, command in NAMES.items():
        app.command(name=name)(defer(command))
    return app


def _asks_about_method(arguments: Sequence[str]) -> bool:
    """Return whether the help of `train` with a method is asked for."""
    if arguments[0] != "train" or not {"-h", "--help"} & {*arguments}:
        return False
    from da.methods import METHODS

    return bool(METHODS.keys() & {*arguments})


def _explain(said: str, arguments: Sequence[str]) -> str:
    """Turn what tyro said about the arguments of a command into what to do about them."""
    if arguments[0] == METHOD_HELP:
        arguments = ["train", *arguments[1:]]
    if arguments[0] == "train":
        return suggestions.explain(said, arguments, *train.train_options())
    if arguments[0] in NAMES:
        return suggestions.explain(
            said, arguments, suggestions.command_options(NAMES[arguments[0]]), {}
        )
    return f"unknown command {arguments[0]!r}, known: train, {', '.join(NAMES)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name, by default those of the command line."""
    settle_streams()
    arguments = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    with one_line_errors():
        if arguments == ["--version"]:
            print(f"da {da.__version__}")
            return
        arguments = expand_recipe(arguments)
        if _asks_about_method(arguments):
            arguments[0] = METHOD_HELP
        parse(_app(arguments), arguments, _explain)()
