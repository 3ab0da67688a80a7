"""Libraries that only some parts of the package need, and the extras that install them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

DISTRIBUTIONS = {
    "open_clip": "open_clip_torch",
    "ot": "POT",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
}
"""Names under which libraries are installed, where they are not those of the import."""


@contextmanager
def extra(name: str, user: str) -> Iterator[None]:
    """Guard the imports in its block: a missing library is an error that names the extra.

        with extra("plot", "a plot"):
            from matplotlib.figure import Figure

    Args:
        name: Extra in pyproject.toml that has the libraries.
        user: What needs them, as the error's subject.

    Raises:
        ValueError: A library is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        top = str(error.name).partition(".")[0]
        library = DISTRIBUTIONS.get(top, top.replace("_", "-"))
        raise ValueError(f'{user} needs {library}: pip install "da-lab[{name}]"') from error


def require(name: str, user: str, *libraries: str) -> None:
    """Import libraries of an extra now, so that a missing one is no surprise hours later.

    Args:
        name: Extra in pyproject.toml that has the libraries.
        user: What needs them, as the error's subject.
        *libraries: Names of the modules.

    Raises:
        ValueError: A library is not installed.
    """
    with extra(name, user):
        for library in libraries:
            import_module(library)


def installed(library: str) -> bool:
    """Return whether a library can be imported, and import it."""
    try:
        import_module(library)
    except ModuleNotFoundError:
        return False
    return True
