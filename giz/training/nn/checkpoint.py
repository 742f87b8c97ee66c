"""Checkpoints: safetensors with a JSON file beside, either complete and checked or absent. Never pickles."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors.torch import load, save
from torch import Tensor

from giz.core.machine import sync_folder
from giz.labelset.files import whole_file
from giz.training.nn.data import TrainingError

FORMAT = "giz-checkpoint-1"


def save_checkpoint(folder: Path, name: str, tensors: dict[str, Tensor], state: dict[str, Any]) -> str:
    """Write tensors and state under `name`, replacing the previous ones; returns the SHA-256 of the tensors.

    The JSON names the file of tensors by its checksum and is renamed last: whenever the writer is killed, either the
    old pair or the new one is complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = save({key: value.detach().cpu().contiguous() for key, value in tensors.items()})
    digest = hashlib.sha256(data).hexdigest()
    tensors_name = f"{name}-{digest[:16]}.safetensors"
    write_durably(folder / tensors_name, data)
    pointer = {"format": FORMAT, "tensors": tensors_name, "sha256": digest, "state": state}
    write_durably(folder / f"{name}.json", json.dumps(pointer, sort_keys=True, allow_nan=False).encode())
    for old in folder.glob(f"{name}-*.safetensors"):
        if old.name != tensors_name:
            old.unlink(missing_ok=True)
    return digest


def load_checkpoint(folder: Path, name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Load tensors and state saved under `name`; None if nothing was saved.

    Raises
    ------
    TrainingError
        ``bad_checkpoint``: another format, truncated or changed.
    """
    pointer_path = folder / f"{name}.json"
    if not pointer_path.exists():
        return None
    try:
        pointer = json.loads(pointer_path.read_bytes())
        if pointer["format"] != FORMAT or Path(pointer["tensors"]).name != pointer["tensors"]:
            raise ValueError("another format")
        data = (folder / pointer["tensors"]).read_bytes()
        if hashlib.sha256(data).hexdigest() != pointer["sha256"]:
            raise ValueError("its checksum does not match")
        return load(data), dict(pointer["state"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            "bad_checkpoint", f"The checkpoint {pointer_path} can't be used ({error}). Remove it to start again."
        ) from None


def checkpoint_digest(folder: Path, name: str) -> str:
    """Return the SHA-256 of the tensors saved under `name`, as stated in their JSON."""
    return str(json.loads((folder / f"{name}.json").read_bytes())["sha256"])


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that appears under its name only when complete, and sync its folder."""
    with whole_file(path) as out:
        out.write(data)
    sync_folder(path.parent)
