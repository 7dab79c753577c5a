"""Seal a finished version: check that it is complete and of one piece, and write the digest of every file."""

import argparse

from sweeps.command import command
from sweeps.provenance.seal import seal_version


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the version's folder, results/<lineage>/<version>")
    parser.add_argument("--out", help="seal.json to write (in the folder, if left out)")
    seal = seal_version(**vars(parser.parse_args()))
    counts = seal.counts
    print(
        f"{seal.version}: sealed {len(seal.files)} files; {counts.slots} slots, {counts.complete} finished, "
        f"{counts.pruned} pruned, {counts.failed} failed"
    )


command(main)
