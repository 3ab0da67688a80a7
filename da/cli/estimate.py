"""Command that estimates an accuracy without labels."""

import sys
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from da.cli.options import Results


def estimate(
    model: Annotated[
        Positional[str],
        arg(metavar="RUN|FILE.onnx", help="Id of a run, or a file from `da export --to onnx`."),
    ],
    images: Annotated[
        Positional[tuple[Path, ...]],
        arg(metavar="FOLDER|IMAGE...", help="Folders of images without labels, or images."),
    ],
    results: Results = Path("results"),
) -> None:
    """Print the accuracy to be expected on images without labels, by up to three rules.

    Each comes with a 95 % interval over images: what other images of the kind would change. It does
    not hold the error of the rule itself, which is larger: its mean on emoji stands next to it.
    The model is a run with --save-weights, or its ONNX file.
    """
    from da.deploy.estimate import estimate_accuracy
    from da.results.text_columns import align
    from da.statistics.expected_accuracy import MEAN_ERROR

    if not images:
        raise ValueError("no images: name a folder of them")
    found = estimate_accuracy(model, images, results)
    print(f"{model} on {found.images} images: expected accuracy in %\n")
    rows = [["", "accuracy", "95 % over images", "mean error on emoji"]]
    for name, own in found.rules.items():
        interval = f"{own.low:.1f} to {own.high:.1f}"
        rows.append([name, f"{own.accuracy:.1f}", interval, f"{MEAN_ERROR[name]}"])
    print(*align([*rows, ["source", f"{found.source:.1f}", "", ""]], left=1), sep="\n")
    if found.other:
        print(f"\nagreement: with another seed, run {found.other}")
    if found.source == 100:
        print("\nno source image is classified wrongly, so atc and doc tell little")
    for error in found.errors:
        print(f"da: {error}", file=sys.stderr)
    if found.errors:
        raise SystemExit(1)
