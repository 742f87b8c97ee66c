"""Several processes train one network: each takes its share of every batch, and all hold the same weights.

DistributedDataParallel averages the gradients, and batch norm takes the statistics of the whole batch (`share_norms`):
a step equals that of one process but for rounding and the random numbers of dropout. torch's own SyncBatchNorm does not
run on a CPU, and what is tested there should be what runs on GPUs.
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

from giz.training.nn.batches import Sample
from giz.training.nn.networks import Trainable
from giz.training.nn.ours import GroupNorm8

T = TypeVar("T")
# The others wait while the main process validates; torchrun itself notices when a process has died.
TIMEOUT = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a run: the number of this one, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the process that validates, writes files and reports."""
        return self.rank == 0

    def agree(self, value: T) -> T:
        """Return the main process's value in every process."""
        if self.size == 1:
            return value
        shared = [value]
        dist.broadcast_object_list(shared, src=0)
        return shared[0]

    def mean(self, value: Tensor) -> float:
        """Return the mean of a number over the processes; NaN if one of them is."""
        mean = value.detach().double()
        if self.size > 1:
            dist.all_reduce(mean)
        return float(mean) / self.size


def joined_group(device_type: str) -> Group:
    """Join the group that torchrun has started this process in."""
    dist.init_process_group("nccl" if device_type == "cuda" else "gloo", timeout=TIMEOUT)
    return Group(dist.get_rank(), dist.get_world_size())


class _Loss(nn.Module):
    """The loss of a network as a module's `forward`, as DistributedDataParallel needs it."""

    def __init__(self, network: Trainable) -> None:
        super().__init__()
        self.network = network

    def forward(self, sample: Sample) -> Tensor:
        return self.network.loss(sample)


def shared_loss(network: Trainable) -> nn.Module:
    """Return the loss of one process's share of a batch, whose gradients are averaged over all processes."""
    share_norms(network)
    return DistributedDataParallel(_Loss(network), broadcast_buffers=False)


class SharedNorm2d(nn.BatchNorm2d):
    """Batch norm over the batches of all processes."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        running = cast(Tensor, self.running_mean), cast(Tensor, self.running_var)
        return shared_norm(x, *running, self.weight, self.bias, cast(float, self.momentum), self.eps)


class SharedGroupNorm8(GroupNorm8):
    """The same for the layers of our network."""

    def learn(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return shared_norm(x, self.running_mean, self.running_var, scale, shift, self.momentum, self.eps)


def share_norms(network: nn.Module) -> None:
    """Have every batch norm of a network use the batches of all processes; weights and their names stay."""
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedNorm2d
        elif type(module) is GroupNorm8:
            module.__class__ = SharedGroupNorm8


def shared_norm(
    x: Tensor, running_mean: Tensor, running_var: Tensor, scale: Tensor, shift: Tensor, momentum: float, eps: float
) -> Tensor:
    """Batch norm of (n, c, H, W) in training, by mean and variance over all processes, which have n pictures each."""
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
