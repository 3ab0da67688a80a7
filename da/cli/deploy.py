"""Commands that use the models of finished runs."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from da.cli.options import Recorded, Results


def export(
    run: Recorded,
    to: Literal["onnx", "pt2"],
    out: Annotated[Path | None, arg(metavar="FILE")] = None,
    results: Results = Path("results"),
) -> None:
    """Export the model of a finished run to one file, with its preprocessing, and check the file.

    Args:
        to: Format of the file: onnx, or pt2 for a program of torch.export.
        out: File to write; None for the id of the run, in the working folder.
    """
    from da.deploy.export import export
    from da.results import records

    record = records.find(run, results)
    file = out or Path(f"{record.id}.{to}")
    if file.suffix != f".{to}":
        raise ValueError(f"unknown ending {file.suffix!r} of {file}, known: .{to}")
    made = export(record, file, to, records.folder_of(run, results))
    size = file.stat().st_size / 1e6
    print(f"{file}: {len(made.classes)} classes, {size:.1f} MB")
    print(f"differs from PyTorch by at most {made.difference:.2g} on {made.images}")


def predict(
    model: Annotated[
        Positional[str],
        arg(metavar="RUN|FILE.onnx", help="Id of a run, or a file from `da export --to onnx`."),
    ],
    images: Annotated[
        Positional[tuple[Path, ...]],
        arg(
            metavar="IMAGE|FOLDER|FILE.csv...",
            help="Images to classify, folders of them, or for a run on texts files of these.",
        ),
    ],
    results: Results = Path("results"),
    csv: bool = False,
    text: str = "",
) -> None:
    """Classify images with a finished run or its ONNX file; print path, class and probability.

    Where the run's task has unknown classes, images that the model rejects are "unknown", with how
    likely that is. Texts are those of a CSV or Parquet file, and are printed as the file and its
    line. Further label columns of the run follow, each with its class and probability. For 20
    images or more, stderr says which accuracy is to be expected.

    Args:
        csv: Print CSV with a header and the probability of every class.
        text: Column of the texts; empty for that of the run's task.
    """
    from da.deploy import csv_rows, predict, texts
    from da.deploy.estimate import describe_expected

    if not images:
        raise ValueError("no images: name files or folders of them")
    files, notes = predict.expand_paths(images)
    opened = predict.open_model(model, results)
    if opened.tokenize:
        found = texts.text_probabilities(opened, texts.read_texts(images, text or opened.column))
    elif text:
        raise ValueError(f"text {text!r} is for a run on texts, and {model} is of images")
    else:
        found = predict.probabilities_by_column(opened, files)
    for note in notes:
        print(f"da: {note}", file=sys.stderr)
    failed, classes = False, []
    if csv:
        print(csv_rows.csv_line(["path", *csv_rows.csv_heads(opened)]))
    for file, each in found:
        if isinstance(each, ValueError):
            print(f"da: {each}", file=sys.stderr)
            failed = True
            continue
        classes.append(each[0])
        if csv:
            print(csv_rows.csv_line([file, *csv_rows.csv_cells(opened, each)]))
        else:
            named = opened.name_classes(each)
            print(file, *(f"{label}  {p:.4f}" for label, p in named), sep="  ")
    if expected := describe_expected(opened, classes):
        print(f"da: {expected}", file=sys.stderr)
    if failed:
        raise SystemExit(1)
