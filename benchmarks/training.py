"""Training and measuring, side by side with PyTorch, in one run.

    cargo build --release -p tailsweep-trainers --example training_speed
    python3 -m venv /tmp/torch && /tmp/torch/bin/pip install torch numpy
    /tmp/torch/bin/python benchmarks/training.py [--rounds N] [--mnist DIR] [ROW …]

Rows: step, measure, program (all of them, if none is named). Each line is made of rounds; in a
round each side runs once, in a process of its own, and a side's figure is the best of its rounds.
Steps are timed by the clock of their one thread, which stands still while others have the core;
measurements, on two threads, by the clock on the wall.
`program` needs the files of MNIST below DIR/mnist.

What PyTorch runs is written from the paper's description of its method: same networks, same data,
same minibatches; gradients of all minibatches are kept in memory, as the published program does.
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/examples/training_speed"
DATA = ROOT / "worker/trainers"
BATCH = 100


# The sides, each in its own process.


def ours(arguments, threads):
    environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    return run([str(OURS), *arguments], environment)


def theirs(arguments, threads):
    return run([sys.executable, __file__, "--torch", str(threads), *arguments], os.environ)


def run(command, environment):
    lines = subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return json.loads(lines)


# What PyTorch does.


def torch_side(threads, arguments):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    what, *rest = arguments
    if what == "step":
        result = {"seconds": torch_step(torch, rest), "peak": status("VmHWM:")}
    elif what == "product":
        result = torch_product(torch)
    elif what == "measure":
        result = torch_measure(torch, int(rest[0]), int(rest[1]))
    else:
        result = {"seconds": torch_program(torch, pathlib.Path(rest[0]))}
    print(json.dumps(result))


def torch_product(torch):
    """The best that the machine does: a large matrix product."""
    n, best = 1536, math.inf
    a, b = torch.randn(n, n), torch.randn(n, n)
    for _ in range(8):
        start = time.thread_time()
        a @ b
        best = min(best, time.thread_time() - start)
    return {"seconds": best, "rate": 2 * n**3 / best}


def fcn(torch, width, depth):
    layers = [torch.nn.Flatten(), torch.nn.Linear(784, width, bias=False)]
    for _ in range(depth - 2):
        layers += [torch.nn.ReLU(), torch.nn.Linear(width, width, bias=False)]
    return torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.Linear(width, 10, bias=False))


def alexnet(torch, channels):
    nn = torch.nn
    hidden = channels * int(1 + math.log2(channels))
    return nn.Sequential(
        nn.Conv2d(3, channels, 4, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(channels, channels, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(),
        nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(channels, hidden), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(hidden, hidden), nn.ReLU(),
        nn.Linear(hidden, 10),
    )


def numbers(torch, path, skip):
    with gzip.open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()[skip:]), dtype=torch.uint8)


def mnist(torch, folder, split):
    images = numbers(torch, folder / f"{split}-images-idx3-ubyte.gz", 16)
    labels = numbers(torch, folder / f"{split}-labels-idx1-ubyte.gz", 8).long()
    images = (images.float() / 255 - 0.1307) / 0.3081
    return batches(images.reshape(-1, 784), labels)


def cifar(torch):
    path = DATA / "tests/golden/cifar-10-batches-bin/data_batch_1.bin.gz"
    records = numbers(torch, path, 0).reshape(-1, 3073)
    mean = torch.tensor([0.491, 0.482, 0.447]).reshape(1, 3, 1, 1)
    deviation = torch.tensor([0.247, 0.243, 0.262]).reshape(1, 3, 1, 1)
    images = (records[:, 1:].float().reshape(-1, 3, 32, 32) / 255 - mean) / deviation
    return batches(images, records[:, 0].long())


def batches(images, labels):
    return list(zip(images.split(BATCH), labels.split(BATCH)))


def torch_step(torch, arguments):
    if arguments[0] == "alexnet":
        model, data = alexnet(torch, int(arguments[1])), cifar(torch)
    else:
        model = fcn(torch, int(arguments[1]), int(arguments[2]))
        data = mnist(torch, DATA / "data/mnist-excerpt", "train")
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = torch.nn.CrossEntropyLoss()
    step = 0

    def some(steps):
        nonlocal step
        start = time.thread_time()
        for _ in range(steps):
            images, labels = data[step % len(data)]
            optimiser.zero_grad()
            criterion(model(images), labels).backward()
            optimiser.step()
            step += 1
        return (time.thread_time() - start) / steps

    some(3)
    steps = math.ceil(0.2 / some(3))
    return min(some(steps) for _ in range(6))


def alpha(torch, noise):
    """The published estimator, in float32 as published."""
    count = noise.numel()
    k1 = max(k for k in range(1, math.isqrt(count) + 1) if count % k == 0)
    sums = noise.reshape(-1, k1).sum(1)
    epsilon = 2.0**-52
    mean = lambda values: torch.log(values.abs() + epsilon).mean()
    return math.log(k1) / (mean(sums) - mean(noise)).item()


def published_measurement(torch, model, data):
    """Loss, accuracy and α of a split, all gradients in memory."""
    criterion = torch.nn.CrossEntropyLoss()
    rows, loss, correct = [], 0.0, 0
    for images, labels in data:
        model.zero_grad()
        outputs = model(images)
        mean = criterion(outputs, labels)
        mean.backward()
        rows.append(torch.cat([p.grad.reshape(-1) for p in model.parameters()]))
        loss += mean.item() * len(labels)
        correct += (outputs.argmax(1) == labels).sum().item()
    rows = torch.stack(rows)
    noise = rows - rows.mean(0)
    norms = noise.norm(dim=1)
    return loss, correct, norms.mean().item(), alpha(torch, noise.reshape(-1))


def torch_measure(torch, width, depth):
    model = fcn(torch, width, depth)
    data = mnist(torch, DATA / "data/mnist-excerpt", "train")
    params = sum(p.numel() for p in model.parameters())
    before, best = status("VmRSS:"), math.inf
    for _ in range(3):
        start = time.perf_counter()
        published_measurement(torch, model, data)
        best = min(best, time.perf_counter() - start)
    floats = (status("VmHWM:") - before) / 4 / params
    return {"seconds": best, "floats_per_parameter": floats}


def torch_program(torch, folder):
    train, test = mnist(torch, folder / "mnist", "train"), mnist(torch, folder / "mnist", "t10k")
    model = fcn(torch, 128, 3)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = torch.nn.CrossEntropyLoss()
    start = time.perf_counter()
    for step in range(301):
        if step % 75 == 0:
            published_measurement(torch, model, train)
            published_measurement(torch, model, test)
        if step < 300:
            images, labels = train[step]
            optimiser.zero_grad()
            criterion(model(images), labels).backward()
            optimiser.step()
    return time.perf_counter() - start


def status(line):
    for text in pathlib.Path("/proc/self/status").read_text().splitlines():
        if text.startswith(line):
            return 1024 * int(text.split()[1])
    return 0


# The table.


def best_of(rounds, *sides):
    """The best of each side, the sides taking turns."""
    results = [[side() for side in sides] for _ in range(rounds)]
    return [min(column, key=lambda r: r["seconds"]) for column in zip(*results)]


def step_flop(words):
    """Floating-point operations of a step: 2 for each multiply-add, three passes; the first layer
    has no gradient of its input."""
    if words[0] == "fcn":
        width, depth = int(words[1]), int(words[2])
        first, later = 784 * width, (depth - 2) * width**2 + 10 * width
    else:
        ch = int(words[1])
        hidden = ch * int(1 + math.log2(ch))
        first = 48 * ch * 289
        later = 25 * ch * ch * 64 + 3 * 9 * ch * ch * 9
        later += ch * hidden + hidden * hidden + 10 * hidden
    return 2 * BATCH * (2 * first + 3 * later)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mnist", type=pathlib.Path)
    parser.add_argument("--torch", nargs=argparse.REMAINDER)
    parser.add_argument("rows", nargs="*")
    options = parser.parse_args()
    if options.torch:
        torch_side(int(options.torch[0]), options.torch[1:])
        return
    rows = options.rows or ["step", "measure", "program"]
    if "step" in rows:
        product = best_of(options.rounds, lambda: theirs(["product"], 1))[0]["rate"]
        print(f"a product of 1536 × 1536 by PyTorch, 1 thread: {product / 1e9:.0f} GFLOP/s\n")
        print("| step, b 100, 1 thread | ours, ms | PyTorch, ms | ratio | GFLOP/s | floor, ms | peak, MiB |")
        print("|---|---|---|---|---|---|---|", flush=True)
        fcns = [f"fcn {width} {depth}" for width in (64, 128, 512) for depth in (3, 5)]
        for line in [*fcns, "alexnet 16", "alexnet 64"]:
            words = ["step", *line.split()]
            a, b = best_of(options.rounds, lambda: ours(words, 1), lambda: theirs(words, 1))
            peaks = f"{a['peak'] / 2**20:.0f}, {b['peak'] / 2**20:.0f}"
            a, b = a["seconds"], b["seconds"]
            flop = step_flop(words[1:])
            print(
                f"| {line} | {1e3 * a:.3f} | {1e3 * b:.3f} | {b / a:.2f} | {flop / a / 1e9:.0f} "
                f"| {1e3 * flop / product:.3f} | {peaks} |",
                flush=True,
            )
    if "measure" in rows:
        print("\n| measurement, 10,000 images, 2 threads | s | against PyTorch | floats per parameter |")
        print("|---|---|---|---|", flush=True)
        for line in ["fcn 512 5", "fcn 128 3"]:
            size = line.split()[1:]
            kinds = [(t, g) for t in ("published", "default") for g in ("kept", "twice")]
            sides = [lambda kind=kind: ours(["measure", *size, *kind], 2) for kind in kinds]
            *found, torch = best_of(
                options.rounds, *sides, lambda: theirs(["measure", *size], 2)
            )
            floats = torch["floats_per_parameter"]
            print(f"| {line}, PyTorch, published | {torch['seconds']:.3f} | 1 | {floats:.0f} |")
            for (treatments, gradients), result in zip(kinds, found):
                ratio = torch["seconds"] / result["seconds"]
                floats = result["floats_per_parameter"]
                print(
                    f"| {line}, {treatments}, gradients {gradients} | {result['seconds']:.3f} "
                    f"| {ratio:.2f} | {floats:.0f} |",
                    flush=True,
                )
    if "program" in rows and options.mnist:
        words = ["program", str(options.mnist)]
        a, b = best_of(options.rounds, lambda: ours(words, 2), lambda: theirs(words, 2))
        a, b = a["seconds"], b["seconds"]
        print("\n| FCN w128 d3, 300 steps, 5 measurements, 2 threads | s |\n|---|---|")
        print(f"| ours | {a:.2f} |\n| PyTorch, data in memory | {b:.2f} |\n| ratio | {b / a:.2f} |")


if __name__ == "__main__":
    main()
