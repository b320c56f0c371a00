"""Times the published estimator in PyTorch on one thread, over as many values as
`cargo bench -p tailsweep-stats --bench accumulators` has: `python3 published_estimator.py`.

The estimator is Corollary 2.4 of Mohammadi, Mohammadpour, Ogata (Metrika 2015) with the constants
of the published code: 1/alpha = (mean ln(|Y| + eps) - mean ln(|X| + eps)) / ln K1 in float32.
"""

import math
import time

import torch

MINIBATCHES, PARAMS, K1 = 100, 100_000, 3125


def published(noise):
    blocks = noise.view(-1, K1).sum(dim=1)
    eps = torch.finfo(torch.float64).eps
    lower = torch.log(noise.abs() + eps).mean()
    upper = torch.log(blocks.abs() + eps).mean()
    return math.log(K1) / (upper - lower).item()


torch.set_num_threads(1)
torch.manual_seed(0)
rows = torch.randn(MINIBATCHES, PARAMS)
centre = rows.mean(dim=0)


def centred():
    return published((rows - centre).reshape(-1))


times = []
for _ in range(9):
    start = time.thread_time()
    alpha = centred()
    times.append(time.thread_time() - start)
best = min(times)
print(f"torch {torch.__version__}: alpha {alpha:.3f}, {rows.numel() / best / 1e6:.0f} M values/s")
