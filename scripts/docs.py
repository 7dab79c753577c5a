"""Write what is generated from the models: schemas, config/README.md and the default files."""

import argparse
from pathlib import Path

from sweeps.command import command
from sweeps.documentation import write_documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=Path(__file__).resolve().parents[1], help="where to write; the repository")
    written = write_documents(parser.parse_args().root)
    print("\n".join(f"wrote {name}" for name in written) or "nothing changed")


command(main)
