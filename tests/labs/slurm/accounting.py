"""Accounting for the Slurm lab: slurmdbd over a MariaDB of its own; ``sacct`` answers while the controller does not."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labs.slurm import Slurm

PROGRAMS = {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server"}
CLUSTER = "lab"

SLURM_CONF = """\
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
"""
SLURMDBD_CONF = """\
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
"""
ACCESS = """
create database slurm_acct_db;
create user slurm@127.0.0.1 identified by 'slurm';
create user slurm@localhost identified by 'slurm';
grant all on slurm_acct_db.* to slurm@127.0.0.1;
grant all on slurm_acct_db.* to slurm@localhost;
"""


def start_accounting(lab: Slurm, host: str, port: int, database_port: int) -> None:
    """Start the database and slurmdbd of a lab, on two free ports. munged must run already."""
    data = lab.folder / "database"
    data.mkdir()
    shutil.chown(data, "mysql")
    install = ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}", "--skip-test-db"]
    _run(lab, *install, "--auth-root-authentication-method=socket")
    tuning = ["--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--bind-address=127.0.0.1"]
    where = [f"--datadir={data}", f"--socket={data}/socket", f"--port={database_port}", f"--pid-file={data}/pid"]
    lab.daemon("mariadbd", "--no-defaults", "--user=mysql", *where, *tuning)
    client = ["mariadb", "--no-defaults", f"--socket={data}/socket", "-e"]
    lab.wait_until("the database", lambda: _run(lab, *client, "select 1", check=False) == 0)
    _run(lab, *client, ACCESS)

    conf = lab.folder / "etc" / "slurmdbd.conf"
    conf.touch(mode=0o600)
    conf.write_text(SLURMDBD_CONF.format(folder=lab.folder, host=host, port=port, database_port=database_port))
    lab.daemon("slurmdbd", "-D")
    lab.wait_until("slurmdbd", lambda: _run(lab, "sacctmgr", "-n", "show", "cluster", check=False) == 0)
    for what in (["cluster", CLUSTER], ["account", "lab"], ["user", "root", "account=lab"]):
        _run(lab, "sacctmgr", "-i", "-Q", "add", *what)


def _run(lab: Slurm, *command: str, check: bool = True) -> int:
    with (lab.folder / "log" / "accounting.out").open("ab") as log:
        done = subprocess.run(command, env=os.environ | lab.environment, stdout=log, stderr=log, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{(lab.folder / 'log' / 'accounting.out').read_text()[-1500:]}")
    return done.returncode
