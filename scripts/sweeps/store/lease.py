"""Whose turn a slot is: a lease in the store, so that no slot ever has two writers.

A job *claims* a slot before it touches it: one conditional UPDATE that succeeds for one job only. Each claim has a
number (``claim``, counting the owners the slot had), and every later write of the job is made in one transaction with
a check that the slot is still its own (:func:`still_owned`). So a job that was thought dead and wakes up again can
write nothing, whatever any clock says. The lease's age only decides when another job may *take over*:

* at once, when the owner's process is gone on this very machine (same boot, same pid namespace);
* when the owner gave no sign of life for ``lease`` seconds by the database's clock;
* otherwise the newer job asks the owner to go; the owner finishes its epoch and leaves, to be run again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from sweeps.store.opening import StopAskedError, StoreLostError
from sweeps.store.study import OpenStudy
from sweeps.store.tables import SLOTS, server_clock

log = logging.getLogger("sweeps.store")


class LeaseLostError(Exception):
    """Another job has taken over the slot; this one must stop and write nothing more."""


@dataclass(frozen=True)
class Place:
    """Where a process runs, so that another one can tell whether it is gone."""

    host: str
    boot: str
    namespace: str
    pid: int
    began: int

    @classmethod
    def here(cls) -> Place:
        """This process."""
        return cls(socket.gethostname(), _boot(), _namespace(), os.getpid(), _start_time(os.getpid()) or 0)

    def is_gone(self) -> bool:
        """True only when it is certain: same machine, boot and pid namespace as here, and no such process."""
        if (self.boot, self.namespace) != (_boot(), _namespace()) or not self.boot:
            return False
        return _start_time(self.pid) != self.began

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(self.__dict__, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Place:
        """Read what :meth:`to_json` wrote."""
        return cls(**json.loads(text))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


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


@dataclass
class Leases:
    """The leases of one job on the slots of a study. A thread renews the one in hand.

    ``stop`` is set when the owner is told to go or has lost its slot; the loop looks at it after each epoch.
    """

    study: OpenStudy
    lease: float
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)
    place: Place = field(default_factory=Place.here)
    stop: threading.Event = field(default_factory=threading.Event)
    lost: threading.Event = field(default_factory=threading.Event)
    _current: Claim | None = None
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def claim(self, slot: int) -> Claim | Held | Literal["finished"]:
        """Claim a slot, unless a living job owns it: then that job is told to go, and who it is is returned."""
        where = self._where(slot)
        seen = self.study.store.read(sa.select(SLOTS).where(where))[0]
        place = Place.from_json(seen.place) if seen.place else None
        gone = seen.owner is not None and place is not None and place.is_gone()
        now = server_clock(self.study.store.engine)
        free = sa.or_(SLOTS.c.owner.is_(None), SLOTS.c.owner == self.owner, SLOTS.c.renewed < now - self.lease)
        mine = sa.update(SLOTS).where(where, sa.or_(free, SLOTS.c.owner == seen.owner) if gone else free)
        values = {"owner": self.owner, "place": self.place.to_json(), "renewed": now, "told_to_go": 0}
        values["claim"] = sa.case((SLOTS.c.owner == self.owner, SLOTS.c.claim), else_=SLOTS.c.claim + 1)
        taken = self.study.store.transaction(lambda connection: connection.execute(mine.values(values)).rowcount)
        if not taken:
            self._tell_to_go(slot)
            return Held(place)
        row = self.study.store.read(sa.select(SLOTS).where(where))[0]
        if row.owner != self.owner:
            return Held(None)
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

    def _tell_to_go(self, slot: int) -> None:
        other = SLOTS.c.owner.is_not(None) & (SLOTS.c.owner != self.owner) & (SLOTS.c.told_to_go == 0)
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
            except (StoreLostError, StopAskedError, sa.exc.SQLAlchemyError):
                continue


def _boot() -> str:
    """An identifier of this boot of this machine; empty where the system has none."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _namespace() -> str:
    """Process ids mean something only within one of these: containers of one machine have their own."""
    with contextlib.suppress(OSError):
        return os.readlink("/proc/self/ns/pid")
    return ""


def _start_time(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None where there is none, or it is dead and not yet reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])
