"""Where a run calculates: the GPU where there is one, the CPU otherwise, or what was asked for."""

from __future__ import annotations

import torch

from giz.training.nn.errors import TrainingError


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


def bf16_helps(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 faster than float32: recent GPUs, and CPUs with tiles (AMX).

    Without tiles model4 takes a fifth longer in bfloat16 (measured, AVX-512 with bf16).
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported())
