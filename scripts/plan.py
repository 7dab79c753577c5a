"""Write the frozen plan of one version."""

import argparse
import json

from sweeps.command import command
from sweeps.plan import write_plan
from sweeps.proposal import policy_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lineage_file", help="lineage file, or a single sweep file")
    parser.add_argument("version")
    parser.add_argument("--data", help="folder of the prepared data; none where trials are imported")
    parser.add_argument("--out", required=True, help="plan.json to write")
    parser.add_argument("--proposal", help="the parent's proposal.yaml, for a derived space")
    parser.add_argument("--parent-seal", help="the parent's seal.json")
    parser.add_argument("--overrides", type=json.loads, default={}, help="JSON of keys that replace the lineage file's")
    args = parser.parse_args()
    plan = write_plan(**vars(args), policy=policy_of(args.lineage_file, args.version))
    print(f"{plan.version}: {plan.n_trials} slots in {plan.n_generations()} generation(s), study {plan.study_name!r}")


command(main)
