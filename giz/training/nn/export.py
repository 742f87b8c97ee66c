"""From a trained network to the ONNX file that is served: calibrated, in plain layers, and compared with torch."""

from __future__ import annotations

import json
import logging
import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from giz.training.nn.checkpoint import load_checkpoint, write_durably
from giz.training.nn.data import HIGHEST_DEG, LOWEST_DEG, VIEWS, TrainingData, TrainingError
from giz.training.nn.loop import BEST
from giz.training.nn.metrics import LEVELS, conformal_widths
from giz.training.nn.networks import ServedReference, Trainable, network_for
from giz.training.nn.ours import ORDER, GroupConv, GroupNorm8, OurNet, Served
from giz.training.nn.predictor import CARD_KEY, MODEL_FORMAT, Predictor
from giz.training.nn.validation import Answered, answers, rows_of

OPSET = 18
MOST_DIFFERENT_DEG, MOST_DIFFERENT_SHARE = 0.01, 0.001
TEMPERATURES = np.geomspace(0.25, 8.0, 101)


def best_network(folder: Path) -> Trainable:
    """Load the best weights of a run into a network of their own, on the CPU."""
    found = load_checkpoint(folder, BEST)
    if found is None:
        raise TrainingError("no_checkpoint", f"{folder} contains no finished network yet.")
    tensors, state = found
    network = network_for(state["config"]["network"], state["size_px"])
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as it was trained
    network.load_state_dict(tensors)
    return network.eval()


def served_network(
    data: TrainingData, network: Trainable, rows: npt.NDArray[np.int64] | None = None
) -> Served | ServedReference:
    """Return the network as it is served. Ours is calibrated with all bands and with each alone.

    rows : galaxies to calibrate on, not used in training; default: the validation galaxies.
    """
    if not isinstance(network, OurNet):
        return ServedReference(network).eval()
    rows = rows_of(data, "validation") if rows is None else rows
    found = [answers(data, network, rows, view) for view in VIEWS]
    served = Served(network)
    for number, views in enumerate((found[1:], found[:1])):
        served.widths[number] = torch.from_numpy(_widths(data, views))
    is_rejected = ~data.is_accepted[np.concatenate([view.rows for view in found])]
    served.temperature.fill_(best_temperature(np.concatenate([view.rejected for view in found]), is_rejected))
    return served.eval()


def _widths(data: TrainingData, views: list[Answered]) -> npt.NDArray[np.float64]:
    rows = np.concatenate([view.rows for view in views])
    measured = data.is_accepted[rows]
    answer_deg = np.clip(np.concatenate([view.inclination_deg for view in views])[measured], LOWEST_DEG, HIGHEST_DEG)
    sigma_deg = np.concatenate([view.sigma_deg for view in views])[measured]
    return conformal_widths(answer_deg - data.inclination_deg[rows[measured]], sigma_deg, answer_deg, LEVELS)


def best_temperature(logits: np.ndarray, is_rejected: np.ndarray) -> float:
    """Return the divisor of the logits (n,) that makes the probabilities fit best (Guo et al. 2017)."""
    losses = [np.logaddexp(0.0, np.where(is_rejected, -logits, logits) / t).mean() for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def in_plain_layers(module: nn.Module) -> nn.Module:
    """Return a copy with plain convolutions and batch norms for the layers over the group: the same answers."""
    plain = deepcopy(module)
    for parent in list(plain.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, GroupConv):
                setattr(parent, name, _plain_conv(child))
            elif isinstance(child, GroupNorm8):
                setattr(parent, name, _plain_norm(child))
    return plain.eval()


@torch.no_grad()
def _plain_conv(layer: GroupConv) -> nn.Conv2d:
    filters = layer.filters()
    conv = nn.Conv2d(filters.shape[1], filters.shape[0], layer.kernel, layer.stride, layer.padding, bias=False)
    conv.weight.copy_(filters)
    return conv


@torch.no_grad()
def _plain_norm(layer: GroupNorm8) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(layer.features * ORDER, eps=layer.eps)
    for mine, theirs in ((norm.weight, layer.weight), (norm.bias, layer.bias)):
        mine.copy_(theirs.repeat_interleave(ORDER))
    for buffer, values in ((norm.running_mean, layer.running_mean), (norm.running_var, layer.running_var)):
        if buffer is not None:
            buffer.copy_(values.view(-1, ORDER).mean(1).repeat_interleave(ORDER))
    return norm


def export_onnx(served: nn.Module, path: Path, *, size_px: int, card: dict[str, Any]) -> float:
    """Write the ONNX file with its card inside, and compare its answers with torch's.

    Returns
    -------
    The largest difference, degrees (probability for a network that gives a verdict only).

    Raises
    ------
    TrainingError
        ``export_differs``: by more than 0.01 degrees, or 0.001 in a probability. Then nothing is written.
    """
    import onnx

    ours = isinstance(served, Served)
    plain = in_plain_layers(served)
    inputs = example(size_px, ours)
    names = ["pictures", "present"] if ours else ["pictures"]
    outputs = ["inclination_deg", "half_widths_deg", "rejection", "reasons"] if ours else ["answer"]
    batch = torch.export.Dim("batch", min=1, max=4096)
    # Each of them logs hundreds of steps.
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own parts
        program = torch.onnx.export(
            plain,
            inputs,
            input_names=names,
            output_names=outputs,
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise TrainingError("export_failed", "The export to ONNX produced no file.")
    model = program.model_proto
    onnx.helper.set_model_props(
        model, {CARD_KEY: json.dumps({**card, "format": MODEL_FORMAT, "size_px": size_px}, sort_keys=True)}
    )
    for node in model.graph.node:  # places in the source code: private, and different on other machines
        del node.metadata_props[:]
        node.doc_string = ""
    data = model.SerializeToString(deterministic=True)
    difference = _difference(served, Predictor(data), size_px)
    write_durably(path, data)
    return difference


def write_card(source: Path, path: Path, card: dict[str, Any]) -> None:
    """Write a copy of a network's file with another card inside, such as one with its figures."""
    import onnx

    model = onnx.load(source)
    inside = next(entry for entry in model.metadata_props if entry.key == CARD_KEY)
    kept = {key: value for key, value in json.loads(inside.value).items() if key in ("format", "size_px")}
    inside.value = json.dumps({**card, **kept}, sort_keys=True)
    write_durably(path, model.SerializeToString(deterministic=True))


def example(size_px: int, ours: bool, count: int = 2) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(7)
    pictures = torch.rand((count, 6 if ours else 3, size_px, size_px), generator=generator)
    present = torch.ones((count, 4))
    present[1::2, :3] = 0.0
    return (pictures, present) if ours else (pictures,)


@torch.inference_mode()
def _difference(served: nn.Module, predictor: Predictor, size_px: int) -> float:
    inputs = example(size_px, isinstance(served, Served), 16)
    theirs = predictor.run(*(value.numpy() for value in inputs))
    mine = served(*inputs)
    pairs = list(zip(mine if isinstance(mine, tuple) else (mine,), theirs, strict=True))
    differences = [float(np.abs(one.numpy() - other).max()) for one, other in pairs]
    measures = isinstance(served, Served) or float(np.abs(theirs[0]).max()) > 1.0
    limit = MOST_DIFFERENT_DEG if measures else MOST_DIFFERENT_SHARE
    if not differences[0] <= limit or any(difference > MOST_DIFFERENT_DEG for difference in differences[1:]):
        raise TrainingError("export_differs", f"ONNX and torch differ by {max(differences):.4f}; at most {limit}.")
    return differences[0]
