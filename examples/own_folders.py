"""Adapt from one folder of images to another, and say how much each method helps.

    python examples/own_folders.py photos/amazon photos/webcam

Each subfolder of a folder is a class, and both have the same classes.
"""

import sys

import da


def main(source: str, target: str) -> None:
    """Train three methods with two seeds each, and print their table."""
    methods = da.methods.SourceOnly(), da.methods.CORAL(), da.methods.MCC()
    task = f"folder:{source}-{target}"
    runs = [da.Run(method, task, seed=seed) for method in methods for seed in range(2)]
    records = da.sweep(runs)
    print(da.table(records, chosen_by=("last", "infomax")))


if __name__ == "__main__":
    main(*sys.argv[1:])
