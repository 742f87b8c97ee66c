"""The trainer: plain torch, resumes exactly where it was killed, stops on validation, keeps best and last apart.

Every step is a pure function of (weights, seed, number of the step): the batch, the augmentation and the dropout. So an
interrupted run ends with the same weights as an unbroken one, on one device with the same number of threads. Several
processes share each batch (`giz.training.nn.group`), so that a run with them is the same run but for rounding.
"""

from __future__ import annotations

import ctypes
import json
import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from giz.training.nn.augment import Augmentation, Augmenter, augmentation_for
from giz.training.nn.batches import BatchPlan, usual_size
from giz.training.nn.checkpoint import checkpoint_digest, load_checkpoint, save_checkpoint
from giz.training.nn.data import TrainingData
from giz.training.nn.devices import bf16_helps, has_fast_bf16
from giz.training.nn.errors import TrainingError
from giz.training.nn.feed import Sample, feed
from giz.training.nn.group import Group, loss_of
from giz.training.nn.learners import Learner, learner_for
from giz.training.nn.names import OURS
from giz.training.nn.validation import Score, validate

LAST, BEST = "last", "best"
TIMED_STEPS, SKIPPED_STEPS = 12, 2
# glibc: how large an allocation must be to be given back to the system at once, and how much is kept.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

# (done, total, message) after every step; may raise to stop.
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """All that decides what a run learns, beside the label set.

    minutes : how long to train; `steps` follows from the speed of the first steps. steps : given instead of minutes.
    batch_size, learning_rate : 0 for what suits the network.
    patience : validations without a better score before it stops early; 0 for never.
    bf16 : to calculate in bfloat16 where that helps (`bf16_helps`).
    augmentation : None for what suits the galaxies of the label set (`augmentation_for`).
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
    augmentation: Augmentation | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class RunState:
    """How far a run is.

    losses : of the steps since the last validation. bf16 : whether it calculates in bfloat16, wherever it goes on.
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
    """One run in one folder. Make it again over the same folder and `fit` goes on where it stopped.

    begin : folder of another run, whose best weights this one begins from.
    """

    def __init__(
        self,
        data: TrainingData,
        config: TrainConfig,
        folder: Path,
        device: str | torch.device = "cpu",
        group: Group | None = None,
        begin: Path | None = None,
    ) -> None:
        if bool(config.minutes) == bool(config.steps) or config.minutes < 0 or config.steps < 0:
            raise TrainingError("bad_length", "Say either for how many minutes or for how many steps to train.")
        how = config.augmentation or augmentation_for(data.labelset.manifest["origin"])
        self.data, self.config, self.folder = data, replace(config, augmentation=how), folder
        self.device, self.group = torch.device(device), group or Group()
        torch.manual_seed(config.seed)
        self.learner: Learner = learner_for(config.network, data.size_px)
        self.begun_from = "" if begin is None else self._begin(begin)
        self.learner.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.plan = BatchPlan(
            data,
            task=self.learner.task,
            size=config.batch_size or usual_size(self.learner.task),
            seed=config.seed,
            all_bands=self.learner.all_bands,
            flavour=config.flavour,
            rank=self.group.rank,
            processes=self.group.size,
        )
        self.augmenter = Augmenter(how, self.device)
        self.average = deepcopy(self.learner.network).eval()
        self.optimizer = _optimizer(self.learner.network, config)
        self.state = RunState(steps=config.steps)
        self._resume()
        if self.state.bf16 is None:
            keep_memory()  # or what is timed is the system's handing out of memory
            self.state.bf16 = self.group.agree(self.group.is_main and config.bf16 and bf16_helps(self.device))
        self._loss = loss_of(self.learner, self.group)

    # --- the run ------------------------------------------------------------------------------------------------------
    def fit(self, on_progress: OnProgress | None = None, *, checkpoint_seconds: float = 60.0) -> RunState:
        """Train to the end; returns the state with its history. `on_progress` may raise: the run can go on later."""
        keep_memory()
        if not self.state.steps:
            self.state.steps = self._steps_in(self.config.minutes)
        state, saved = self.state, time.monotonic()
        every = max(1, state.steps // self.config.validations)
        samples = feed(
            self.data, self.plan, self.augmenter, start=state.step, stop=state.steps, workers=self.config.workers
        )
        for sample in () if state.stopped_early else samples:
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

    def _step(self, sample: Sample) -> float:
        network, state = self.learner.network, self.state
        torch.manual_seed(self.config.seed * 1_000_003 + state.step + self.group.rank * 7_919_000_000)
        share = state.step / state.steps
        for group in self.optimizer.param_groups:
            group["lr"] = self._peak_rate() * one_cycle(share)
        network.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bool(state.bf16)):
            loss = self._loss(sample)
        mean_loss = self.group.mean(loss)
        if not math.isfinite(mean_loss):
            raise TrainingError("diverged", f"The loss is no number at step {state.step}. Lower the learning rate.")
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        self.optimizer.step()
        follow(self.average, network, min(self.config.average, (1 + state.step) / (10 + state.step)))
        return mean_loss

    def _validate(self) -> None:
        state = self.state
        loss, state.losses = sum(state.losses) / len(state.losses), []
        mine = validate(self.data, self.learner, self.average, self.device) if self.group.is_main else None
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

    def _peak_rate(self) -> float:
        return self.config.learning_rate or (4e-3 if self.config.network == OURS else 1e-3)

    def _steps_in(self, minutes: float) -> int:
        """How many steps fit, from the speed of the first few, which are then forgotten."""
        before = deepcopy(self.learner.network.state_dict())
        optimizer = deepcopy(self.optimizer.state_dict())
        average = deepcopy(self.average.state_dict())
        self.state.steps = 10_000
        started = 0.0
        for number, sample in enumerate(
            feed(self.data, self.plan, self.augmenter, start=0, stop=TIMED_STEPS, workers=self.config.workers)
        ):
            if number == SKIPPED_STEPS:
                started = time.monotonic()
            self._step(sample)
        seconds = (time.monotonic() - started) / (TIMED_STEPS - SKIPPED_STEPS)
        self.learner.network.load_state_dict(before)
        self.optimizer.load_state_dict(optimizer)
        self.average.load_state_dict(average)
        return self.group.agree(max(20, int(60 * minutes / seconds)))

    # --- on disk ------------------------------------------------------------------------------------------------------
    def save(self) -> None:
        """Save all that the run needs to go on; of several processes only the main one does."""
        if not self.group.is_main:
            return
        tensors = {f"network.{key}": value for key, value in self.learner.network.state_dict().items()}
        tensors |= {f"average.{key}": value for key, value in self.average.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{key}": torch.as_tensor(value) for key, value in moments.items()}
        save_checkpoint(self.folder, LAST, tensors, self._described() | {"run": asdict(self.state)})

    def _described(self) -> dict[str, Any]:
        return {
            "config": self.config.as_json(),
            "labelset": self.data.labelset.manifest["name"],
            "labelset_digest": self.data.labelset.manifest["digest"],
            "size_px": self.data.size_px,
            "begun_from": self.begun_from,
        }

    def _begin(self, folder: Path) -> str:
        found = load_checkpoint(folder, BEST)
        if found is None:
            raise TrainingError("no_checkpoint", f"{folder} holds no weights to begin from.")
        if found[1]["config"]["network"] != self.config.network or found[1]["size_px"] != self.data.size_px:
            raise TrainingError("another_run", f"{folder} holds another network, or one for another size of pictures.")
        self.learner.network.load_state_dict(found[0])
        return checkpoint_digest(folder, BEST)

    def _resume(self) -> None:
        found = load_checkpoint(self.folder, LAST)
        if found is None:
            return
        tensors, state = found
        if any(state.get(key, "") != value for key, value in self._comparable().items()):
            raise TrainingError(
                "another_run", f"{self.folder} holds a run with other settings or another label set. Choose another."
            )
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            part, _, key = name.partition(".")
            parts[part][key] = tensor
        self.learner.network.load_state_dict(parts["network"])
        self.average.load_state_dict(parts["average"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": moments})
        # A run of before precision was timed calculated in bfloat16 where that is known to be fast.
        self.state = RunState(**{"bf16": self.config.bf16 and has_fast_bf16(self.device), **state["run"]})

    def told(self) -> dict[str, Any]:
        """What the run was told, as JSON; ``bf16`` is what it does."""
        return {**self.config.as_json(), "bf16": bool(self.state.bf16)}

    def _comparable(self) -> dict[str, Any]:
        """What must be the same for a run to go on, as JSON gives it back."""
        same: dict[str, Any] = json.loads(json.dumps(self._described()))
        return same


def one_cycle(share: float) -> float:
    """Learning rate as a share of the peak: up over the first tenth, then down along a cosine to a thousandth."""
    if share < 0.1:
        return 0.05 + 0.95 * share / 0.1
    return 0.001 + 0.999 * 0.5 * (1.0 + math.cos(math.pi * (share - 0.1) / 0.9))


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move the running average of the weights towards the network; statistics of batch norm are taken over."""
    theirs_by_name = network.state_dict()
    for name, mine in average.state_dict().items():
        theirs = theirs_by_name[name]
        if mine.is_floating_point():
            mine.lerp_(theirs, 1.0 - keep)
        else:
            mine.copy_(theirs)


def keep_memory() -> None:
    """Have glibc keep freed memory: without it each step asks the system for its tensors anew, twice as slow."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # no glibc here
        return
    mallopt(_M_MMAP_THRESHOLD, 1 << 30)
    mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def _optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    decays = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decays, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-3, fused=True)
