"""Writes the files beside this script, with NumPy: `python3 make.py`."""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def save(name, array):
    np.save(HERE / name, array)


# Gradients of 40 minibatches: unequal scales, a common mean, and four parameters that are dead.
rng = np.random.default_rng(1)
minibatches, parameters = 40, 64
scales = np.exp(rng.normal(size=parameters))
gradients = rng.standard_normal((minibatches, parameters)) * scales
gradients += rng.normal(size=parameters)
gradients[:, ::16] = 0
gradients = gradients.astype("<f4")
save("gradients.npy", gradients)
save("fortran.npy", np.asfortranarray(gradients.astype(">f8")))
np.savetxt(HERE / "gradients.csv", gradients.astype("f8"), fmt="%.17g", delimiter=",")
save("noise.npy", gradients.astype("f8") - gradients.astype("f8").mean(axis=0))

# Stable noise of α = 1.5, by Chambers, Mallows and Stuck.
alpha, count = 1.5, 2_000
v = np.pi * (rng.random(count) - 0.5)
w = rng.exponential(size=count)
stable = (
    np.sin(alpha * v)
    / np.cos(v) ** (1 / alpha)
    * (np.cos((1 - alpha) * v) / w) ** ((1 - alpha) / alpha)
)
save("stable.npy", stable)
np.savetxt(HERE / "stable.txt", stable, fmt="%.17g", header="one value in a line")

save("integers.npy", np.arange(-60, 60, dtype="<i4").reshape(10, 12) ** 3)
save("constant.npy", np.full(36, 2.5))
save("equal-rows.npy", np.tile(np.arange(12.0), (8, 1)))
save("zeros.npy", np.zeros((8, 12)))
save("cube.npy", np.zeros((2, 3, 4)))
save("empty.npy", np.zeros((0, 4)))
save("complex.npy", np.zeros(4, dtype="<c8"))
bad = gradients.copy()
bad[2, 6] = np.nan
save("nan.npy", bad)
np.savez(HERE / "archive.npz", gradients[:1, :2])
