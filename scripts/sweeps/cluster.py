"""What a cluster calls its accounts, partitions and GPUs: ``config/site.yaml``, and the resources that rules ask for.

It is no part of a plan: where a shard runs is not what it computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, StrictInt, StrictStr

from sweeps.config.loading import check, read_yaml
from sweeps.config.models import Model, Shards
from sweeps.config.problems import Problem

SITE_FILE = "config/site.yaml"
EARLY = 60
"""Slurm sends the signal of a job up to so many seconds before it was asked to."""
RETRIES = 3
"""How often the slurm profile submits a failed job again."""
MOST = 2.0
"""No retry asks for more than this many times the first request, so that a node that exists can still serve it."""


class Site(Model):
    """A cluster's own names; a key that is left out or null is not asked for."""

    account: StrictStr | None = Field(None, description="Account that jobs are charged to.", examples=["proj042"])
    partition: StrictStr | None = Field(None, description="Partition of the jobs that train.", examples=["gpu"])
    cpu_partition: StrictStr | None = Field(
        None, description="Partition of the jobs that need no GPU; `partition`, if left out.", examples=["compute"]
    )
    gpu_model: StrictStr | None = Field(
        None, pattern=r"^[A-Za-z0-9_.]+$", description="Which GPU, as `sinfo -o %G` names it.", examples=["a100"]
    )
    constraint: StrictStr | None = Field(
        None, description="Features that a node must have (`sbatch -C`).", examples=["80g&nvlink"]
    )
    qos: StrictStr | None = Field(None, description="Quality of service (`sbatch --qos`).", examples=["normal"])
    warning: StrictInt = Field(
        120,
        ge=60,
        description="Seconds before its time limit at which a shard is told to finish its epoch, keep its checkpoint "
        "and leave; its retry goes on from there. Make it longer than one epoch plus a minute.",
    )
    options: StrictStr | None = Field(
        None, description="Further options of `sbatch`, word for word.", examples=["--exclude=node07"]
    )


def load_site(path: str | Path) -> Site:
    """Read a site file; a file that is absent or holds comments only asks for nothing.

    Raises :class:`~sweeps.config.problems.ConfigError` with every problem.
    """
    return check(Site, read_yaml(path) if _says_something(Path(path)) else {}, path)


def limit_problems(site: Site, shards: Shards, file: str | Path) -> Iterator[Problem]:
    """Whether the time limit of a shard leaves time to train before the warning comes."""
    limit, enough = 60 * shards.runtime, -(-2 * (site.warning + EARLY) // 60)
    told = f"{site.warning} s before its end a shard job is told to leave (`warning` of the site file)"
    mend = f"raise it to {enough} or more, or lower `warning` in the site file"
    if limit <= site.warning:
        message = f"leaves no time to train: {told}, which is when it starts or before"
        yield Problem(str(file), "shards.runtime", message, mend, shards.runtime)
    elif limit < 2 * (site.warning + EARLY):
        message = f"leaves {max(limit - site.warning - EARLY, 0)} to {limit - site.warning} s to train: {told}"
        yield Problem(str(file), "shards.runtime", message, mend, shards.runtime, "warning")


def scaled(base: int, times: Callable[[Any], int] | None = None) -> Callable[..., int]:
    """A Snakemake resource that grows by half of ``base`` with each attempt, up to :data:`MOST` times it.

    ``times`` says, by the job's wildcards, how many times ``base`` it is.
    """

    def at(wildcards: Any, attempt: int) -> int:
        return int(base * growth(attempt)) * (times(wildcards) if times else 1)

    return at


def growth(attempt: int) -> float:
    """How many times the first request attempt 1, 2, 3... asks for."""
    return min(1 + (attempt - 1) / 2, MOST)


def training_resources(site: Site, shards: Shards, lanes: Callable[[Any], int] | None = None) -> dict[str, Any]:
    """Resources of a rule that trains: memory, time, GPUs, and where on the cluster.

    ``resources: **training_resources(site, lineage.shards)``. What the site leaves open is not among the keys, so a
    profile's ``default-resources`` can fill it. The names are those of the Slurm executor plugin; the local executor
    counts ``gpu`` against ``--resources gpu=N`` and ignores the rest. ``lanes`` says, by the job's wildcards, how many
    trials it trains at once, each with memory of its own.
    """
    gpu = {"gpu": shards.gpus} if shards.gpus else {}
    if shards.gpus and site.gpu_model:
        gpu["gpu_model"] = site.gpu_model
    signal = f"--signal=TERM@{site.warning}"
    options = {"slurm_extra": f"{signal} {site.options}" if site.options else signal}
    request = {"mem_mb": scaled(shards.mem_mb, lanes), "runtime": scaled(shards.runtime)}
    return request | gpu | _placement(site, site.partition) | options


def other_resources(site: Site, *, mem_mb: int, runtime: int) -> dict[str, Any]:
    """Resources of a rule that needs no GPU: ``mem_mb`` in MB and ``runtime`` in minutes, grown on each retry."""
    request = {"mem_mb": scaled(mem_mb), "runtime": scaled(runtime)}
    options = {"slurm_extra": site.options} if site.options else {}
    return request | _placement(site, site.cpu_partition or site.partition) | options


def _says_something(path: Path) -> bool:
    if not path.exists():
        return False
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _placement(site: Site, partition: str | None) -> dict[str, str]:
    """Account, partition, constraint and quality of service under the plugin's names, where the site says them."""
    named = {"slurm_account": site.account, "slurm_partition": partition}
    named |= {"constraint": site.constraint, "qos": site.qos}
    return {name: value for name, value in named.items() if value}
