"""Verify a lineage: its chain of seals, every digest, and all that was derived. Exit 0: true, 1: not, 2: no lineage."""

import argparse

from sweeps.command import command
from sweeps.verification.text import report
from sweeps.verification.verify import write_verification


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="the lineage's folder, results/<lineage>")
    parser.add_argument("--head", help="sha256 of the last version's seal, if it is known from elsewhere")
    parser.add_argument("--skip", nargs="*", default=[], help="stages not to make again: figures, tables, rationale...")
    parser.add_argument("--out", help="verification.json to write")
    found = write_verification(**vars(parser.parse_args()))
    print(report(found))
    return 0 if found.ok else 1


command(main)
