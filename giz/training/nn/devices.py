"""What a device is good at."""

from __future__ import annotations

import torch


def bf16_helps(device: torch.device) -> bool:
    """Whether this device multiplies bfloat16 faster than float32: recent GPUs, and CPUs with tiles (AMX).

    Without tiles model4 takes a fifth longer in bfloat16 (measured, AVX-512 with bf16).
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_amx_tile_supported())
