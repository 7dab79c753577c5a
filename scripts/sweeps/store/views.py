"""What a slot may know of the others: a view of the store for its sampler and its pruner.

A :class:`View` is a frozen set of trials that Optuna takes for a storage. It is read-only: what a sampler or pruner
wants to write to its own trial is kept aside (:attr:`View.said`), to be written with the rest of the step. So nothing
that Optuna decides depends on timing, and a decision that was not recorded is made again from the same view.
"""

from __future__ import annotations

import warnings
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from sweeps.config.models import Pruner
from sweeps.objectives.base import EpochReport
from sweeps.slots import Slot, derive_seed
from sweeps.space import Space, same_value
from sweeps.store.trials import Trials

STARTUP_TRIALS = 10
"""Finished trials before TPE starts to learn from them; until then it draws at random (Optuna's default)."""


class View(BaseStorage):
    """Some trials of one study, by number, as a storage that can only be read."""

    def __init__(self, name: str, direction: str, trials: Sequence[FrozenTrial]) -> None:
        self.name, self.direction, self.trials = name, StudyDirection[direction.upper()], list(trials)
        self.said: dict[str, Any] = {}

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return [trial for trial in self.trials if states is None or trial.state in states]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return next(trial for trial in self.trials if trial._trial_id == trial_id)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self.said[key] = value

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_name_from_id(self, study_id: int) -> str:
        return self.name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [self.direction]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def _read_only(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError("a view of a store is read-only")

    create_new_study = delete_study = set_study_user_attr = set_study_system_attr = get_all_studies = _read_only
    create_new_trial = set_trial_param = set_trial_state_values = set_trial_intermediate_value = _read_only
    set_trial_user_attr = _read_only


@dataclass
class Suggestion:
    """What :meth:`sweeps.space.Space.suggest` asks: the slot's own values first, then the sampler's."""

    slot: Slot
    study: Study
    trial: FrozenTrial
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)
    _joint: Mapping[str, Any] | None = None

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        self.distributions[name] = distribution
        if name in self.slot.fixed:
            value = self.slot.fixed[name]
        elif distribution.single():
            value = distribution.to_external_repr(_only_value(distribution))
        elif name in self._drawn_jointly() and distribution._contains(
            distribution.to_internal_repr(self._drawn_jointly()[name])
        ):
            value = self._drawn_jointly()[name]
        else:
            value = self.study.sampler.sample_independent(self.study, self.trial, name, distribution)
        self.trial.params[name] = value
        self.trial.distributions[name] = distribution
        return value

    def _drawn_jointly(self) -> Mapping[str, Any]:
        """Parameters that all visible trials have, drawn together; those that the slot fixes are left out."""
        if self._joint is None:
            sampler = self.study.sampler
            space = sampler.infer_relative_search_space(self.study, self.trial)
            space = {name: item for name, item in space.items() if name not in self.slot.fixed}
            self._joint = sampler.sample_relative(self.study, self.trial, space)
        return self._joint


def _only_value(distribution: BaseDistribution) -> float:
    """The internal value of a distribution with a single value."""
    low = getattr(distribution, "low", None)
    return 0.0 if low is None else float(low)


@dataclass(frozen=True)
class Views:
    """The views of one job, by the history that its plan states."""

    trials: Trials
    space: Space
    pruner: Pruner

    def known_to(self, slot: Slot) -> list[FrozenTrial]:
        """``generation``: the finished trials of earlier generations. ``shared``: all that has begun by now."""
        plan = self.trials.study.plan
        if plan.history.mode == "generation":
            earlier = [other.slot for other in plan.slots if other.generation < slot.generation]
            return self.trials.visible(earlier, running=False) if earlier else []
        return self.trials.visible(None, running=True, but=slot.slot)

    def suggest(self, slot: Slot) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
        """The parameters of a slot: by TPE over the trials of the same branch of the space, seeded by the slot.

        A branch is what a quota's value opens (``encoder_type=context`` with its own parameters). Each has its own
        optimum and its own quota, so it is searched on its own: ten random trials first, then TPE on all of its
        parameters jointly. Where a quota opens no branch, all trials are learnt from.
        """
        plan = self.trials.study.plan
        known = [trial for trial in self.known_to(slot) if self._same_branch(trial, slot)]
        view = View(plan.study_name, plan.direction, known)
        sampler = TPESampler(seed=derive_seed(slot.seed, "sampler"), n_startup_trials=STARTUP_TRIALS)
        study = Study(plan.study_name, view, sampler=sampler, pruner=NopPruner())
        own = _running(slot)
        sampler.before_trial(study, own)
        suggestion = Suggestion(slot, study, own)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            params = self.space.suggest(suggestion)
        return params, suggestion.distributions

    def _same_branch(self, trial: FrozenTrial, slot: Slot) -> bool:
        asked = set().union(*(self.space.parents(name) for name in self.space.parameters))
        return all(
            name in trial.params and same_value(trial.params[name], slot.fixed[name])
            for name in asked & set(slot.fixed)
        )

    def prune(
        self, slot: Slot, rungs: Mapping[str, float], reports: Sequence[EpochReport]
    ) -> tuple[bool, dict[str, float]]:
        """Whether a trial with these reports is to stop after the last of them, and the rungs that it reached by it."""
        if self.pruner.type == "none":
            return False, {}
        plan = self.trials.study.plan
        own = _running(slot)
        own.system_attrs = dict(rungs)
        own.intermediate_values = {report.epoch: report.value for report in reports}
        view = View(plan.study_name, plan.direction, self.known_to(slot))
        study = Study(plan.study_name, view, sampler=TPESampler(), pruner=build_pruner(self.pruner))
        stop = study.pruner.prune(study, own)
        return bool(stop), dict(view.said)


def _running(slot: Slot) -> FrozenTrial:
    return FrozenTrial(
        number=slot.slot,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
        trial_id=-1,
    )


def build_pruner(pruner: Pruner) -> BasePruner:
    """Optuna's pruner. Resources are epochs, and an epoch's number is its step."""
    if pruner.type == "hyperband":
        return HyperbandPruner(pruner.min_resource, pruner.max_resource or "auto", pruner.reduction_factor)
    if pruner.type == "successive_halving":
        return SuccessiveHalvingPruner(pruner.min_resource, pruner.reduction_factor)
    if pruner.type == "median":
        return MedianPruner(n_warmup_steps=pruner.min_resource)
    return NopPruner()
