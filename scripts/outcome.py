"""Score a version against what was registered before it ran."""

import argparse

from sweeps.command import command
from sweeps.outcome.reading import write_outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="the version's folder, results/<lineage>/<version>")
    parser.add_argument("--parent", help="the parent's folder")
    parser.add_argument("--out", required=True, help="outcome.json to write")
    outcome = write_outcome(**vars(parser.parse_args()))
    words = [item.verdict for item in outcome.verdicts()]
    counted = ", ".join(f"{words.count(word)} {word}" for word in ("met", "not met", "not decidable"))
    said = f"{counted}; success tier: {outcome.reached or 'none'}" if words else "nothing was registered to be scored"
    print(f"{outcome.version}: {said}")


command(main)
