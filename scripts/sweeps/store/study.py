"""The study of a version: created once, with every slot as a waiting trial; opened again by all other jobs."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError

from sweeps.config.problems import error
from sweeps.digests import digest_of, read_json, write_json
from sweeps.plan import Amendment, Plan, accepted_digests, read_plan
from sweeps.slots import Slot
from sweeps.store.opening import Store, no_study, open_store
from sweeps.store.tables import METADATA, SLOTS

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

IDENTITY = "sweep_lineage"
"""User attribute of the study that says which plan it was made from."""
log = logging.getLogger("sweeps.store")


@dataclass(frozen=True)
class OpenStudy:
    """A study in an open store."""

    store: Store
    plan: Plan
    study_id: int

    @property
    def name(self) -> str:
        """The study's name in the store."""
        return self.plan.study_name


def write_study(plan_file: str | Path, out: str | Path) -> OpenStudy:
    """Create the study of a plan with all its slots, or add the slots it lacks; write the receipt ``study.json``.

    Running it again changes nothing. Raises :class:`~sweeps.config.problems.ConfigError` when the store holds another
    study of this name, or one with more slots than the plan.
    """
    study, created, added = create_study(plan_file, read_plan(plan_file))
    plan = study.plan
    log.info(
        "%s: study %r %s, %d slots%s",
        plan.version,
        plan.study_name,
        "created" if created else "is there",
        plan.n_trials,
        f", {added} of them new" if added and not created else "",
    )
    write_json(out, {"study_name": plan.study_name, "slots": plan.n_trials, "identity": digest_of(identity_of(plan))})
    return study


def create_study(plan_file: str | Path, plan: Plan) -> tuple[OpenStudy, bool, int]:
    """Open or create; returns the study, whether it is new, and how many slots were added."""
    from optuna.exceptions import DuplicatedStudyError
    from optuna.study import StudyDirection

    store = open_store(plan_file, plan, create=True)
    if store.engine.dialect.name == "sqlite" and not plan.store.allow_network_file_system:
        store.transaction(_write_ahead)
    store.transaction(lambda connection: _create_tables(connection, store))
    study_id = find_study(store, plan.study_name)
    created = study_id is None
    if study_id is None:
        storage = store.transaction(lambda _: _optuna_storage(store))
        directions = [StudyDirection[plan.direction.upper()]]
        with contextlib.suppress(DuplicatedStudyError):
            store.transaction(lambda _: storage.create_new_study(directions, plan.study_name))
        study_id = store.transaction(lambda _: storage.get_study_id_from_name(plan.study_name))
    study = OpenStudy(store, plan, study_id)
    accepted = known_digests(plan, Path(plan_file).with_name("amendments.json"))
    added = store.transaction(lambda connection: _add_slots(connection, study, plan_file, accepted))
    return study, created, added


def open_study(plan_file: str | Path, plan: Plan, store: Store | None = None) -> OpenStudy:
    """The study that a plan's shards work on. Raises :class:`ConfigError` when it is not there, or another's."""
    store = store or open_store(plan_file, plan)
    try:
        study_id = find_study(store, plan.study_name)
    except (OperationalError, ProgrammingError):
        study_id = None
    if study_id is None:
        raise no_study(plan_file, "study_name", "the store holds no study of this name", plan.study_name)
    stored = store.transaction(lambda connection: _stored_identity(connection, study_id))
    _refuse_other(stored, plan, plan_file)
    return OpenStudy(store, plan, study_id)


def find_study(store: Store, name: str) -> int | None:
    """The id of a study, or None."""
    from optuna.storages._rdb.models import StudyModel

    rows = store.read(sa.select(StudyModel.study_id).where(StudyModel.study_name == name))
    return rows[0][0] if rows else None


def identity_of(plan: Plan) -> dict[str, Any]:
    """What makes two studies the same sweep: everything a trial depends on, but not how many of them there are."""
    value = plan.model_dump(mode="json")
    keys = ("objective", "direction", "pruner", "history", "seed", "space")
    return {"lineage": plan.lineage, "version": plan.version} | {key: digest_of(value[key]) for key in keys}


def known_digests(plan: Plan, amendments: Path) -> dict[str, Any]:
    """The digests that hold now, and all that held before an amendment."""
    now = accepted_digests(plan, amendments).model_dump()
    past = [plan.digests.model_dump()]
    if amendments.exists():
        recorded = [Amendment.model_validate(item) for item in read_json(amendments)]
        past += [digests.model_dump() for item in recorded for digests in (item.before, item.after)]
    return {"now": now, "past": past}


def recorded_digests(study: OpenStudy) -> dict[str, str]:
    """The digests of config, code, requirements and data that the study was last opened with."""
    stored = study.store.transaction(lambda connection: _stored_identity(connection, study.study_id))
    return stored["digests"] if stored else {}


def _write_ahead(connection: sa.Connection) -> None:
    """Readers that don't block writers. Kept in the file, so that it is asked for once."""
    connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def _create_tables(connection: sa.Connection, store: Store) -> None:
    """Optuna's schema at this version, and the project's tables; one job at a time on a server."""
    if store.engine.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(20251031)"))
    _optuna_storage(store)
    METADATA.create_all(store.engine)


def _optuna_storage(store: Store) -> RDBStorage:
    """Optuna's own view of the store; opening it creates its tables where they are missing."""
    import optuna
    from optuna.storages import RDBStorage

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = store.engine.url.render_as_string(hide_password=False)
    return RDBStorage(url, engine_kwargs={"poolclass": sa.NullPool})


def _add_slots(connection: sa.Connection, study: OpenStudy, plan_file: str | Path, accepted: Mapping[str, Any]) -> int:
    """Insert the slots that are missing, all in one transaction, and the study's identity with them."""
    plan, study_id = study.plan, study.study_id
    stored = _stored_identity(connection, study_id)
    there = set(connection.scalars(sa.select(SLOTS.c.slot).where(SLOTS.c.study_id == study_id)))
    if stored is not None or _count_trials(connection, study_id):
        _refuse_other(stored, plan, plan_file)
    if len(there) > plan.n_trials:
        raise error(
            plan_file,
            "n_trials",
            f"the study has {len(there)} slots; a budget can grow, but not shrink: what is recorded stays recorded",
            f"set n_trials to {len(there)} or more; or start a new version",
            plan.n_trials,
        )
    if stored is not None and stored["digests"] not in [accepted["now"], *accepted["past"]]:
        _refuse_mixing(connection, study_id, stored["digests"], accepted["now"], plan_file)
    _set_identity(connection, study_id, {"identity": identity_of(plan), "digests": accepted["now"]})
    new = [slot for slot in plan.slots if slot.slot not in there]
    for slot in new:
        _insert_slot(connection, study_id, slot)
    return len(new)


def _insert_slot(connection: sa.Connection, study_id: int, slot: Slot) -> None:
    """A waiting trial whose number is the slot's, with the arm's values for the sampler."""
    from optuna.storages._rdb.models import TrialModel, TrialSystemAttributeModel, TrialUserAttributeModel
    from optuna.trial import TrialState

    trials = TrialModel.__table__
    row = {"number": slot.slot, "study_id": study_id, "state": TrialState.WAITING}
    trial_id = connection.execute(sa.insert(trials).values(**row).returning(trials.c.trial_id)).scalar_one()
    connection.execute(sa.insert(SLOTS).values(study_id=study_id, slot=slot.slot, trial_id=trial_id))
    told = {"slot": slot.slot, "generation": slot.generation, "arm": slot.arm, "seed": slot.seed}
    told |= {"explores": slot.explores} if slot.explores else {}
    for table, values in (
        (TrialUserAttributeModel, told),
        (TrialSystemAttributeModel, {"fixed_params": slot.fixed} if slot.fixed else {}),
    ):
        rows = [{"trial_id": trial_id, "key": key, "value_json": json.dumps(value)} for key, value in values.items()]
        if rows:
            connection.execute(sa.insert(table.__table__), rows)


def _stored_identity(connection: sa.Connection, study_id: int) -> dict[str, Any] | None:
    from optuna.storages._rdb.models import StudyUserAttributeModel as Attribute

    where = (Attribute.study_id == study_id, Attribute.key == IDENTITY)
    text = connection.execute(sa.select(Attribute.value_json).where(*where)).scalar_one_or_none()
    return None if text is None else json.loads(text)


def _set_identity(connection: sa.Connection, study_id: int, value: dict[str, Any]) -> None:
    from optuna.storages._rdb.models import StudyUserAttributeModel as Attribute

    table = Attribute.__table__
    connection.execute(sa.delete(table).where(table.c.study_id == study_id, table.c.key == IDENTITY))
    connection.execute(sa.insert(table).values(study_id=study_id, key=IDENTITY, value_json=json.dumps(value)))


def _count_trials(connection: sa.Connection, study_id: int, *, begun: bool = False) -> int:
    from optuna.storages._rdb.models import TrialModel
    from optuna.trial import TrialState

    query = sa.select(sa.func.count()).select_from(TrialModel).where(TrialModel.study_id == study_id)
    return connection.execute(query.where(TrialModel.state != TrialState.WAITING) if begun else query).scalar_one()


def _refuse_other(stored: Mapping[str, Any] | None, plan: Plan, plan_file: str | Path) -> None:
    """Raise :class:`ConfigError` unless the stored study was made from this plan's sweep."""
    mend = "give the sweep another study_name, or use another store"
    if stored is None:
        message = "the store holds a study of this name that no plan made"
        raise error(plan_file, "study_name", message, mend, plan.study_name)
    wanted = identity_of(plan)
    different = [key for key in wanted if stored["identity"].get(key) != wanted[key]]
    if different:
        message = f"the store holds a study of this name whose {', '.join(different)} differs from the plan's"
        raise error(plan_file, "study_name", message, mend, plan.study_name)


def _refuse_mixing(
    connection: sa.Connection, study_id: int, ran: Mapping[str, str], now: Mapping[str, str], plan_file: str | Path
) -> None:
    """A plan made anew must not put other code or data under trials that have begun."""
    if not _count_trials(connection, study_id, begun=True):
        return
    changed = ", ".join(key for key in now if now[key] != ran.get(key))
    raise error(
        plan_file,
        "digests",
        f"the {changed} changed since the study's first trials began",
        f"undo the edit and plan again; or adopt it: python scripts/amend.py {plan_file} --reason '...'",
    )
