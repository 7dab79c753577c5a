"""Whose turn a slot is: a lease in the store, so that no slot ever has two writers.

A job *claims* a slot before it touches it: one conditional UPDATE that succeeds for one job only. Each claim has a
number (``claim``, counting the owners the slot had), and every later write of the job is made in one transaction with
a check that the slot is still its own (:func:`still_owned`). So a job that was thought dead and wakes up again can
write nothing, whatever any clock says. The lease's age only decides when another job may *take over*:

* at once, when the owner's process is gone on this very machine (same boot, same pid namespace);
* when the owner gave no sign of life for ``lease`` seconds by the database's clock (or seems to give one in the future:
  that clock was put back);
* otherwise the newer job asks the owner to go; the owner finishes its epoch and leaves, to be run again. One whose
  training stands still would renew its lease for ever: :mod:`sweeps.shard.hang` ends it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from dataclasses import dataclass, field

import sqlalchemy as sa

from sweeps.place import Place
from sweeps.store.opening import Stop, StopAskedError, StoreLostError
from sweeps.store.study import OpenStudy
from sweeps.store.tables import SLOTS, server_clock

log = logging.getLogger("sweeps.store")


class LeaseLostError(Exception):
    """Another job has taken over the slot; this one must stop and write nothing more."""


@dataclass(frozen=True)
class Claim:
    """A slot that is this job's to work on."""

    slot: int
    trial_id: int
    number: int
    """How many owners the slot has had; part of the name of every checkpoint this job writes."""


@dataclass(frozen=True)
class Held:
    """Why a slot can't be claimed: its owner lives."""

    by: Place | None
    sibling: bool = False
    """Whether the owner is another lane of the same shard job; it is not asked to go."""


@dataclass
class Leases:
    """The leases of one job on the slots of a study. A thread renews the one in hand.

    ``stop`` is set when the owner is told to go or has lost its slot; the loop looks at it after each epoch.
    ``told_to_go`` says that it is a newer job that asks.
    """

    study: OpenStudy
    lease: float
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    place: Place = field(default_factory=Place.here)
    stop: Stop = field(default_factory=Stop)
    told_to_go: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)
    family: str = ""
    """What all lanes of one shard job have in common; the first part of their owner tokens."""
    _current: Claim | None = None
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        if self.family:
            self.owner = f"{self.family}.{self.owner}"

    def claim(self, slot: int) -> Claim | Held:
        """Claim a slot, unless a living job owns it: then that job is told to go, and who it is is returned.

        A sibling is not told to go.
        """
        where = self._where(slot)
        seen = self.study.store.read(sa.select(SLOTS).where(where))[0]
        place = Place.from_json(seen.place) if seen.place else None
        gone = seen.owner is not None and place is not None and place.is_gone()
        now = server_clock(self.study.store.engine)
        silent = sa.or_(SLOTS.c.renewed < now - self.lease, SLOTS.c.renewed > now + self.lease)
        free = sa.or_(SLOTS.c.owner.is_(None), SLOTS.c.owner == self.owner, silent)
        mine = sa.update(SLOTS).where(where, sa.or_(free, SLOTS.c.owner == seen.owner) if gone else free)
        values = {"owner": self.owner, "place": self.place.to_json(), "renewed": now, "told_to_go": 0}
        values["claim"] = sa.case((SLOTS.c.owner == self.owner, SLOTS.c.claim), else_=SLOTS.c.claim + 1)
        taken = self.study.store.transaction(lambda connection: connection.execute(mine.values(values)).rowcount)
        if not taken:
            return self._held(slot)
        row = self.study.store.read(sa.select(SLOTS).where(where))[0]
        if row.owner != self.owner:
            return self._held(slot)
        if seen.owner not in (None, self.owner):
            log.info(
                "slot %d: taken over from %s, which %s", slot, place, "is gone" if gone else "gave no sign of life"
            )
        self._current = Claim(slot, row.trial_id, row.claim)
        return self._current

    def release(self, claim: Claim) -> None:
        """Give a slot back. Leaving in order is not counted as being killed."""
        self._current = None
        values = {"owner": None, "place": None, "renewed": None, "told_to_go": 0, "kills": 0}
        statement = sa.update(SLOTS).where(self._where(claim.slot), SLOTS.c.owner == self.owner).values(values)
        with contextlib.suppress(StoreLostError, StopAskedError):
            self.study.store.transaction(
                lambda connection: connection.execute(statement), patient=not self.stop.is_set()
            )

    def hold(self, connection: sa.Connection, claim: Claim) -> None:
        """Within a transaction: make sure that the slot is still this job's, and keep it so until the commit.

        Raises :class:`LeaseLostError`; the transaction must then be rolled back.
        """
        mine = sa.and_(self._where(claim.slot), SLOTS.c.owner == self.owner, SLOTS.c.claim == claim.number)
        renewed = sa.update(SLOTS).where(mine).values(renewed=server_clock(self.study.store.engine))
        told_to_go = connection.execute(renewed.returning(SLOTS.c.told_to_go)).scalar_one_or_none()
        if told_to_go is None:
            raise LeaseLostError(f"slot {claim.slot} was taken over by another job")
        if told_to_go and not self.stop.is_set():
            log.info("slot %d: a newer job asks for it; leaving after this epoch", claim.slot)
            self.told_to_go.set()
            self.stop.set()

    def __enter__(self) -> Leases:
        self._thread = threading.Thread(target=self._renew_for_ever, name="lease", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _where(self, slot: int) -> sa.ColumnElement[bool]:
        return sa.and_(SLOTS.c.study_id == self.study.study_id, SLOTS.c.slot == slot)

    def _held(self, slot: int) -> Held:
        """By whom a slot is held now."""
        row = self.study.store.read(sa.select(SLOTS).where(self._where(slot)))[0]
        sibling = bool(self.family) and str(row.owner).startswith(f"{self.family}.")
        if not sibling:
            self._tell_to_go(slot)
        return Held(Place.from_json(row.place) if row.place else None, sibling)

    def _tell_to_go(self, slot: int) -> None:
        other = SLOTS.c.owner.is_not(None) & (SLOTS.c.owner != self.owner) & (SLOTS.c.told_to_go == 0)
        if self.family:
            other &= SLOTS.c.owner.not_like(f"{self.family}.%")
        statement = sa.update(SLOTS).where(self._where(slot), other).values(told_to_go=1)
        self.study.store.transaction(lambda connection: connection.execute(statement))

    def _renew_for_ever(self) -> None:
        """Three signs of life to a lease. An outage is not the owner's death: nobody else can take over in it."""
        store = self.study.store.apart()
        while not self._end.wait(min(self.lease / 3, 2.0 if self._current is None else self.lease / 3)):
            claim = self._current
            if claim is None:
                continue
            try:
                store.transaction(lambda connection, claim=claim: self.hold(connection, claim), patient=False)
            except LeaseLostError:
                if claim is self._current:
                    log.warning("slot %d was taken over by another job; leaving after this epoch", claim.slot)
                    self.lost.set()
                    self.stop.set()
            except Exception as problem:  # whatever it is, the next sign of life may come through
                log.debug("the lease of slot %d was not renewed: %r", claim.slot, problem)
