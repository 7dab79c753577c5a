"""The tables that stand beside Optuna's in a store: whose turn a slot is, and what each epoch measured.

Optuna's own tables hold the study and its trials as Optuna would have written them, so that its dashboard, its
importance and its samplers read them. They can't hold a lease, nor tell a finished epoch's counts apart from its time.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

SLOTS = sa.Table(
    "sweep_slots",
    METADATA,
    sa.Column("study_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("trial_id", sa.Integer, nullable=False),
    sa.Column("claim", sa.Integer, nullable=False, server_default="0", comment="Counts the owners this slot had."),
    sa.Column("owner", sa.String(64), comment="Token of the job that works on the slot; null: nobody."),
    sa.Column("place", sa.Text, comment="JSON: host, boot, pid namespace, pid and start time of the owner."),
    sa.Column("renewed", sa.Double, comment="Last sign of life: seconds since 1970 by the database's clock."),
    sa.Column("told_to_go", sa.Integer, nullable=False, server_default="0", comment="1: a newer job wants the slot."),
    sa.Column("stuck_epoch", sa.Integer, comment="The epoch that the counts below speak of."),
    sa.Column("kills", sa.Integer, nullable=False, server_default="0", comment="Owners that vanished in that epoch."),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="Exceptions in that epoch."),
)

EPOCHS = sa.Table(
    "sweep_epochs",
    METADATA,
    sa.Column("study_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("report", sa.Text, nullable=False, comment="JSON: correct, total, measures."),
    sa.Column("seconds", sa.Double, nullable=False, comment="Training and evaluation."),
    sa.Column("overhead", sa.Double, nullable=False, comment="Seconds since the epoch before, not training."),
    sa.Column("shard", sa.String(64), nullable=False),
    sa.Column("claim", sa.Integer, nullable=False),
)


def server_clock(engine: sa.Engine) -> sa.ColumnElement[float]:
    """Seconds since 1970 by the clock of the database, so that no two machines' clocks are ever compared."""
    if engine.dialect.name == "sqlite":
        return sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Double)
    return sa.literal_column("extract(epoch from clock_timestamp())::double precision", sa.Double)
