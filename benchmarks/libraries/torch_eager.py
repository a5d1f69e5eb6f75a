"""PyTorch, eager: fused Adam, no DataLoader, gradients dropped rather than zeroed."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.cases import Case
from benchmarks.machine import thread_counts

Calls = dict[str, Callable[[], None]]
BATCHES = (256, 1024, 4096, 16_384)


def module(sizes: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def batches(X: Tensor, y: Tensor, size: int, gather: str) -> "zip[tuple[Tensor, Tensor]]":
    """Shuffled rows, taken once an epoch or batch by batch."""
    order = torch.randperm(len(X))
    if gather == "once":
        return zip(X[order].split(size), y[order].split(size), strict=True)
    parts = order.split(size)
    return zip(
        (X.index_select(0, rows) for rows in parts),
        (y.index_select(0, rows) for rows in parts),
        strict=True,
    )


def call(case: Case, X: Tensor, y: Tensor, gather: str, threads: int) -> Callable[[], None]:
    network = module(case.sizes)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

    def train() -> None:
        torch.set_num_threads(threads)
        for _ in range(case.epochs):
            for x, target in batches(X, y, case.batch, gather):
                optimizer.zero_grad(set_to_none=True)
                nn.functional.cross_entropy(network(x), target).backward()
                optimizer.step()

    return train


def training(case: Case) -> Calls:
    X, y = (torch.from_numpy(part) for part in case.data())
    return {
        f"gather {gather}, threads {threads}": call(case, X, y, gather, threads)
        for gather in ("once", "each step")
        for threads in thread_counts()
    }


def many(case: Case, networks: int) -> Calls:
    """One network after the other."""
    X, y = (torch.from_numpy(part) for part in case.data())
    calls = [call(case, X, y, "once", 1) for _ in range(networks)]
    return {"a loop, threads 1": lambda: [train() for train in calls] and None}


def many_stacked(case: Case, networks: int) -> Calls:
    """All as one network of stacked matrices, which its author has to write."""
    return {
        f"baddbmm, threads {threads}": stacked(case, networks, threads)
        for threads in thread_counts()
    }


def stacked(case: Case, networks: int, threads: int) -> Callable[[], None]:
    X, y = (torch.from_numpy(part) for part in case.data())
    drawn = [case.weights(seed) for seed in range(networks)]
    layers = [
        tuple(
            torch.from_numpy(np.stack([one[layer][part] for one in drawn])).requires_grad_()
            for part in (0, 1)
        )
        for layer in range(len(case.sizes) - 1)
    ]
    optimizer = torch.optim.Adam([one for layer in layers for one in layer], lr=1e-3, fused=True)

    def forward(x: Tensor) -> Tensor:
        for kernel, bias in layers[:-1]:
            x = torch.baddbmm(bias.unsqueeze(1), x, kernel).relu()
        kernel, bias = layers[-1]
        return torch.baddbmm(bias.unsqueeze(1), x, kernel)

    def train() -> None:
        torch.set_num_threads(threads)
        for _ in range(case.epochs):
            orders = torch.stack([torch.randperm(case.rows) for _ in range(networks)])
            rows, targets = X[orders].split(case.batch, 1), y[orders].split(case.batch, 1)
            for x, target in zip(rows, targets, strict=True):
                optimizer.zero_grad(set_to_none=True)
                logits = forward(x)
                losses = nn.functional.cross_entropy(
                    logits.flatten(0, 1), target.flatten(), reduction="sum"
                )
                (losses / x.shape[1]).backward()
                optimizer.step()

    return train


def prediction(sizes: tuple[int, ...], rows: int) -> Calls:
    """Probabilities of NumPy rows as a NumPy array, in batches of several sizes."""
    network = nn.Sequential(*module(sizes), nn.Softmax(1)).eval()
    X = np.random.default_rng(0).standard_normal((rows, sizes[0]), dtype=np.float32)

    def call(batch: int, threads: int) -> Callable[[], None]:
        def predict() -> None:
            torch.set_num_threads(threads)
            with torch.inference_mode():
                data, found = torch.from_numpy(X), torch.empty(rows, sizes[-1])
                for start in range(0, rows, batch):
                    found[start : start + batch] = network(data[start : start + batch])
                found.numpy()

        return predict

    return {
        f"{size} rows a batch, threads {threads}": call(size, threads)
        for size in sorted({min(size, rows) for size in BATCHES})
        for threads in thread_counts()
    }
