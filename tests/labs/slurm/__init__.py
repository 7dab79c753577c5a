"""A one-node Slurm on loopback from Debian's packages, with GPUs that are counted but need not exist."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from labs import free_ports, unavailable
from labs.slurm import accounting
from labs.slurm.settings import gres_conf, slurm_conf

PROGRAMS = {"munged": "munge", "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client"}
MARK = "SWEEPS_SLURM_LAB"
"""In the environment of the daemons and of what they start; a client's other children do not have it."""
PATIENCE = 30.0
"""Seconds that a daemon may take to come up or a job to leave."""


class NoSlurmError(Exception):
    """This machine can't run the lab; the message says why."""


@dataclass
class Slurm:
    """A running one-node Slurm. Commands find it through ``SLURM_CONF``: see :attr:`environment`.

    Attributes:
        gpus: how many GPUs the node pretends to have; each grant sets ``CUDA_VISIBLE_DEVICES``.
        accounting: with slurmdbd, so that ``sacct`` answers; needs a MariaDB server.
        kill_wait: seconds between the TERM and the KILL of a job that is cancelled or out of time.
    """

    folder: Path
    gpus: int = 2
    gpu_type: str | None = None
    cpus: int = 8
    memory_mb: int = 16000
    accounting: bool = False
    kill_wait: int = 10
    ports: tuple[int, ...] = ()
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs in its environment to talk to this Slurm and no other."""
        path = f"{self.folder / 'bin'}:{os.environ.get('PATH', os.defpath)}"
        return {"SLURM_CONF": str(self.folder / "etc" / "slurm.conf"), "PATH": path}

    def command(self, *words: str, check: bool = True, cwd: Path | None = None) -> str:
        """The output of a Slurm command."""
        done = subprocess.run(
            words, env=os.environ | self.environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def jobs(self, *states: str) -> dict[str, str]:
        """Job id -> state, of the jobs that the controller still remembers, or of those in ``states``."""
        wanted = ["-t", ",".join(states) if states else "all"]
        lines = self.command("squeue", "-h", *wanted, "-o", "%A %T").split("\n")
        return dict(line.split() for line in lines if line.strip())

    def start(self) -> None:
        """Write the configuration and start munged, the controller and the node."""
        for name in ("etc", "log", "state", "spool", "munge", "dev", "bin"):
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name).chmod(0o755)
        self.ports = self.ports or tuple(free_ports(4))
        host = socket.gethostname().split(".")[0]
        devices = [self._device(number) for number in range(self.gpus)]
        (self.folder / "etc" / "slurm.conf").write_text(slurm_conf(self, host))
        (self.folder / "etc" / "gres.conf").write_text(gres_conf(self.gpu_type, devices))
        self._wrap_srun()
        key = self.folder / "munge" / "key"
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(128))
        self._start_munge(key)
        if self.accounting:
            accounting.start_accounting(self, host, *self.ports[2:])
        self.start_controller()
        self.start_node()

    def start_controller(self) -> None:
        """Start slurmctld and wait until it answers."""
        self.daemon("slurmctld", "-D", "-f", str(self.folder / "etc" / "slurm.conf"))
        self.wait_until("the controller", lambda: "UP" in self.command("scontrol", "ping", check=False).upper())

    def start_node(self) -> None:
        """Start slurmd and wait until the node takes jobs."""
        self.daemon("slurmd", "-D", "-f", str(self.folder / "etc" / "slurm.conf"))
        ready = {"idle", "mix", "alloc", "comp"}
        self.wait_until("the node", lambda: self.command("sinfo", "-h", "-o", "%t", check=False).strip() in ready)

    def stop_controller(self) -> None:
        """Stop slurmctld; jobs go on."""
        self._stop("slurmctld")

    def stop_node(self) -> None:
        """Stop slurmd; the steps of running jobs go on."""
        self._stop("slurmd")

    def stop(self) -> None:
        """Cancel all jobs, stop the daemons, and see that no process of this Slurm is left."""
        if "slurmctld" in self.daemons and "slurmd" in self.daemons:
            with suppress(RuntimeError, subprocess.TimeoutExpired):
                self._cancel_everything()
        for name in ("slurmd", "slurmctld", "slurmdbd", "mariadbd", "munged"):
            self._stop(name)
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this Slurm: daemons, job steps and the jobs' own programs."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                environment = process.environ()
                job = "SLURM_JOB_ID" in environment and environment.get("SLURM_CONF") == self.environment["SLURM_CONF"]
                ours = job or environment.get(MARK) == str(self.folder)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _cancel_everything(self) -> None:
        active = list(self.jobs("PENDING", "RUNNING", "COMPLETING", "SUSPENDED"))
        if not active:
            return
        self.command("scancel", "--state=PENDING", *active, check=False)
        self.command("scancel", "--full", "--signal=KILL", *active, check=False)
        self.command("scancel", *active, check=False)
        self.wait_until("the end of all jobs", lambda: not self.jobs("PENDING", "RUNNING", "COMPLETING", "SUSPENDED"))

    def _device(self, number: int) -> Path:
        """A file that stands for a GPU: Slurm drops a GPU without one. A device node, so that its index is handed out;
        a plain file, where device nodes can't be made, is counted all the same."""
        path = self.folder / "dev" / f"gpu{number}"
        if not path.exists():
            try:
                os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            except OSError:
                path.touch()
        return path

    def _wrap_srun(self) -> None:
        """Snakemake's job step drops ``SLURM_CONF`` before it calls srun: on a cluster the file is in /etc/slurm, which
        this lab leaves alone."""
        wrapper = self.folder / "bin" / "srun"
        conf, srun = self.environment["SLURM_CONF"], Path(str(find_program("sbatch"))).with_name("srun")
        if not wrapper.exists():
            wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={conf} exec {srun} "$@"\n')
            wrapper.chmod(0o755)

    def _start_munge(self, key: Path) -> None:
        """Authentication of this lab's own, beside a munged that the machine may run."""
        home = self.folder / "munge"
        self.daemon(
            "munged",
            *("--foreground", "--force", f"--key-file={key}", f"--socket={home}/socket", f"--seed-file={home}/seed"),
            *(f"--pid-file={home}/pid", f"--log-file={self.folder}/log/munged.log", "--num-threads=2"),
        )
        self.wait_until("munged", lambda: (home / "socket").exists())

    def daemon(self, name: str, *arguments: str) -> None:
        """Start a program in the foreground, as a child of this process, with a log of its own."""
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                [find_program(name), *arguments],
                env=os.environ | self.environment | {MARK: str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _stop(self, name: str) -> None:
        daemon = self.daemons.pop(name, None)
        if daemon is None:
            return
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def wait_until(self, what: str, happened: Callable[[], bool]) -> None:
        """Wait for ``happened``; raises ``RuntimeError`` with the logs when a daemon ends or it takes too long."""
        deadline = time.monotonic() + PATIENCE
        while not happened():
            dead = [name for name, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > deadline:
                logs = "\n".join(path.read_text()[-1500:] for path in sorted((self.folder / "log").iterdir()))
                raise RuntimeError(f"{what} did not come in {PATIENCE:.0f} s; ended: {dead or 'none'}\n{logs}")
            time.sleep(0.05)


@contextmanager
def slurm(**options: object) -> Iterator[Slurm]:
    """Start a Slurm in a new temporary folder; end its jobs and daemons and remove the folder afterwards.

    ``options`` are the attributes of :class:`Slurm`. Raises :class:`NoSlurmError` where that can't be.
    """
    if os.geteuid() != 0:
        raise NoSlurmError("only root can start Slurm's daemons")
    needed = PROGRAMS | (accounting.PROGRAMS if options.get("accounting") else {})
    missing = sorted(package for program, package in needed.items() if not find_program(program))
    if missing:
        raise NoSlurmError(f"not installed (Debian: apt-get install {' '.join(missing)})")
    try:
        socket.gethostbyname(socket.gethostname())
    except OSError as problem:
        raise NoSlurmError(f"this machine's name {socket.gethostname()!r} has no address in /etc/hosts") from problem
    folder = Path(tempfile.mkdtemp(prefix="sweeps-slurm-"))
    folder.chmod(0o755)
    lab = Slurm(folder, **options)
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def slurm_or_skip(**options: object) -> Iterator[Slurm]:
    """:func:`slurm` for a test: where that can't be, the test is skipped with the reason, or fails in CI."""
    with ExitStack() as stack:
        try:
            lab = stack.enter_context(slurm(**options))
        except NoSlurmError as reason:
            unavailable(str(reason))
        yield lab


def find_program(name: str) -> str | None:
    """The path of a program, also in the folders of daemons, which are not on every PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
