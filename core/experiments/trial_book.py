"""The list of an experiment's trials, which several workers on several machines share.

A worker claims a trial, which no other worker then gets. Four rules keep the list true, whoever is killed and when:

- Claims on one machine are made one at a time, under a file lock.
- A worker holds a trial's own file lock until the trial is over. The operating system releases it when the worker dies;
  then the next claim takes the trial up.
- A trial of another machine that has not been heard of for `SILENT` seconds is repeated.
- Of two trials with the same values and seed, only the first counts.
"""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from core.experiments.experiment import Experiment
from core.experiments.findings import best_quantile, importance_of
from core.experiments.results import TrialResult
from core.experiments.varied import Listed, Params, Varied, field_named

SILENT = 900.0
"""Seconds without a sign of life after which a trial of another machine is repeated."""
HEARTBEAT = 30.0
"""Seconds between two signs of life."""
MAX_ATTEMPTS = 3
"""How often a trial may be begun without completing an epoch, before it counts as failed: its process was killed."""

MAX_SURPLUS = 100
"""How many proposals in a row may repeat earlier ones; then no new combination is expected."""
_PROBE, _NEW = 0.1, 5.0  # seconds to wait for a lock, which a process that lists the trials may hold for a moment


class TrialBook:
    """The trials of one experiment."""

    def __init__(self, experiment: Experiment, storage: BaseStorage, folder: Path, machine: str) -> None:
        """Open the list.

        Args:
            experiment: its settings.
            storage: where its trials are.
            folder: the experiment's folder on this machine, for the locks.
            machine: a name of this machine that no other machine has.
        """
        self.experiment = experiment
        self._folder = folder
        self._machine = machine
        self._storage = storage
        self._study = optuna.load_study(
            study_name=experiment.name,
            storage=storage,
            sampler=optuna.samplers.TPESampler(constant_liar=True, n_startup_trials=_startup(experiment)),
            pruner=_pruner(experiment),
        )
        self._study_id = storage.get_study_id_from_name(experiment.name)
        self._schedule = experiment.schedule() if experiment.is_grid else []
        self._claims = FileLock(folder / "claims.lock")
        self._distributions = {each.name: _distribution(each) for each in experiment.varied}

    @property
    def study(self) -> optuna.Study:
        """Optuna's study of these trials."""
        return self._study

    def results(self) -> list[TrialResult]:
        """Return the trials that were begun, in their order."""
        return [self._result(trial) for trial in self._counted()]

    def importances(self) -> dict[str, float]:
        """Return the share of each varied setting in explaining which trials are among the best, largest first.

        By PED-ANOVA (Watanabe et al., 2023). The best are `best_quantile` of the trials; optuna's default, a tenth, is
        two or three of the 27 trials of a usual grid, and gave equal shares to settings whose effects differ tenfold.
        Empty if it cannot be estimated: with too few trials, or all with the same loss.
        """
        finished = sum(trial.state is TrialState.COMPLETE for trial in self._counted())
        if importance_of(self.experiment.varied, finished):
            return {}
        try:
            evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=best_quantile(finished))
            shares = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        except (ValueError, RuntimeError, ZeroDivisionError):
            return {}
        return {name: float(share) for name, share in shares.items()}

    def note(self, key: str, value: str) -> str:
        """Store a value for all workers, unless another worker has stored one first; return the stored value."""
        with self._claims:
            known = self._study.user_attrs.get(key)
            if known is None:
                self._study.set_user_attr(key, known := value)
        return str(known)

    def noted(self, key: str) -> str | None:
        """Return the value that a worker has stored; None if there is none."""
        value = self._study.user_attrs.get(key)
        return None if value is None else str(value)

    def claim(self) -> "ClaimedTrial | None":
        """Return a trial for this worker to train: one that was interrupted, or a new one; None if none is left."""
        with self._claims:
            return self._take_up() or self._take_next() or self._propose()

    # --- claiming, under the lock

    def _take_up(self) -> "ClaimedTrial | None":
        """Take a trial that was begun on this machine and that nobody trains; give up lost ones of other machines."""
        for trial in self._counted():
            if trial.state is not TrialState.RUNNING:
                continue
            if trial.user_attrs.get("machine") != self._machine:
                if time.time() - float(trial.user_attrs.get("seen", 0.0)) > SILENT:
                    self._give_up(trial)
                continue
            claimed = self._locked(trial, _PROBE)
            if claimed is None:
                continue
            if self._storage.get_trial(trial._trial_id).state is not TrialState.RUNNING:
                claimed.release()  # its worker ended it before this one got the lock
                continue
            if claimed.attempts < MAX_ATTEMPTS:
                claimed.begin()
                return claimed
            claimed.fail(f"Its process ended {MAX_ATTEMPTS} times before the first epoch was completed.")
            claimed.release()
        return None

    def _take_next(self) -> "ClaimedTrial | None":
        """Begin the next trial of the plan that does not exist yet."""
        known = {self._key(trial.params, _seed_of(trial)) for trial in self._counted()}
        for params, seed in self._plan():
            if self._key(params, seed) in known:
                continue
            number = self._storage.create_new_trial(
                self._study_id,
                optuna.trial.create_trial(
                    state=TrialState.RUNNING,
                    params=params,
                    distributions=self._distributions,
                    user_attrs=self._signature(seed),
                ),
            )
            claimed = self._locked(self._study.trials[self._storage.get_trial_number_from_id(number)], _NEW)
            assert claimed is not None, "the lock of a new trial is free"
            if not self._is_surplus(claimed):
                claimed.begin()
                return claimed
        return None

    def _propose(self) -> "ClaimedTrial | None":
        """Have the sampler propose a new combination, if there are not enough yet."""
        for _ in range(MAX_SURPLUS):
            if self.experiment.trials is None or len(self._proposed()) >= self.experiment.trials:
                break
            trial = self._study.ask(self._distributions)
            for key, value in self._signature(self.experiment.all_seeds[0]).items():
                trial.set_user_attr(key, value)
            trial.set_user_attr("proposed", True)  # the last one: a trial without it was not begun
            claimed = self._locked(self._study.trials[trial.number], _NEW)
            assert claimed is not None, "the lock of a new trial is free"
            if not self._is_surplus(claimed):
                claimed.begin()
                return claimed
        return None

    def _plan(self) -> Iterator[tuple[Params, int]]:
        """Yield the values and seeds of all trials that are planned so far."""
        if self.experiment.is_grid:
            for seed in self.experiment.all_seeds:
                for params in self._schedule:
                    yield params, seed
        else:
            for trial in self._proposed():
                for seed in self.experiment.all_seeds:
                    yield dict(trial.params), seed

    def _signature(self, seed: int) -> dict[str, Any]:
        """Return the attributes of a new trial of this machine."""
        return {"seed": seed, "machine": self._machine, "seen": time.time(), "planned": True}

    def _is_surplus(self, claimed: "ClaimedTrial") -> bool:
        """End a trial that another machine began at the same moment; return whether it is one."""
        if any(trial.number + 1 == claimed.result.number for trial in self._counted()):
            return False
        claimed.fail("Another machine began the same trial.")
        claimed.release()
        return True

    def _give_up(self, trial: FrozenTrial) -> None:
        self._storage.set_trial_user_attr(trial._trial_id, "lost", True)
        with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
            self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)

    def _locked(self, trial: FrozenTrial, seconds: float) -> "ClaimedTrial | None":
        """Return the trial with its lock; None if another worker holds it longer than this."""
        lock = FileLock(self._folder / f"trial-{trial.number + 1}.lock")
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            return None
        return ClaimedTrial(self._study, Trial(self._study, trial._trial_id), trial, self._result(trial), lock)

    # --- reading

    def _counted(self) -> list[FrozenTrial]:
        """Return the trials that count: those of the plan, and of several with the same values and seed the first."""
        counted: dict[object, FrozenTrial] = {}
        for trial in sorted(self._study.get_trials(deepcopy=False), key=lambda trial: trial.number):
            if trial.user_attrs.get("lost") or not trial.user_attrs.get("planned"):
                continue
            counted.setdefault(self._key(trial.params, _seed_of(trial)), trial)
        if self.experiment.is_grid:
            return list(counted.values())
        proposed = [trial for trial in counted.values() if _is_proposed(trial)][: self.experiment.trials]
        settings = {self._key(trial.params, 0) for trial in proposed}
        return [trial for trial in counted.values() if self._key(trial.params, 0) in settings]

    def _proposed(self) -> list[FrozenTrial]:
        return [trial for trial in self._counted() if _is_proposed(trial)]

    def _key(self, params: Params, seed: int) -> object:
        return (*((name, params.get(name)) for name in self._distributions), seed)

    def _result(self, trial: FrozenTrial) -> TrialResult:
        machine = trial.user_attrs.get("machine")
        state = {
            TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed",
        }.get(trial.state)  # fmt: skip
        if state is None:
            state = "running" if self._is_held(trial) else "interrupted"
        return TrialResult(
            number=trial.number + 1,
            params=dict(trial.params),
            seed=_seed_of(trial),
            run=f"{self.experiment.name}-{trial.number + 1}",
            state=state,  # type: ignore[arg-type]
            losses=dict(sorted(trial.intermediate_values.items())),
            loss=trial.value if trial.state is TrialState.COMPLETE else None,
            why=str(trial.user_attrs.get("why", "")),
            is_here=machine == self._machine,
        )

    def _is_held(self, trial: FrozenTrial) -> bool:
        """Whether a worker trains it now."""
        if trial.user_attrs.get("machine") != self._machine:
            return time.time() - float(trial.user_attrs.get("seen", 0.0)) <= SILENT
        path = self._folder / f"trial-{trial.number + 1}.lock"
        if not path.exists():
            return False
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            return True
        lock.release()
        return False


class ClaimedTrial:
    """A trial that this worker trains; the lock is held until `release`."""

    def __init__(
        self, study: optuna.Study, trial: Trial, frozen: FrozenTrial, result: TrialResult, lock: FileLock
    ) -> None:
        self._study = study
        self._trial = trial
        self._lock = lock
        self._seen = time.monotonic()
        self.result = result
        self.attempts = 0 if frozen.intermediate_values else int(frozen.user_attrs.get("attempts", 0))
        """How often it was begun before without completing an epoch."""
        self.is_given_up = False
        """Whether another machine has given it up: nothing more is stored."""

    def begin(self) -> None:
        """Store that this worker trains it now."""
        with self._unless_given_up():
            self._trial.set_user_attr("attempts", self.attempts + 1)
            self._trial.set_user_attr("seen", time.time())

    def interrupt(self) -> None:
        """Store that the worker was stopped in order: that is no failed attempt."""
        with self._unless_given_up():
            self._trial.set_user_attr("attempts", self.attempts)

    @contextlib.contextmanager
    def _unless_given_up(self) -> Iterator[None]:
        """Note it if another machine has given up this trial, because this one was silent for too long."""
        try:
            yield
        except optuna.exceptions.UpdateFinishedTrialError:
            self.is_given_up = True

    def report(self, epoch: int, loss: float) -> bool:
        """Store the validation loss of an epoch; return whether the trial should be pruned."""
        with self._unless_given_up():
            if epoch not in self.result.losses:
                self._trial.report(loss, epoch)
            return self._trial.should_prune()
        return False

    def sign(self) -> None:
        """Give a sign of life, if the last one was some time ago."""
        if time.monotonic() - self._seen > HEARTBEAT:
            self._seen = time.monotonic()
            with self._unless_given_up():
                self._trial.set_user_attr("seen", time.time())

    def finish(self, loss: float) -> None:
        """Store the final loss."""
        self._tell(TrialState.COMPLETE, loss)

    def prune(self) -> None:
        """Store that the trial was pruned."""
        self._tell(TrialState.PRUNED)

    def fail(self, why: str) -> None:
        """Store that the trial failed."""
        with self._unless_given_up():
            self._trial.set_user_attr("why", why)
            self._tell(TrialState.FAIL)

    def release(self) -> None:
        """Release the lock: the trial is over, or may be taken up by another worker."""
        self._lock.release()

    def _tell(self, state: TrialState, loss: float | None = None) -> None:
        # A trial that another machine gave up as lost is over already.
        self._study.tell(self._trial, loss, state=state, skip_if_finished=True)


def make_study(experiment: Experiment, storage: BaseStorage) -> None:
    """Create the study of an experiment.

    Raises:
        optuna.exceptions.DuplicatedStudyError: there is a study of this name.
    """
    optuna.create_study(storage=storage, study_name=experiment.name, direction="minimize")


def _startup(experiment: Experiment) -> int:
    """Return the number of random trials before the sampler learns from them."""
    return max(5, min(10, (experiment.trials or 0) // 4))


def _pruner(experiment: Experiment) -> BasePruner:
    match experiment.pruning:
        case "median":
            return MedianPruner(n_startup_trials=4, n_warmup_steps=1)
        case "hyperband":
            return HyperbandPruner(min_resource=1, max_resource=experiment.training.epochs)
    return NopPruner()


def _distribution(varied: Varied) -> BaseDistribution:
    if isinstance(varied, Listed):
        return CategoricalDistribution(varied.values)
    if field_named(varied.name).kind is int:
        return IntDistribution(int(varied.low), int(varied.high), log=varied.log)
    return FloatDistribution(float(varied.low), float(varied.high), log=varied.log)


def _seed_of(trial: FrozenTrial) -> int:
    return int(trial.user_attrs.get("seed", 0))


def _is_proposed(trial: FrozenTrial) -> bool:
    return bool(trial.user_attrs.get("proposed", False))
