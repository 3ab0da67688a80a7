"""Run the code of an experiment file and of the files beside it that it imports."""

import importlib
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from traceback import walk_tb

from da.config.setting_names import explain_former_name


@contextmanager
def experiment_code(experiment: Path) -> Iterator[None]:
    """Let code of an experiment import files beside it, and turn its errors into one line.

    The imported modules are forgotten at the end, since another folder may have files of the same
    names. What the code prints goes to stderr, so that it does not get into tables.

    Raises:
        ValueError: For any error of the code; it names the last line of these files that the error
            passed through.
    """
    folder, before = str(experiment.absolute().parent), {*sys.modules}
    importlib.invalidate_caches()
    sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        raise ValueError(_describe_error(experiment, error, before)) from error
    finally:
        with suppress(ValueError):
            sys.path.remove(folder)
        for name in _loaded_from(folder, before):
            del sys.modules[name]


def _loaded_from(folder: str, before: Collection[str]) -> list[str]:
    """List the modules and packages of a folder, and their parts, that were not there before."""
    new = [name for name in sys.modules if _top(name) not in before]
    own = {name for name in new if name == _top(name) and folder in _homes(name)}
    return [name for name in new if _top(name) in own]


def _homes(module: str) -> list[str]:
    """Return the folders in which the file or folder of a top-level module lies."""
    found = sys.modules[module]
    paths = getattr(found, "__path__", None) or [getattr(found, "__file__", None) or ""]
    return [os.path.dirname(path) for path in paths]


def _top(module: str) -> str:
    return module.partition(".")[0]


def _describe_error(experiment: Path, error: BaseException, before: Collection[str]) -> str:
    """Return the error's message after the last line of the user's files that it passed through."""
    said, place = str(error), str(experiment)
    for frame, line in walk_tb(error.__traceback__):
        file, module = frame.f_code.co_filename, _top(frame.f_globals.get("__name__", ""))
        if file == str(experiment):
            place = f"{experiment}, line {line}"
        elif module not in before and _first_part(file, experiment) == module:
            place = f"{_shown(file, experiment)}, line {line}"
    if isinstance(error, SyntaxError) and _first_part(error.filename or "", experiment):
        place, said = f"{_shown(error.filename or '', experiment)}, line {error.lineno}", error.msg
    if isinstance(error, TypeError):
        said = explain_former_name(error) or said
    return f"{place}: {type(error).__name__}: {said}"


def _first_part(file: str, experiment: Path) -> str:
    """Return the top-level module that a file beside an experiment is of; "" for other files."""
    path, folder = Path(file).absolute(), experiment.absolute().parent
    if folder not in path.parents or not path.is_file():
        return ""
    return path.relative_to(folder).parts[0].removesuffix(".py")


def _shown(file: str, experiment: Path) -> str:
    """Return a file beside an experiment with the folder as the user wrote it."""
    folder = experiment.absolute().parent
    return str(experiment.parent / Path(file).absolute().relative_to(folder))
