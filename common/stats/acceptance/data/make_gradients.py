"""Makes gradients.f32: gradients of minibatches of a small trained network, for resampling.

    python make_gradients.py ../../../../worker/trainers/data/mnist-excerpt

A fully connected network of width 16 and depth 2 without biases (784 x 16 and 16 x 10 weights, M = 12,704), uniform
initial weights of +-1/sqrt(fan-in), softmax cross entropy, trained on the 10,000 images of mnist-excerpt (pixel/255,
minus 0.1307, over 0.3081) for 300 steps of 20 images in file order with learning rate 0.1. Then the gradient of each
of the 500 minibatches of 20 images; of the coordinates whose gradient is zero in fewer than 5 % of them, 100 evenly
spaced ones. The file: 500 rows of 100 float32, little-endian. Made with NumPy 2.4.6 (float64, seed 0).
"""

import gzip
import sys

import numpy as np


def read(path, header, shape):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header).reshape(shape)


def gradient(weights, x, y):
    first, second = weights
    hidden = np.maximum(x @ first.T, 0)
    scores = hidden @ second.T
    chance = np.exp(scores - scores.max(1, keepdims=True))
    chance /= chance.sum(1, keepdims=True)
    chance[np.arange(len(y)), y] -= 1
    chance /= len(y)
    back = (chance @ second) * (hidden > 0)
    return back.T @ x, chance.T @ hidden


def main():
    folder = sys.argv[1]
    images = read(f"{folder}/train-images-idx3-ubyte.gz", 16, (10_000, 784))
    labels = read(f"{folder}/train-labels-idx1-ubyte.gz", 8, (10_000,))
    images = (images / 255 - 0.1307) / 0.3081
    random = np.random.default_rng(0)
    weights = [random.uniform(-1, 1, shape) / np.sqrt(shape[1]) for shape in [(16, 784), (10, 16)]]
    minibatches = [slice(start, start + 20) for start in range(0, 10_000, 20)]
    for minibatch in minibatches[:300]:
        for weight, step in zip(weights, gradient(weights, images[minibatch], labels[minibatch])):
            weight -= 0.1 * step
    rows = np.array(
        [
            np.concatenate([part.ravel() for part in gradient(weights, images[own], labels[own])])
            for own in minibatches
        ]
    )
    active = np.flatnonzero((rows == 0).mean(0) < 0.05)
    chosen = active[np.arange(100) * len(active) // 100]
    rows[:, chosen].astype("<f4").tofile("gradients.f32")
    print(f"{len(active)} active coordinates; zeros among the chosen: {(rows[:, chosen] == 0).mean():.2%}")


if __name__ == "__main__":
    main()
