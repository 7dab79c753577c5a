"""``python -m labs.slurm COMMAND...`` (in ``tests/``, as root): a Slurm that lives as long as the command."""

from __future__ import annotations

import os
import subprocess
import sys

from labs.slurm import NoSlurmError, slurm


def main() -> int:
    try:
        with slurm() as lab:
            print(lab.command("sinfo", "-N", "-o", "%N %t cpus=%c mem=%m gres=%G"), flush=True)
            command = sys.argv[1:] or [os.environ.get("SHELL", "/bin/sh")]
            return subprocess.run(command, env=os.environ | lab.environment, check=False).returncode
    except NoSlurmError as reason:
        print(f"no Slurm here: {reason}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
