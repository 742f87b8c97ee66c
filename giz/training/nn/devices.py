"""Where and in which precision a run computes: the GPU if there is one, otherwise the CPU, or what was asked for."""

from __future__ import annotations

import time
from functools import cache

import torch
from torch import nn

from giz.training.nn.data import TrainingError

# bfloat16 counts as faster only if it clearly is: what a network learns must not depend on a close race.
FASTER, ROUNDS = 1.15, 4


def device_for(wanted: str = "", *, rank: int = 0, processes: int = 1) -> torch.device:
    """Return the device of this process.

    Parameters
    ----------
    wanted : "cpu", "cuda" or "cuda:1"; empty for a GPU if there is one.
    rank, processes : each of several processes takes its own GPU, whatever number was asked for.

    Raises
    ------
    TrainingError
        ``no_device``: there is no such GPU, or fewer than processes.
    """
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    # If no device is named, GPUs are used only if there are enough of them.
    if wanted == "cpu" or (not wanted and found < processes):
        return torch.device("cpu")
    number = rank if processes > 1 else int(wanted.partition(":")[2] or 0)
    needed = max(number + 1, processes)
    if not found:
        words = "The machine that trains has no GPU that torch can use. Choose the CPU (device cpu), or leave it empty."
        raise TrainingError("no_device", words)
    if needed > found:
        words = f"{needed} GPUs are needed; torch finds {found} on the machine that trains. Use fewer, or the CPU."
        raise TrainingError("no_device", words)
    return torch.device("cuda", number)


def has_fast_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is known to be faster here without timing it: recent GPUs, CPUs with tiles (AMX)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported())


@cache
def bf16_helps(device: torch.device) -> bool:
    """Whether this device trains faster in bfloat16 than in float32.

    Among CPUs with bfloat16 instructions but no tiles, some are faster by a half or more and some slower by as much
    (docs/benchmarks/training.md), so a convolution is timed on those.
    """
    if device.type == "cuda" or has_fast_bf16(device):
        return has_fast_bf16(device)
    return bool(torch.cpu._is_avx512_bf16_supported()) and bf16_speed() >= FASTER


def bf16_speed() -> float:
    """Return how many times faster than in float32 the CPU runs a convolution and its gradients in bfloat16.

    Measured in CPU time, which, unlike wall time, hardly grows while other programs use the machine.
    """
    fp32_s: list[float] = []
    bf16_s: list[float] = []
    with torch.random.fork_rng(devices=[]):
        layer = nn.Conv2d(32, 32, 3).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        pictures = torch.randn(16, 32, 64, 64).to(memory_format=torch.channels_last).requires_grad_()
    for _ in range(ROUNDS):
        for times, is_bf16 in ((fp32_s, False), (bf16_s, True)):
            start = time.process_time()
            with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
                answers = layer(layer(pictures))
            answers.float().square().mean().backward()
            times.append(time.process_time() - start)
    return float(min(fp32_s) / min(bf16_s))
