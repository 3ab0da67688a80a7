"""All data sets, one in each file: those of this package, and your own.

The name of a file is the name of the benchmark in tasks. Its docstring says what it is, and it has

- `DOMAINS`: names of its domains; '' stands for a domain that needs no name, and no names for
  domains that a task describes, such as folders.
- `open_domain(name)`: function that opens a domain, or makes it first.

It may have

- `SYNTAX`: how its tasks are written, after the colon.
- `pair(names)`: function that splits what stands there into source and target, or into the one
  domain of a supervised task and ''. Without it, names in `DOMAINS` are joined by a dash.
- `RSUT_FALLS = True`: classes of `+rsut` fall in the source along their order, and rise in the
  target.
- `SEVERAL = True`: a side of a task can be several domains with commas between them, as it always
  can where `DOMAINS` names them.
- `ONE_DOMAIN = True`: each task has one domain, even if its path has a dash or a colon.
- `ANY_SIDE = True`: images have no size of their own; `open_domain(name, side)` takes one.
- `open_unlabeled(name)`: function that opens a domain of a task that ends in `+unlabelled`, and
  does not look at labels. Without it the domain is opened, and its labels are dropped.
- `SKIPS_BAD = True`: images are files of the user's; `open_domain(name, skip_bad=True)` leaves out
  those that cannot be decoded, and `check_images(name)` lists them.
- `FITS = True`: `open_domain(name, fit="crop")` says how images become squares; see `Fit`.
- `fetch()`: function that fetches what is missing, for `da data`, and yields a line on each file.
- `check()`: function that compares files with what is published, a line each.
- `METRIC`: name of the metric that papers print.
- `TASKS`: the tasks that papers have, after the colon, where not all pairs make sense.
- `ORDERS`: orders of its classes by their names, the usual one first, for settings that count them.
- `DEFECTS`: sentences on what is known to be wrong with the published files, for its page.
- `CORRUPTED = True`: `STYLE.all5` in a task stands for every corruption of a style.
- `LABEL_COLUMNS`: names of its label columns, none for those of a user's file;
  `open_domain(name, columns=...)` takes some, the first as the class.
"""

from collections.abc import Sequence

from da.config.registry import DATASETS
from da.config.task_name import has_one_domain, split_pair

DATASETS.extend_package(__path__)


def list_domains(benchmark: str) -> tuple[str, ...]:
    """Return the names of a benchmark's domains, without importing its file if that is possible.

    Raises:
        ValueError: The file has none, or they are no texts.
    """
    constants = DATASETS.constants(benchmark)
    constant = constants.get("DOMAINS")
    found = getattr(DATASETS[benchmark], "DOMAINS", None) if constant is None else constant
    names = found if isinstance(found, Sequence) and not isinstance(found, str) else [None]
    if not all(isinstance(name, str) for name in names):  # `list` is a data set here
        file = DATASETS.find(benchmark).file
        raise ValueError(f'{file} has DOMAINS {found!r}, known: names, as in ("photo", "art")')
    return tuple(map(str, names))


def task_syntax(benchmark: str) -> str:
    """Show how the tasks of one benchmark are written."""
    names = [name for name in list_domains(benchmark) if name]
    known = DATASETS.constants(benchmark)
    own = known.get("SYNTAX", (*known.get("TASKS", ()), "-".join(names[:2]))[0])
    return f"{benchmark}{'' if own[:1] in ('', '[') else ':'}{own}"


def split_domains(benchmark: str, names: str) -> tuple[str, str]:
    """Split the domains in a task's name into source and target, or into one and ''.

    Raises:
        ValueError: A domain is unknown.
    """
    module = DATASETS[benchmark]
    if hasattr(module, "pair"):
        pair = module.pair(names)
        if isinstance(pair, tuple) and [type(name) for name in pair] == [str, str]:
            return pair
        raise ValueError(f"{module.__file__}: pair({names!r}) gives {pair!r}, known: two names")
    return (names, "") if has_one_domain(benchmark) else split_pair(names, list_domains(benchmark))
