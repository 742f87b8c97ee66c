"""Read our network back from its ONNX file, to train it further: the inverse of `giz.training.nn.export`.

In the file each batch norm is part of the convolution before it, so its scale is known only together with the weights.
Pictures from the label set give the norms back the mean and variance that they need in training.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from giz.training.nn.batches import Sample
from giz.training.nn.data import TrainingError
from giz.training.nn.kinds import OURS
from giz.training.nn.ours import ORDER, GroupConv, GroupNorm8, OurNet
from giz.training.nn.predictor import CARD_KEY


@torch.no_grad()
def restore(network: nn.Module, model: Path, sample: Sample) -> str:
    """Set the weights of a new network to those in the file; returns the file's SHA-256.

    sample : pictures of the label set to train on, from which the statistics of the norms are taken.

    Raises
    ------
    TrainingError
        ``bad_model``: not a file of our network; ``another_run``: for another size of pictures.
    """
    import onnx
    from onnx import numpy_helper

    data = model.read_bytes()
    try:
        file = onnx.load_from_string(data)
        card = json.loads(next(entry.value for entry in file.metadata_props if entry.key == CARD_KEY))
    except Exception as error:  # noqa: BLE001 - protobuf raises many kinds on damaged files
        raise TrainingError("bad_model", f"{model} is not a network of GIZ ({type(error).__name__}).") from None
    if card.get("network") != OURS or not isinstance(network, OurNet):
        raise TrainingError("bad_model", f"Training can only start from the network {OURS!r}.")
    if card["size_px"] != sample.pictures.shape[-1]:
        words = f"{model} takes pictures of {card['size_px']} px; the label set has {sample.pictures.shape[-1]} px."
        raise TrainingError("another_run", words)
    found = {entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy()) for entry in file.graph.initializer}
    try:
        folded = _set_weights(network, found)
    except (KeyError, RuntimeError) as error:
        raise TrainingError("bad_model", f"{model} holds other weights ({error}).") from None
    _set_statistics(network, folded, sample)
    return hashlib.sha256(data).hexdigest()


def _set_weights(network: OurNet, found: dict[str, Tensor]) -> dict[GroupNorm8, Tensor]:
    """Copy the weights of the file; returns the shifts of norms that are folded into convolutions."""
    folded: dict[GroupNorm8, Tensor] = {}
    for name, module in network.named_modules():
        if isinstance(module, GroupConv):
            shape = (module.out, ORDER, module.into, module.group_in * module.kernel**2)
            # Of the eight filters of a feature the first is the one that is neither turned nor mirrored.
            module.weight.copy_(found[f"network.{name}.weight"].reshape(shape)[:, 0])
        elif isinstance(module, GroupNorm8) and f"network.{name}.weight" in found:
            module.weight.copy_(found[f"network.{name}.weight"][::ORDER])
            module.bias.copy_(found[f"network.{name}.bias"][::ORDER])
            module.running_mean.copy_(found[f"network.{name}.running_mean"])
            module.running_var.copy_(found[f"network.{name}.running_var"])
        elif isinstance(module, GroupNorm8):
            convolution = "last" if name == "last_norm" else name.replace("norm", "conv")
            folded[module] = found[f"network.{convolution}.weight_bias"][::ORDER]
            module.bias.copy_(folded[module])
            module.running_var.fill_(1.0 - module.eps)  # leaves its input as it is
        elif isinstance(module, nn.Linear):
            module.weight.copy_(found[f"network.{name}.weight"])
            module.bias.copy_(found[f"network.{name}.bias"])
    return folded


def _set_statistics(network: OurNet, folded: dict[GroupNorm8, Tensor], sample: Sample) -> None:
    """Give folded norms the mean and variance of their input, without changing what the network answers."""
    seen: dict[GroupNorm8, tuple[Tensor, Tensor]] = {}

    def note(norm: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(norm, GroupNorm8)
        by_feature = inputs[0].unflatten(1, (norm.features, ORDER)).float()
        variance, mean = torch.var_mean(by_feature, dim=(0, 2, 3, 4), correction=0)
        seen[norm] = mean, variance

    handles = [norm.register_forward_pre_hook(note) for norm in folded]
    network.eval()(sample.pictures, sample.present)
    for handle in handles:
        handle.remove()
    for norm, shift in folded.items():
        mean, variance = seen[norm]
        norm.running_mean.copy_(mean.repeat_interleave(ORDER))
        norm.running_var.copy_(variance.repeat_interleave(ORDER))
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(shift.to(mean.device) + mean)
