"""Files of arrays that are written row by row, since they may be too large for memory."""

from typing import BinaryIO

from numpy.lib.format import write_array_header_1_0


def write_array_head(out: BinaryIO, kind: str, shape: tuple[int, ...]) -> None:
    """Write the head of a `.npy` file, which takes the same space for any number of rows.

    Args:
        out: File, at its beginning.
        kind: Type of the numbers as NumPy writes it, such as `<f4`.
        shape: Shape of the array.
    """
    write_array_header_1_0(out, {"descr": kind, "fortran_order": False, "shape": shape})
