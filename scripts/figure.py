"""Draw one figure of a version from the files of its lineage."""

import argparse

from sweeps.command import command
from sweeps.figures.registry import ENTRIES, write_figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help=", ".join(ENTRIES))
    parser.add_argument("--version-dirs", nargs="+", required=True, help="folders of the versions, the oldest first")
    parser.add_argument("--out", help="PDF to write")
    parser.add_argument("--png", help="PNG to write")
    print(write_figure(**vars(parser.parse_args())))


command(main)
