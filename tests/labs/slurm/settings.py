"""The two configuration files of the Slurm lab."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labs.slurm import accounting

if TYPE_CHECKING:
    from labs.slurm import Slurm

SLURM_CONF = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=30
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
MpiDefault=none

# Processes are followed through /proc: no cgroups, which a container may not have.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none

# GPUs, CPUs and memory are counted when jobs are placed; memory is not enforced.
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=2
ReturnToService=2
JobRequeue=1
KillWait={kill_wait}
SlurmdTimeout=60

# Ended jobs stay visible to squeue, which is how the executor plugin learns of their end.
MinJobAge=300
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/log/ended_jobs.log

NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres={gpus} State=UNKNOWN
PartitionName=gpu Nodes={host} MaxTime=24:00:00 DefMemPerCPU=500 State=UP
PartitionName=cpu Nodes={host} MaxTime=24:00:00 DefMemPerCPU=500 State=UP Default=YES
"""
NO_ACCOUNTING = """\
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
"""


def slurm_conf(lab: Slurm, host: str) -> str:
    """``slurm.conf`` of a lab whose one node is ``host``."""
    controller_port, node_port, accounting_port, _ = lab.ports
    if lab.accounting:
        bookkeeping = accounting.SLURM_CONF.format(port=accounting_port, folder=lab.folder)
    else:
        bookkeeping = NO_ACCOUNTING
    return bookkeeping + SLURM_CONF.format(
        host=host,
        controller_port=controller_port,
        node_port=node_port,
        folder=lab.folder,
        kill_wait=lab.kill_wait,
        cpus=lab.cpus,
        memory_mb=lab.memory_mb,
        gpus=":".join(filter(None, ["gpu", lab.gpu_type, str(lab.gpus)])),
    )


def gres_conf(gpu_type: str | None, devices: Sequence[Path]) -> str:
    """``gres.conf``: one GPU a device file."""
    kind = f"Type={gpu_type} " if gpu_type else ""
    return "AutoDetect=off\n" + "".join(f"Name=gpu {kind}File={device}\n" for device in devices)
