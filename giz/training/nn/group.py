"""Several processes, one run: each takes its share of every batch, and all of them hold the same network.

The gradients are averaged by DistributedDataParallel; batch norm looks at the whole batch (`share_norms`): so a step is
that of one process, but for rounding and for the draws of dropout. torch's own SyncBatchNorm knows no CPU, and what is
tested there should be what runs on GPUs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.nn.functional import all_reduce
from torch.nn.parallel import DistributedDataParallel

from giz.training.nn.equivariant import GroupNorm8
from giz.training.nn.feed import Sample
from giz.training.nn.learners import Learner

T = TypeVar("T")
# The others wait while the main process validates; torchrun notices by itself when a process has died.
PATIENCE = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a run: this one's number, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the one that validates, writes files and speaks."""
        return self.rank == 0

    def agree(self, value: T) -> T:
        """What the main process says, in every process."""
        if self.size == 1:
            return value
        said = [value]
        dist.broadcast_object_list(said, src=0)
        return said[0]

    def mean(self, value: Tensor) -> float:
        """The mean of a number over the processes; NaN where one of them is."""
        mean = value.detach().double()
        if self.size > 1:
            dist.all_reduce(mean)
        return float(mean) / self.size


def joined_group(device_type: str) -> Group:
    """The group that torchrun has started this process in."""
    dist.init_process_group("nccl" if device_type == "cuda" else "gloo", timeout=PATIENCE)
    return Group(dist.get_rank(), dist.get_world_size())


class LossOf(nn.Module):
    """The loss of a learner as a module, which is what DistributedDataParallel wants."""

    def __init__(self, learner: Learner) -> None:
        super().__init__()
        self.network = learner.network
        self._loss = learner.loss

    def forward(self, sample: Sample) -> Tensor:
        return self._loss(sample)


def loss_of(learner: Learner, group: Group) -> nn.Module:
    """The loss as one process sees it, or with gradients averaged over all of them."""
    loss = LossOf(learner)
    if group.size == 1:
        return loss
    share_norms(learner.network)
    return DistributedDataParallel(loss, broadcast_buffers=False)


class SharedNorm2d(nn.BatchNorm2d):
    """Batch norm over the batches of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        running = cast(Tensor, self.running_mean), cast(Tensor, self.running_var)
        return shared_norm(x, *running, self.weight, self.bias, cast(float, self.momentum), self.eps)


class SharedGroupNorm8(GroupNorm8):
    """The same for layers over the group."""

    def learn(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return shared_norm(x, self.running_mean, self.running_var, scale, shift, self.momentum, self.eps)


def share_norms(network: nn.Module) -> None:
    """Have every batch norm of a network look at the batches of all processes; weights and their names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedNorm2d
        elif type(module) is GroupNorm8:
            module.__class__ = SharedGroupNorm8


def shared_norm(
    x: Tensor, running_mean: Tensor, running_var: Tensor, scale: Tensor, shift: Tensor, momentum: float, eps: float
) -> Tensor:
    """Batch norm of (n, c, H, W) in training, mean and variance over all processes; each has as many pictures."""
    channels, count = x.shape[1], x.numel() // x.shape[1] * dist.get_world_size()
    mine = torch.var_mean(x.float(), dim=(0, 2, 3), correction=0)
    variance, mean = (values.double() for values in mine)
    total = cast(Tensor, all_reduce(torch.cat([mean, variance + mean**2])))  # type: ignore[no-untyped-call]
    total = total / dist.get_world_size()
    mean = total[:channels]
    variance = total[channels:] - mean**2
    with torch.no_grad():
        running_mean.lerp_(mean.to(running_mean.dtype), momentum)
        running_var.lerp_((variance * count / (count - 1)).to(running_var.dtype), momentum)
    factor = scale * torch.rsqrt(variance + eps)
    offset = shift - mean * factor
    view = (1, channels, 1, 1)
    normed: Tensor = x * factor.to(x.dtype).view(view) + offset.to(x.dtype).view(view)
    return normed
