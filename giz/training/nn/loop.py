"""The training loop: plain torch, resumes exactly where it was killed, stops early, keeps best and last weights apart.

To read training as a whole: the networks and their losses (`ours`, or the original's in `networks`), what a batch is
(`batches`), and this file.

Every step is a pure function of (weights, seed, number of the step), batch, augmentation and dropout included. So an
interrupted run ends with the same weights as an uninterrupted one, on one device with the same number of threads.
Several processes may share each batch (`giz.training.nn.group`); such a run is the same but for rounding.
"""

from __future__ import annotations

import ctypes
import json
import math
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from giz.training.nn.augment import FRAMED, Augmentation, Augmenter, augmentation_for
from giz.training.nn.batches import BatchPlan, Sample, feed, joined, make_sample
from giz.training.nn.checkpoint import checkpoint_digest, load_checkpoint, save_checkpoint
from giz.training.nn.data import TrainingData, TrainingError
from giz.training.nn.devices import bf16_helps, has_fast_bf16
from giz.training.nn.group import Group, shared_loss
from giz.training.nn.kinds import OURS, Layers, usual_size
from giz.training.nn.networks import network_for
from giz.training.nn.ours import OurNet
from giz.training.nn.restore import restore
from giz.training.nn.validation import Score, validate

LAST, BEST = "last", "best"
TIMED_STEPS, SKIPPED_STEPS = 12, 2
# glibc's mallopt: from which size on freed memory returns to the system at once, and how much is kept.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

# (done, total, message) after every step; may raise to stop the run, which can be resumed.
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything besides the label set that decides what a run learns.

    minutes : how long to train; the number of steps follows from the speed of the first ones. steps : given instead.
    batch_size, learning_rate : 0 for the default of the network.
    average : decay of the running average of the weights, which is what is validated and exported.
    patience : validations without improvement before the run stops early; 0 for never.
    bf16 : compute in bfloat16 where that is faster (`bf16_helps`).
    even_degrees : see `BatchPlan`.
    layers : ``last`` leaves all but the last layers as they were, statistics of batch norm included (ours only).
    augmentation : None for the default for the galaxies of the label set (`augmentation_for`).
    """

    network: str = OURS
    flavour: int = 0
    seed: int = 1
    minutes: float = 0.0
    steps: int = 0
    batch_size: int = 0
    learning_rate: float = 0.0
    weight_decay: float = 0.02
    average: float = 0.997
    validations: int = 20
    patience: int = 8
    bf16: bool = True
    workers: int = 1
    even_degrees: bool = True
    layers: Layers = "all"
    augmentation: Augmentation | None = None


@dataclass
class RunState:
    """The progress of a run.

    losses : of the steps since the last validation. bf16 : whether the run computes in bfloat16, kept when it resumes.
    """

    step: int = 0
    steps: int = 0
    best: dict[str, Any] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    bad_validations: int = 0
    stopped_early: bool = False
    bf16: bool | None = None


class Trainer:
    """One run in one folder; made again over the same folder, it resumes from the last checkpoint.

    begin : folder of another run, or a network's ONNX file, whose weights are the initial ones of this run.
    beside : synthetic galaxies that make up half of each batch, so that what is known of them is not forgotten.
    """

    def __init__(
        self,
        data: TrainingData,
        config: TrainConfig,
        folder: Path,
        device: str | torch.device = "cpu",
        group: Group | None = None,
        begin: Path | None = None,
        beside: TrainingData | None = None,
    ) -> None:
        if bool(config.minutes) == bool(config.steps) or config.minutes < 0 or config.steps < 0:
            raise TrainingError("bad_length", "Give either the number of minutes or the number of steps to train.")
        how = config.augmentation or augmentation_for(data.labelset.manifest["origin"])
        self.data, self.config, self.folder = data, replace(config, augmentation=how), folder
        self.device, self.group = torch.device(device), group or Group()
        torch.manual_seed(config.seed)
        self.network = network_for(config.network, data.size_px)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        if config.layers == "last":
            if not isinstance(self.network, OurNet):
                raise TrainingError("bad_layers", f"The last layers can be trained alone only in {OURS!r}.")
            self.network.learn_last_layers_only()
        self.plan = self._plan(data, beside is not None)
        self.augmenter = Augmenter(how, self.device)
        self.beside = beside
        self.begun_from = "" if begin is None else self._begin(begin)
        self.average = deepcopy(self.network).eval()
        self.optimizer = _optimizer(self.network, config)
        self.state = RunState(steps=config.steps)
        self._resume()
        if self.state.bf16 is None:
            keep_memory()  # otherwise the timing measures how fast the system allocates memory
            self.state.bf16 = self.group.agree(self.group.is_main and config.bf16 and bf16_helps(self.device))
        self._loss = self.network.loss if self.group.size == 1 else shared_loss(self.network)

    def _plan(self, data: TrainingData, is_half: bool) -> BatchPlan:
        config, task = self.config, self.network.task
        return BatchPlan(
            data,
            task=task,
            size=config.batch_size or usual_size(task),
            seed=config.seed,
            all_bands=self.network.all_bands,
            even_degrees=config.even_degrees,
            flavour=config.flavour,
            rank=self.group.rank,
            # Half of a batch is what each of twice as many processes would be given.
            processes=self.group.size * (2 if is_half else 1),
            may_lack=is_half,
        )

    # --- the run ------------------------------------------------------------------------------------------------------
    def fit(self, on_progress: OnProgress | None = None, *, checkpoint_seconds: float = 60.0) -> RunState:
        """Train to the end and return the state with its history; `on_progress` may raise to interrupt the run."""
        keep_memory()
        if not self.state.steps:
            self.state.steps = self._steps_in(self.config.minutes)
        state, saved = self.state, time.monotonic()
        every = max(1, state.steps // self.config.validations)
        for sample in () if state.stopped_early else self._samples(state.step, state.steps):
            state.losses.append(self._step(sample))
            state.step += 1
            if state.step % every == 0 or state.step == state.steps:
                self._validate()
                self.save()
                saved = time.monotonic()
            elif time.monotonic() - saved > checkpoint_seconds:
                self.save()
                saved = time.monotonic()
            if on_progress:
                on_progress(state.step, state.steps, self._message())
            if state.stopped_early:
                break
        return state

    def _samples(self, start: int, stop: int) -> Iterator[Sample]:
        workers = self.config.workers
        mine = feed(self.data, self.plan, self.augmenter, start=start, stop=stop, workers=workers)
        if self.beside is None:
            return mine
        augmenter = Augmenter(FRAMED, self.device)
        plan = self._plan(self.beside, is_half=True)
        others = feed(self.beside, plan, augmenter, start=start, stop=stop, workers=workers)
        return (joined(parts) for parts in zip(mine, others, strict=True))

    def _step(self, sample: Sample) -> float:
        network, state = self.network, self.state
        torch.manual_seed(self.config.seed * 1_000_003 + state.step + self.group.rank * 7_919_000_000)
        share = state.step / state.steps
        peak_rate = self.config.learning_rate or (4e-3 if self.config.network == OURS else 1e-3)
        for group in self.optimizer.param_groups:
            group["lr"] = peak_rate * one_cycle(share)
        network.train(self.config.layers == "all")
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bool(state.bf16)):
            loss = self._loss(sample)
        mean_loss = self.group.mean(loss)
        if not math.isfinite(mean_loss):
            raise TrainingError("diverged", f"The loss is not a number at step {state.step}. Lower the learning rate.")
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        self.optimizer.step()
        follow(self.average, network, min(self.config.average, (1 + state.step) / (10 + state.step)))
        return mean_loss

    def _validate(self) -> None:
        state = self.state
        loss, state.losses = sum(state.losses) / len(state.losses), []
        mine = validate(self.data, self.average, self.device) if self.group.is_main else None
        score = cast(Score, self.group.agree(mine))
        is_best = state.best is None or score.value < state.best["value"]
        state.history.append({"step": state.step, "loss": round(loss, 5), **score.as_json()})
        if is_best:
            state.best, state.bad_validations = {"step": state.step, **score.as_json()}, 0
            if self.group.is_main:
                save_checkpoint(self.folder, BEST, dict(self.average.state_dict()), self._described())
        else:
            state.bad_validations += 1
            state.stopped_early = 0 < self.config.patience <= state.bad_validations

    def _message(self) -> str:
        best = self.state.best
        return "" if best is None else f"validation {best['words']} (step {best['step']})"

    def _steps_in(self, minutes: float) -> int:
        """Return how many steps fit, from the speed of the first few, which are then undone."""
        before = deepcopy(self.network.state_dict())
        optimizer = deepcopy(self.optimizer.state_dict())
        average = deepcopy(self.average.state_dict())
        self.state.steps = 10_000
        started = 0.0
        for number, sample in enumerate(self._samples(0, TIMED_STEPS)):
            if number == SKIPPED_STEPS:
                started = time.monotonic()
            self._step(sample)
        seconds = (time.monotonic() - started) / (TIMED_STEPS - SKIPPED_STEPS)
        self.network.load_state_dict(before)
        self.optimizer.load_state_dict(optimizer)
        self.average.load_state_dict(average)
        return self.group.agree(max(20, int(60 * minutes / seconds)))

    # --- on disk ------------------------------------------------------------------------------------------------------
    def save(self) -> None:
        """Save all that is needed to resume the run (in the main process only)."""
        if not self.group.is_main:
            return
        tensors = {f"network.{key}": value for key, value in self.network.state_dict().items()}
        tensors |= {f"average.{key}": value for key, value in self.average.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": torch.as_tensor(value) for key, value in moments.items()}
        save_checkpoint(self.folder, LAST, tensors, self._described() | {"run": asdict(self.state)})

    def _described(self) -> dict[str, Any]:
        return {
            "config": asdict(self.config),
            "labelset": self.data.labelset.manifest["name"],
            "labelset_digest": self.data.labelset.manifest["digest"],
            "size_px": self.data.size_px,
            "begun_from": self.begun_from,
            "beside": self.beside.labelset.manifest["digest"] if self.beside else "",
        }

    def _begin(self, folder: Path) -> str:
        """Load the initial weights; returns their checksum."""
        if folder.is_file():
            return restore(self.network, folder, make_sample(self.data, self.plan.whole_batch(0), self.augmenter))
        found = load_checkpoint(folder, BEST)
        if found is None:
            raise TrainingError("no_checkpoint", f"{folder} contains no weights to start from.")
        if found[1]["config"]["network"] != self.config.network or found[1]["size_px"] != self.data.size_px:
            raise TrainingError("another_run", f"{folder} contains another network, or one for another picture size.")
        self.network.load_state_dict(found[0])
        return checkpoint_digest(folder, BEST)

    def _resume(self) -> None:
        found = load_checkpoint(self.folder, LAST)
        if found is None:
            return
        tensors, state = found
        # Settings that did not exist when the run began had their defaults.
        config = {**asdict(TrainConfig()), **state["config"]}
        config["augmentation"] = {**asdict(Augmentation()), **(config["augmentation"] or {})}
        kept, mine = (json.loads(json.dumps(values)) for values in (state | {"config": config}, self._described()))
        if any(kept.get(key, "") != value for key, value in mine.items()):
            words = f"{self.folder} contains a run with other settings or another label set. Choose another folder."
            raise TrainingError("another_run", words)
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            part, _, key = name.partition(".")
            parts[part][key] = tensor
        self.network.load_state_dict(parts["network"])
        self.average.load_state_dict(parts["average"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            number, _, key = name.partition(".")
            # In the memory format of the weights, or sums are rounded otherwise than in an uninterrupted run.
            layout = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
            moments.setdefault(int(number), {})[key] = tensor.contiguous(memory_format=layout)
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        # Runs from before precision was timed used bfloat16 where it is known to be fast.
        self.state = RunState(**{"bf16": self.config.bf16 and has_fast_bf16(self.device), **state["run"]})

    def settings(self) -> dict[str, Any]:
        """Return the configuration as JSON; ``bf16`` is what is in use."""
        return {**asdict(self.config), "bf16": bool(self.state.bf16)}


def one_cycle(share: float) -> float:
    """Return the learning rate as a share of its peak: up over the first tenth, then down a cosine to a thousandth."""
    if share < 0.1:
        return 0.05 + 0.95 * share / 0.1
    return 0.001 + 0.999 * 0.5 * (1.0 + math.cos(math.pi * (share - 0.1) / 0.9))


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the running average of the weights and of batch norm's statistics towards the network's."""
    theirs_by_name = network.state_dict()
    for name, mine in average.state_dict().items():
        theirs = theirs_by_name[name]
        if mine.is_floating_point():
            mine.lerp_(theirs, 1.0 - keep)
        else:
            mine.copy_(theirs)


def keep_memory() -> None:
    """Have glibc keep freed memory; otherwise each step allocates its tensors from the system, at half the speed."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def _optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    learned = [p for p in network.parameters() if p.requires_grad]
    decays = [p for p in learned if p.ndim > 1]
    others = [p for p in learned if p.ndim <= 1]
    groups = [{"params": decays, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-3, fused=True)
