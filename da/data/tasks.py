"""Tasks by their names: which domains they adapt, and with which labels."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from da.config.registry import DATASETS
from da.config.task_name import TaskName
from da.config.validation import likely_names, shorten_names
from da.data import label_sets, splits
from da.data.datasets import list_domains, split_domains, task_syntax
from da.data.decode import BadImagesError
from da.data.domain import Domain, LabeledImages, Task, are_same
from da.data.domain_checks import check_domain, require_same_form
from da.data.few_labels import first_labeled, first_shots
from da.data.frequencies import change_frequencies
from da.data.held_out import train_on_held_out
from da.data.joined import join_domains
from da.data.label_columns import match_columns, require_same_classes
from da.data.reading import Reading
from da.data.streams import arrange_visits
from da.data.task_ends import check_ends
from da.system.cache import NotMadeError, without_making

USUAL = Reading()
"""How images are read where nothing is said."""


def parse_task(text: str) -> TaskName:
    """Read a task's name and check it against the data sets that are known here.

    Raises:
        ValueError: If the benchmark or a domain is unknown, or the task cannot buy such labels; the
            message lists what is known.
    """
    name = TaskName.parse(text)
    if name.benchmark not in DATASETS:
        if "/" in name.benchmark:
            raise ValueError(f"no benchmark in {text!r}: folders of yours are folder:{text}")
        near = likely_names(name.benchmark, DATASETS)
        known = describe_syntax() if len(near) == len(DATASETS) else ", ".join(near)
        raise ValueError(f"unknown benchmark {name.benchmark!r} in {text!r}, known: {known}")
    domains = list_domains(name.benchmark)
    if not name.domains and "" not in domains:
        among = f" of {', '.join(domains)}" if domains else ""
        known = task_syntax(name.benchmark)
        raise ValueError(f"no domains in task {text!r}, known: {known}{among}")
    name = name.with_pair(partial(split_domains, name.benchmark))
    check_ends(name)
    return name


def describe_syntax() -> str:
    """Explain how the tasks of every benchmark are written."""
    every = ", ".join(map(task_syntax, DATASETS))
    return f"{every}; one domain alone, as in emoji:noto+5label, is trained on its labels"


def open_domains(name: str, read: Reading = USUAL) -> tuple[Domain, Domain]:
    """Open the source and target domain of a task, which are fetched and decoded if necessary.

    Both are the same where the task has one domain.

    Args:
        name: The task's name.
        read: How images are read.

    Raises:
        ValueError: If the two domains do not have the same classes, the source lacks images to
            hold out, or images of either cannot be decoded.
    """
    parsed = parse_task(name)
    own = DATASETS[parsed.benchmark]
    options = read.options_for(own)
    names = (*parsed.sources, *parsed.targets)
    own_class = not (parsed.hides_labels or parsed.classes or read.label_columns)
    names_of = getattr(own, "class_names", None) if own_class else None
    hint = f"; {name}+partial takes such a target" if not parsed.end else ""
    if names_of and len({*map(names_of, names)} - {()}) > 1:
        require_same_classes(name, {each: names_of(each, check=True) for each in names}, hint)
    hidden = len(parsed.sources) if parsed.hides_labels else len(names)
    every = _open_all(own, names, options, hidden)
    require_same_form(name, dict(zip(names, every, strict=True)))
    count = len(parsed.sources)
    source = join_domains(name, parsed.sources, every[:count])
    target = join_domains(name, parsed.targets, every[count:]) if parsed.target else source
    if not source.is_labeled:
        raise ValueError(
            f"{name}: the images of {parsed.source} have no labels, and a source needs them"
        )
    if not target.is_labeled:
        target = replace(target, classes=source.classes)
    if not read.hold_out:
        source = train_on_held_out(name, source, target)
    if parsed.classes:
        source, target = label_sets.share_classes(parsed, own, source, target)
    classes = {parsed.source: source.classes, parsed.target: target.classes}
    require_same_classes(name, classes, hint)
    if parsed.frequencies:
        source, target = change_frequencies(parsed, own, source, target)
    if read.label_columns:
        matched = match_columns(name, source.columns, target.columns, len(target.x))
        target = replace(target, columns=matched)
    if parsed.target and not len(source.rows["source_test"]):
        raise ValueError(
            f"{parsed.source} has no class with two images: none of the source can be held out"
        )
    return source, target


def open_tests(task: str, test: str, read: Reading = USUAL) -> list[Domain]:
    """Open the domain of the target's labeled test images; return none where `test` is empty.

    Args:
        task: The task's name.
        test: The domain's name, as it could stand in the task.
        read: How images are read, as for `open_domains`.

    Raises:
        ValueError: If there is no such domain, or its images have no labels.
    """
    if not test:
        return []
    benchmark = parse_task(task).benchmark
    if (known := list_domains(benchmark)) and test not in known:
        raise ValueError(f"unknown domain {test!r} for tests, known: {', '.join(known)}")
    own = DATASETS[benchmark]
    (domain,) = _open_all(own, [test], read.options_for(own), hidden=1)
    if not domain.is_labeled:
        raise ValueError(f"the images of {test} have no labels, and tests need them")
    return [domain]


def _open_all(own: Any, names: Iterable[str], options: dict[str, Any], hidden: int) -> list[Domain]:
    """Open domains, without their labels from place `hidden` on.

    Where images of one cannot be decoded, those of the next ones are looked at too.
    """
    domains: list[Domain] = []
    bad: list[str] = []
    for place, name in enumerate(names):
        hide = place >= hidden
        try:
            if bad:
                own.check_images(name)
            elif hide and hasattr(own, "open_unlabeled"):
                domains.append(own.open_unlabeled(name, **options))
            else:
                domain = own.open_domain(name, **options)
                if not DATASETS.find(own.__name__.rpartition(".")[2]).own:
                    check_domain(domain, f"{own.__file__}: open_domain({name!r})")
                domains.append(domain.without_labels() if hide else domain)
        except BadImagesError as error:
            bad += error.lists
    if bad:
        raise BadImagesError(*dict.fromkeys(bad))
    return domains


def digest_domains(name: str, source: Domain, target: Domain, *tests: Domain) -> dict[str, str]:
    """Return a digest of the data of each domain of a task: `source`, `target` if it has one.

    That of `test` is there too, where test images are of another domain.

    Args:
        name: The task's name.
        source: Its source domain, or the one domain of a supervised task.
        target: Its target domain; the same for a supervised task.
        tests: The domain of its test images, where that is another one.
    """
    digests = {"source": source.data_digest, "target": target.data_digest}
    if tests:
        digests["test"] = tests[0].data_digest
    return digests if parse_task(name).target else {"source": digests["source"]}


def count_left_out(*domains: Domain) -> dict[str, int]:
    """Return the number of images that were left out of each domain, where there are such."""
    roles = zip(("source", "target", "test"), domains, strict=False)
    return {f"skipped_{role}": d.left_out for role, d in roles if d.left_out}


def current_digests(task: str, read: Reading = USUAL, test: str = "") -> dict[str, str] | None:
    """Return `digest_domains` of a task's data as it is now, without decoding or fetching any.

    Args:
        task: The task's name.
        read: How images are read, as for `open_domains`.
        test: Domain of the test images, as for `open_tests`.

    Returns:
        The digests, or None where they are not known: images are not decoded in their present
        state, or are not there.
    """
    try:
        with without_making():
            opened = open_domains(task, read)
            return digest_domains(task, *opened, *open_tests(task, test, read))
    except (NotMadeError, ValueError, OSError):
        return None


def build_task(name: str, source: Domain, target: Domain, *tests: Domain) -> Task:
    """Build the task `name` from its two domains.

    Where both are the same domain, however it is written, it is tested on images that it was not
    trained on with labels. Shots are never tested on. A supervised task has the rows that
    `splits.split_supervised` gives.

    Args:
        name: The task's name.
        source: Its source domain, or the one domain of a supervised task.
        target: Its target domain; the same for a supervised task.
        tests: The domain of its test images, where that is another one.

    Raises:
        ValueError: If the test images have other classes, or shots or tests are too few.
    """
    parsed = parse_task(name)
    k = parsed.few or 0
    if not parsed.target:
        return _supervised(name, source, target, k)
    if k and not target.is_labeled:
        raise ValueError(f"{name}: the images of {parsed.target} have no labels: none can be shown")
    if k and not all(column.is_labeled for column in target.columns):
        raise ValueError(f"{name}: a label column of {parsed.target} is empty: none can be shown")
    same = target.is_labeled and (parsed.source == parsed.target or are_same(source, target))
    shots = first_shots(name, target, k)
    test = target.rows["source_test" if same else "target_test"]
    test = test[torch.isin(test, shots, invert=True)]
    if not len(test):
        raise ValueError(f"{name}: no target image is left for tests")
    return Task(
        name,
        source.classes,
        source.part(source.rows["source_train"]),
        target.images(target.rows["target_train"]),
        source.part(source.rows["source_test"]),
        arrange_visits(parsed, _part_of(source, *tests) if tests else target.part(test)),
        target.part(shots) if k else None,
    )


def _part_of(source: Domain, test: Domain) -> LabeledImages:
    """Return all images of `test`, which needs the classes of the source."""
    if source.classes != test.classes:
        names = [shorten_names(domain.classes) for domain in (source, test)]
        raise ValueError(f"test images have the classes {names[1]}, the source has {names[0]}")
    columns = match_columns("test images", source.columns, test.columns, len(test.x))
    return replace(test, columns=columns).part(test.rows["target_test"])


def load_task(name: str) -> Task:
    """Load a task by its name, for example `emoji:noto-twemoji` or `digits:mnist-mnistm+3shot`."""
    return build_task(name, *open_domains(name))


def _supervised(name: str, source: Domain, target: Domain, k: int) -> Task:
    """Build a task of one domain, whose images may come in two versions, as source and target."""
    train, validation, test = splits.split_supervised(source.rows, source.y)
    return Task(
        name,
        source.classes,
        source.part(first_labeled(name, source, train, k) if k else train),
        target.images(train),
        source.part(validation),
        target.part(test),
    )
