"""Tell every problem of a lineage file and its sweep files, or of a single sweep file, and the size of the spaces."""

import argparse

from sweeps.cluster import SITE_FILE
from sweeps.command import command
from sweeps.validation import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="lineage file, or a single sweep file")
    parser.add_argument("--out", help="validation.json to write when there are no errors")
    parser.add_argument("--site", default=SITE_FILE, help="site file of the cluster")
    args = parser.parse_args()
    print(run(args.file, args.out, args.site))


command(main)
