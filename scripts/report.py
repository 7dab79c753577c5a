"""Write the page of a lineage: one HTML file that needs nothing else."""

import argparse

from sweeps.command import command
from sweeps.report.page import write_page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="the lineage's folder, results/<lineage>")
    parser.add_argument("--out", required=True, help="page to write; its links are relative to it")
    print(write_page(**vars(parser.parse_args())))


command(main)
