"""CT volumes in MetaImage files, by SimpleITK: where a point of the world is in them, and slices.

World coordinates are millimeters x y z; a voxel's are i j k, counted along a row, a column and
through the slices, as SimpleITK has them. Arrays are k j i.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from jaxtyping import Bool, Float, Shaped, UInt8
from scipy.ndimage import map_coordinates

AIR = -1000
"""Hounsfield units of what is outside a volume."""


@dataclass(frozen=True)
class Volume:
    """What the header of a volume says."""

    file: Path
    size: Float[np.ndarray, "3"]
    """Voxels along i, j and k."""
    origin: Float[np.ndarray, "3"]
    """World coordinates of the middle of the first voxel."""
    spacing: Float[np.ndarray, "3"]
    """Millimeters between voxels along i, j and k."""
    direction: Float[np.ndarray, "3 3"]
    """Unit vectors of i, j and k in the world, as columns."""

    def to_voxels(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Voxel coordinates of points of the world, between voxels too.

        A voxel ijk is at origin + direction (spacing * ijk).
        """
        return np.linalg.solve(self.direction, (points - self.origin).T).T / self.spacing

    def contains(self, points: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
        """Which points of the world are in some voxel."""
        ijk = self.to_voxels(points)
        return np.all((ijk >= -0.5) & (ijk <= self.size - 0.5), axis=1)


def read_header(file: Path) -> Volume:
    """The header of an .mhd file; ValueError naming it where it or its voxels are damaged."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(file))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ValueError(f"cannot read the volume {file}: {_reason(error)}") from error
    if reader.GetDimension() != 3:
        raise ValueError(f"cannot read the volume {file}: it has {reader.GetDimension()} axes")
    about = (reader.GetSize(), reader.GetOrigin(), reader.GetSpacing(), reader.GetDirection())
    size, origin, spacing, direction = (np.array(numbers, float) for numbers in about)
    width = sitk.Image(1, 1, reader.GetPixelID()).GetSizeOfPixelComponent()
    _check(file, int(size.prod()) * width)
    return Volume(file, size, origin, spacing, direction.reshape(3, 3))


def _check(file: Path, size: int) -> None:
    """That the voxels are there: what is missing would be told of hours later, and not in a line.

    `size` is in bytes; where they are compressed there are fewer.
    """
    about = dict(re.findall(r"^(\w+) *= *(.*?) *$", file.read_text(errors="replace"), re.MULTILINE))
    voxels = file.parent / about.get("ElementDataFile", "")
    if not voxels.is_file():
        raise ValueError(f"cannot read the volume {file}: there is no {voxels.name} beside it")
    has = voxels.stat().st_size
    if has < size and about.get("CompressedData") != "True":
        raise ValueError(f"cannot read the volume {file}: {voxels.name} has {has} of {size} bytes")


def read_voxels(volume: Volume) -> Shaped[np.ndarray, "k j i"]:
    """The volume's Hounsfield units; ValueError naming it where it is damaged."""
    try:
        return sitk.GetArrayFromImage(sitk.ReadImage(str(volume.file)))
    except RuntimeError as error:
        raise ValueError(f"cannot read the volume {volume.file}: {_reason(error)}") from error


def cut_slices(
    hu: Shaped[np.ndarray, "k j i"],
    volume: Volume,
    center: Float[np.ndarray, "3"],
    side: int,
    window: tuple[float, float],
) -> UInt8[np.ndarray, "s s 3"]:
    """Three axial slices around a point of the world, 1 mm apart, as are their pixels.

    They lie in the world's x and y, whichever way the volume is stored; y goes down. Between voxels
    it is linear. The window's Hounsfield units become 0 to 255.
    """
    across = np.arange(side) - (side - 1) / 2
    y, x, z = np.meshgrid(across, across, [-1.0, 0.0, 1.0], indexing="ij")
    points = center + np.stack([x, y, z], -1).reshape(-1, 3)
    kji = volume.to_voxels(points).T[::-1]
    found = map_coordinates(hu, kji, np.float32, order=1, cval=AIR).reshape(x.shape)
    low, high = window
    return (((found - low) / (high - low)).clip(0, 1) * 255).round().astype(np.uint8)


def _reason(error: RuntimeError) -> str:
    """The line that SimpleITK gives as the reason, of several."""
    return str(error).splitlines()[-1].strip()
