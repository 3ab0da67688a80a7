"""Check the ends of tasks' names: what is said twice, or does not go together."""

from da.config.stream_options import StreamOptions, list_visits
from da.config.task_name import TaskName


def check_ends(name: TaskName) -> None:
    """Check the ends of a task's name, whose domains are known.

    Raises:
        ValueError: One says nothing, or does not go with the others; the message tells what does.
    """
    k, kind = name.few, name.kind
    if k == 0:
        raise ValueError(f"no {kind}s in '{name}': say +1{kind} or more, or leave it out")
    if name.counts[:1] == (0,):
        raise ValueError(
            f"no classes in '{name}': say +{name.classes}1 or more, or +{name.classes}"
        )
    if name.data_end and not name.target:
        raise ValueError(f"{name.data_end} in '{name}', known: of two domains, for their classes")
    if name.hides_labels and (name.counts or name.frequencies):
        raise ValueError(f"+unlabelled in '{name}': {name.data_end} chooses images by their labels")
    if name.hides_labels and not name.target:
        known = "of two domains, where it hides the target's labels"
        raise ValueError(f"{name.end} in '{name}', known: {known}")
    if k and (kind == "shot") != bool(name.target):
        known = f"+{k}shot of two domains, +{k}label of one"
        raise ValueError(f"+{k}{kind} in '{name}', known: {known}")
    if name.frequencies == "dirichlet" and not name.alpha:
        known = "+dirichletALPHA with ALPHA above 0, as in +dirichlet0.3"
        raise ValueError(f"{name.data_end} in '{name}', known: {known}")
    if name.frequencies == "rsut" and name.alpha is not None and name.alpha <= 1:
        raise ValueError(
            f"{name.data_end} in '{name}', known: +rsut, +rsutFACTOR with FACTOR above 1"
        )
    if name.stream is not None:
        _check_stream(name)


def _check_stream(name: TaskName) -> None:
    options = StreamOptions.parse(name.stream or "")
    if not name.target:
        raise ValueError(f"+stream in '{name}', known: of two domains, for the target's images")
    if options.shifts != "continual" and len(name.targets) < 2:
        raise ValueError(f"{options.shifts} in '{name}', known: of several targets, with commas")
    if options.needs_labels and name.hides_labels:
        raise ValueError(f"+unlabelled in '{name}': {options.order} orders images by their labels")
    list_visits(options, name.targets)
