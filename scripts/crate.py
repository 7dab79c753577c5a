"""Write a lineage as an RO-Crate (Workflow Run profile): a folder with its files and their description."""

import argparse
import datetime

from sweeps.command import command
from sweeps.provenance.crate import write_crate


def main() -> None:
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="the lineage's folder, results/<lineage>")
    parser.add_argument("--out", required=True, help="folder to write; made anew")
    parser.add_argument("--date", default=today, help="datePublished, ISO 8601 (today, if left out)")
    print(write_crate(**vars(parser.parse_args())))


command(main)
