"""LUNA16: lung nodules in CT scans, and what detectors mistook for them (Setio et al. 2017).

Images are patches of 64 x 64 pixels around candidates, 64 mm wide; their three channels are axial
slices 1 mm apart. There are two classes, `nodule` and `other`. A task is supervised, and is written
`luna16:PATH`.

You get the challenge's files yourself. The folder PATH holds the volumes (.mhd with .raw), directly
or in `subset0` to `subset9`, and `candidates_V2.csv` or else `candidates.csv`. The number of images
depends on the scans that are there: training, validation and tests each have all their nodules and
as many other candidates, drawn by the hash of their numbers. So half of all guesses are right; the
files have hundreds of other candidates for each nodule.

No scan is in two sets. With all ten subsets, the first eight are for training, the next for
validation and the last for tests. Otherwise scans are divided by the hash of their names, 70, 10
and 20 %.
"""

import csv
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, UInt8
from tqdm import tqdm

from da.data import paths, splits
from da.data.datasets import _ct_volumes as ct_volumes
from da.data.datasets._ct_volumes import Volume
from da.data.domain import Domain, keep_domain, save_domain
from da.data.image_files import cache_key
from da.system.cache import cache_home, remove_unused

SYNTAX = "PATH"
DOMAINS = ()
ONE_DOMAIN = True
CLASSES = "other", "nodule"
SIDE = 64
"""Width and height of a patch, in pixels and in millimeters."""

WINDOW = -1000.0, 400.0
"""Values shown as black and as white, air and bone, in Hounsfield units."""

TABLES = "candidates_V2.csv", "candidates.csv"
"""Files of candidates. The first that exists is read; the second is the challenge's older list."""

COLUMNS = "seriesuid", "coordX", "coordY", "coordZ", "class"
SETS = "training", "validation", "test"


class Candidates(NamedTuple):
    """Places in scans that may be nodules."""

    scans: tuple[str, ...]
    """Names of the scans."""
    scan: Int[np.ndarray, "n"]
    """Number of each candidate's scan in `scans`."""
    at: Float[np.ndarray, "n 3"]
    """World coordinates in millimeters."""
    y: Int[np.ndarray, "n"]
    """Class of each candidate: 1 for a nodule, 0 for anything else."""


pair = paths.single_folder


def open_domain(name: str) -> Domain:
    """Open patches of 64 x 64 pixels and three slices, cut at the first call or after a change.

    Raises:
        ValueError: If there are no candidates or no volumes, a volume is damaged, a candidate is
            outside its volume, or a set lacks a class.
    """
    root = paths.require_folder(name)
    table = next((root / file for file in TABLES if (root / file).is_file()), None)
    if table is None:
        raise ValueError(f"{root} has no file of candidates, known: {', '.join(TABLES)}")
    files = _volumes(root)
    voxels = [file.with_suffix(end) for file in files.values() for end in (".raw", ".zraw")]
    key = cache_key(root, [table, *files.values(), *filter(Path.exists, voxels)], SIDE)

    def write(folder: Path) -> None:
        found = read_candidates(table)
        headers = {
            scan: ct_volumes.read_header(files[scan]) for scan in found.scans if scan in files
        }
        _check(found, headers, table)
        sets = draw_candidates(found, _sets(root, headers))
        remove_unused(folder.parent)
        taken = np.unique(np.concatenate(sets))
        rows = splits.assign_roles(*(np.searchsorted(taken, chosen) for chosen in sets))
        print(f"luna16: cutting {len(taken)} patches out of {root}, once", file=sys.stderr)
        save_domain(folder, _patches(found, headers, taken), found.y[taken], CLASSES, rows)

    return keep_domain(cache_home() / "luna16" / key, write)


def _volumes(root: Path) -> dict[str, Path]:
    """List the file of each scan in `root` or its subsets, without those of segmented lungs."""
    files = sorted([*root.glob("*.mhd"), *root.glob("subset[0-9]/**/*.mhd")])
    if not files:
        raise ValueError(f"{root} has no volumes: no .mhd in it or in subset0 to subset9")
    return {file.stem: file for file in files}


def read_candidates(table: Path) -> Candidates:
    """Read every line of a file of candidates.

    Raises:
        ValueError: If a column is missing, a line cannot be understood, or there is none.
    """
    scans: dict[str, int] = {}
    lines: list[tuple[float, ...]] = []
    with table.open(newline="") as file:
        reader = csv.DictReader(file)
        if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
            raise ValueError(f"{table} has no column {missing[0]!r}, known: {', '.join(COLUMNS)}")
        for line in reader:
            series, *numbers = (line[column] for column in COLUMNS)
            try:
                x, y, z, label = map(float, numbers)
                known = [0.0, 1.0].index(label)
                lines.append((scans.setdefault(series, len(scans)), x, y, z, known))
            except (TypeError, ValueError) as error:
                said = ",".join(str(line[column]) for column in COLUMNS)
                raise ValueError(
                    f"{table} has the line {said!r}, known: numbers, 0 or 1"
                ) from error
    if not lines:
        raise ValueError(f"{table} has no candidates in it")
    every = np.array(lines)
    scan, classes = every[:, 0].astype(np.int64), every[:, 4].astype(np.int64)
    return Candidates(tuple(scans), scan, every[:, 1:4], classes)


def _check(found: Candidates, headers: dict[str, Volume], table: Path) -> None:
    """Check that every candidate is in its volume, and report missing volumes once."""
    missing = 0
    for number, scan in enumerate(found.scans):
        at = found.at[found.scan == number]
        if scan not in headers:
            missing += len(at)
        elif not (inside := headers[scan].contains(at)).all():
            place = ", ".join(f"{value:g}" for value in at[~inside][0])
            raise ValueError(f"{table} has a candidate outside its volume: {scan} at ({place})")
    if not headers:
        raise ValueError(f"no scan of {table} has its volume there, as {found.scans[0]}.mhd")
    if missing:
        count = len(found.scans) - len(headers)
        print(
            f"luna16: left out {missing} candidates of {count} scans without a volume",
            file=sys.stderr,
        )


def _sets(root: Path, headers: dict[str, Volume]) -> dict[str, int]:
    """Return the number in `SETS` of each scan's set."""
    subsets = {scan: header.file.relative_to(root).parts[0] for scan, header in headers.items()}
    if set(subsets.values()) == {f"subset{i}" for i in range(10)}:
        return {scan: max(0, int(subset[-1]) - 7) for scan, subset in subsets.items()}
    names = sorted(headers)
    parts = splits.split_in_three(names, np.zeros(len(names), np.int64))
    return {names[i]: part for part, rows in enumerate(parts) for i in rows}


def draw_candidates(found: Candidates, sets: dict[str, int]) -> list[Int[np.ndarray, "_"]]:
    """Draw the candidates of each set: all of its nodules and as many others.

    They are in the order of the hashes of their numbers.

    Args:
        found: All candidates.
        sets: Number in `SETS` of each scan's set.

    Raises:
        ValueError: If a set lacks a class.
    """
    part = np.array([sets.get(scan, -1) for scan in found.scans])[found.scan]
    chosen = []
    for number, name in enumerate(SETS):
        mine = np.flatnonzero(part == number)
        mine = mine[splits.order_by_hash([str(i) for i in mine])]
        each = [mine[found.y[mine] == c] for c in range(2)]
        for label, some in zip(CLASSES, each, strict=True):
            if not len(some):
                scans = list(sets.values()).count(number)
                raise ValueError(f"no candidate of class {label!r} in the {scans} {name} scans")
        fewest = len(each[1])
        chosen.append(mine[np.isin(mine, np.concatenate([each[0][:fewest], each[1]]))])
    return chosen


def _patches(
    found: Candidates, headers: dict[str, Volume], taken: Int[np.ndarray, "n"]
) -> UInt8[np.ndarray, "n 64 64 3"]:
    x = np.empty((len(taken), SIDE, SIDE, 3), np.uint8)
    for number in tqdm(np.unique(found.scan[taken]), unit=" scans", disable=None):
        volume = headers[found.scans[number]]
        hu = ct_volumes.read_voxels(volume)
        for i in np.flatnonzero(found.scan[taken] == number):
            x[i] = ct_volumes.cut_slices(hu, volume, found.at[taken[i]], SIDE, WINDOW)
    return x
