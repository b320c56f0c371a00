"""Writes the .npy files beside this script, with NumPy: `python3 make.py`.

Values are k for whole numbers and (k - 5) * 0.75 for floats, k counting in the order of C.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def numbers(dtype, shape):
    k = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    if np.dtype(dtype).kind == "f":
        k = (k - 5) * 0.75
    return k.astype(dtype)


def write(name, array, version=None):
    with open(HERE / f"{name}.npy", "wb") as file:
        np.lib.format.write_array(file, array, version=version)


for dtype in ["|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8", "<f2", "<f4", "<f8"]:
    write(dtype[1:], numbers(dtype, (3, 4)))
for dtype in [">u2", ">i8", ">f2", ">f4", ">f8"]:
    write(f"big-{dtype[1:]}", numbers(dtype, (3, 4)))
write("fortran-2d", np.asfortranarray(numbers("<f8", (3, 4))))
write("fortran-3d", np.asfortranarray(numbers("<f4", (2, 3, 4))))
write("version-2", numbers("<f4", (3, 4)), version=(2, 0))
write("version-3", numbers("<f4", (3, 4)), version=(3, 0))
write("scalar", numbers("<f4", ()))
write("vector", numbers("<f4", (12,)))
write("no-rows", numbers("<f4", (0, 4)))
write("no-columns", numbers("<f4", (4, 0)))

write("bool", np.array([True, False]))
write("complex", np.array([1 + 2j], dtype="<c8"))
write("text", np.array(["a", "bc"]))
write("bytes", np.array([b"a"]))
write("date", np.array(["2020-01-01"], dtype="<M8[D]"))
write("record", np.array([(1, 2.0)], dtype=[("a", "<i4"), ("b", "<f8")]))
write("object", np.array([1, "a"], dtype=object))
write("long-double", np.array([1.0], dtype=np.longdouble))
