"""Where a run calculates: the GPU where there is one, the CPU otherwise, or what was asked for."""

from __future__ import annotations

import time
from functools import cache

import torch
from torch import nn

from giz.training.nn.errors import TrainingError

# Taken for faster only where it clearly is: what a network learns must not hang on a close race.
FASTER, ROUNDS = 1.15, 4


def device_for(wanted: str = "", *, rank: int = 0, processes: int = 1) -> torch.device:
    """The device of this process.

    Parameters
    ----------
    wanted : "cpu", "cuda" or "cuda:1"; nothing for a GPU where there is one.
    rank, processes : of several processes each takes a GPU of its own, whatever number was asked for.

    Raises
    ------
    TrainingError
        ``no_device``: no such GPU here, or fewer than processes.
    """
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    # By itself it takes GPUs only if there are enough.
    if wanted == "cpu" or (not wanted and found < processes):
        return torch.device("cpu")
    number = rank if processes > 1 else int(wanted.partition(":")[2] or 0)
    if max(number + 1, processes) > found:
        raise TrainingError("no_device", _missing(max(number + 1, processes), found))
    return torch.device("cuda", number)


def _missing(needed: int, found: int) -> str:
    if not found:
        return "The machine that trains has no GPU that torch can use. Take the CPU (device cpu), or name no device."
    return f"{needed} GPUs are needed; torch finds {found} on the machine that trains. Ask for fewer, or for the CPU."


def has_fast_bf16(device: torch.device) -> bool:
    """Whether it is known without a try that bfloat16 is faster here: recent GPUs, CPUs with tiles (AMX)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported())


@cache
def bf16_helps(device: torch.device) -> bool:
    """Whether this device learns faster in bfloat16 than in float32.

    Of CPUs with bfloat16 instructions but no tiles some are faster by a half or more and some slower by as much
    (docs/benchmarks/training.md), so there a convolution is timed.
    """
    if device.type == "cuda" or has_fast_bf16(device):
        return has_fast_bf16(device)
    return bool(torch.cpu._is_avx512_bf16_supported()) and bf16_speed() >= FASTER


def bf16_speed() -> float:
    """How many times as fast as in float32 the CPU runs a convolution and its gradients in bfloat16.

    By CPU time, which hardly grows while others use the machine; the clock's does.
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
