"""Reading CT volumes from MetaImage files with SimpleITK, and cutting slices out of them.

World coordinates are x y z in millimeters. Voxel coordinates are i j k, counted along a row, along
a column and through the slices, as in SimpleITK. Arrays are indexed k j i.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8

from da.system.extras import extra

AIR = -1000
"""Value outside a volume, in Hounsfield units."""


@dataclass(frozen=True)
class Volume:
    """The header of a volume: its file, size and place in the world."""

    file: Path
    size: Float[np.ndarray, "3"]
    """Number of voxels along i, j and k."""
    origin: Float[np.ndarray, "3"]
    """World coordinates of the middle of the first voxel, in millimeters."""
    spacing: Float[np.ndarray, "3"]
    """Millimeters between voxels along i, j and k."""
    direction: Float[np.ndarray, "3 3"]
    """Unit vectors of i, j and k in the world, as columns."""

    def to_voxels(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
        """Convert world coordinates to voxel coordinates, which may lie between voxels.

        The voxel ijk is at origin + direction (spacing * ijk).
        """
        return np.linalg.solve(self.direction, (points - self.origin).T).T / self.spacing

    def contains(self, points: Float[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
        """Mark the points of the world that are in a voxel."""
        ijk = self.to_voxels(points)
        return np.all((ijk >= -0.5) & (ijk <= self.size - 0.5), axis=1)


def read_header(file: Path) -> Volume:
    """Read the header of an .mhd file.

    Raises:
        ValueError: If it, or the file of its voxels, is damaged; the message names it.
    """
    sitk = _simpleitk()
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
    """Check that the voxels are there.

    Otherwise SimpleITK would report missing voxels hours later, and not in one line.

    Args:
        file: The header.
        size: Bytes that the voxels take when they are not compressed.
    """
    about = dict(re.findall(r"^(\w+) *= *(.*?) *$", file.read_text(errors="replace"), re.MULTILINE))
    voxels = file.parent / about.get("ElementDataFile", "")
    if not voxels.is_file():
        raise ValueError(f"cannot read the volume {file}: there is no {voxels.name} beside it")
    has = voxels.stat().st_size
    if has < size and about.get("CompressedData") != "True":
        raise ValueError(f"cannot read the volume {file}: {voxels.name} has {has} of {size} bytes")


def read_voxels(volume: Volume) -> Shaped[np.ndarray, "k j i"]:
    """Read the voxels of a volume, in Hounsfield units.

    Raises:
        ValueError: If the volume is damaged; the message names it.
    """
    sitk = _simpleitk()
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
    """Cut three axial slices around a point of the world, 1 mm apart, with pixels 1 mm apart.

    Slices lie in the world's x and y, however the volume is stored; y goes down. Values between
    voxels are interpolated linearly.

    Args:
        hu: Voxels in Hounsfield units.
        volume: Header of the same volume.
        center: World coordinates of the middle, in millimeters.
        side: Width and height of a slice, in pixels.
        window: Hounsfield units that become 0 and 255.
    """
    across = np.arange(side) - (side - 1) / 2
    y, x, z = np.meshgrid(across, across, [-1.0, 0.0, 1.0], indexing="ij")
    points = center + np.stack([x, y, z], -1).reshape(-1, 3)
    kji = volume.to_voxels(points).T[::-1]
    with extra("ct", "a CT scan"):
        from scipy.ndimage import map_coordinates
    found = map_coordinates(hu, kji, np.float32, order=1, cval=AIR).reshape(x.shape)
    low, high = window
    return (((found - low) / (high - low)).clip(0, 1) * 255).round().astype(np.uint8)


def _simpleitk() -> Any:
    with extra("ct", "a CT scan"):
        import SimpleITK
    return SimpleITK


def _reason(error: RuntimeError) -> str:
    """Return the line of SimpleITK's message that gives the reason."""
    return str(error).splitlines()[-1].strip()
