"""Say what kind of transformation ARC tasks are, with an exported champion."""

import argparse
import json
from pathlib import Path

from sweeps.command import command
from sweeps.objectives.arc.prediction import read_model
from sweeps.objectives.arc.tasks import tasks_in_files

PUBLISHED = Path(__file__).resolve().parents[1] / "results/published/v4/champions/model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="+", type=Path, help="ARC task files (JSON), or folders of them")
    parser.add_argument("--model", type=Path, default=PUBLISHED, help="its folder; the published champion otherwise")
    parser.add_argument("--json", action="store_true", help="all probabilities, as JSON")
    args = parser.parse_args()
    tasks, model = tasks_in_files(args.tasks), read_model(args.model)
    for task, row in zip(tasks, model.answer(tasks), strict=True):
        shares = dict(zip(model.classes, row.tolist(), strict=True))
        best = max(shares, key=shares.__getitem__)
        name = task.id if task.id.isprintable() and task.id else json.dumps(task.id)
        record = {"task": task.id, "kind": best, "probabilities": shares}
        print(json.dumps(record) if args.json else f"{name}  {best}  {shares[best]:.3f}")


command(main)
