"""How each kind of network learns and answers: what it sees of a sample, its loss, its predictions in plain units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from giz.training.nn.data import BANDS, CHANNEL_COUNT, CHANNELS
from giz.training.nn.errors import TrainingError
from giz.training.nn.feed import Sample
from giz.training.nn.names import OURS, Task, check_network, task_of
from giz.training.nn.networks import HALF_RANGE_DEG, ReferenceNet
from giz.training.nn.ours import OurNet, joined_answers

# The bins teach the whole distribution, this the number that is published.
MEAN_LOSS_SHARE = 0.02
VERDICT_LOSS_SHARE, REASON_LOSS_SHARE = 0.5, 0.3
# (bands, 3) the channels that a network of three channels sees of each band.
_THREE_OF_BAND = torch.tensor([(3 * [*range(CHANNEL_COUNT)[CHANNELS[band]]])[:3] for band in BANDS])


@dataclass(frozen=True, eq=False)
class Predictions:
    """Answers about n pictures, on the CPU. Missing answers (a network that does not measure) are None.

    inclination_deg, sigma_deg : (n,). rejected : (n,) logit. reasons : (n, 9) logits.
    """

    inclination_deg: Tensor | None = None
    sigma_deg: Tensor | None = None
    rejected: Tensor | None = None
    reasons: Tensor | None = None


class Learner(Protocol):
    """A network with its loss."""

    @property
    def network(self) -> nn.Module: ...

    @property
    def task(self) -> Task: ...

    @property
    def all_bands(self) -> bool: ...

    def loss(self, sample: Sample) -> Tensor: ...

    def predict(self, network: nn.Module, sample: Sample) -> Predictions: ...


def learner_for(name: str, size_px: int) -> Learner:
    """The learner of this network.

    Raises
    ------
    TrainingError
        ``unknown_network``, ``bad_size``.
    """
    check_network(name, size_px)
    if name == OURS:
        if size_px % 16:
            raise TrainingError("bad_size", f"Pictures must have a side of a multiple of 16 px; these have {size_px}.")
        return OurLearner()
    return ReferenceLearner(name.partition("-")[0], task_of(name))


class OurLearner:
    """All bands at once, inclination, verdict and reasons together."""

    task: Task = "both"
    all_bands = True

    def __init__(self) -> None:
        self.network = OurNet()

    def loss(self, sample: Sample) -> Tensor:
        answers = self.network(sample.pictures, sample.present)
        measured, truth_deg = sample.is_measured, sample.inclination_deg[sample.is_measured]
        bins = answers.bins[measured]
        inclination = functional.cross_entropy(bins, self.network.soft_labels(truth_deg))
        mean_deg = (torch.softmax(bins, 1) * self.network.degrees).sum(1)
        published = functional.smooth_l1_loss(mean_deg, truth_deg, beta=2.0)
        # As much weight on the rejected as on the accepted, though there are three times fewer.
        rejected = (~measured).float()
        weight = torch.where(measured, 0.5 / measured.sum(), 0.5 / rejected.sum())
        verdict = functional.binary_cross_entropy_with_logits(answers.rejected, rejected, weight, reduction="sum")
        reasons = functional.binary_cross_entropy_with_logits(answers.reasons[~measured], sample.reasons[~measured])
        return inclination + MEAN_LOSS_SHARE * published + VERDICT_LOSS_SHARE * verdict + REASON_LOSS_SHARE * reasons

    def predict(self, network: nn.Module, sample: Sample) -> Predictions:
        said = joined_answers(cast(OurNet, network), sample.pictures, sample.present)
        return Predictions(said.mean_deg, said.sigma_deg, said.rejected, said.reasons)


class ReferenceLearner:
    """One band at a time in three channels: mean squared error of the scaled inclination, or cross-entropy."""

    all_bands = False

    def __init__(self, name: str, task: Task) -> None:
        self.network = ReferenceNet(name, binary=task == "verdict")
        self.task = task

    def loss(self, sample: Sample) -> Tensor:
        answers = self.network(three_channels(sample))
        if self.network.is_binary:
            return functional.cross_entropy(answers.float(), (~sample.is_measured).long())
        return functional.mse_loss(answers / HALF_RANGE_DEG, sample.inclination_deg / HALF_RANGE_DEG)

    def predict(self, network: nn.Module, sample: Sample) -> Predictions:
        answers = network(three_channels(sample)).float()
        if self.network.is_binary:
            return Predictions(rejected=answers[:, 1] - answers[:, 0])
        return Predictions(inclination_deg=answers)


def three_channels(sample: Sample) -> Tensor:
    """The main band of each picture: colour as it is, a grey three times."""
    rows, channels = torch.arange(len(sample.pictures)).unsqueeze(1), _THREE_OF_BAND[sample.main_band.cpu()]
    return sample.pictures[rows, channels].contiguous(memory_format=torch.channels_last)
