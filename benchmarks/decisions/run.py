"""Are the decisions right? Simulated lineages on functions of known truth, under every policy.

The families are those of ``functions.py`` on which the thresholds of `rigorous` were not chosen, ``report`` and
``composed``; the other one, on which they were, is called ``calibration``. Finished lineages are kept beside the
output, so that a run that was stopped goes on; a run ends by itself after ``--seconds``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "scripts")]
os.environ.setdefault("OMP_NUM_THREADS", "1")

from functions import FAMILIES, KINDS  # noqa: E402
from lineage import Unit, simulate  # noqa: E402
from tables import markdown, summary  # noqa: E402

from sweeps.digests import digest_of_tree, write_atomically, write_json  # noqa: E402

FORMS = {
    "full": {"n": (20, 50, 100, 200), "sampler": ("tpe", "random"), "noise": (0.1, 0.5), "seeds": 6},
    "small": {"n": (50,), "sampler": ("tpe",), "noise": (0.2,), "seeds": 1},
}
FIRST_SEED = 200
"""Lower ones were looked at while the rules were written."""


def units(form: str, families: list[str], seeds: int | None) -> Iterator[Unit]:
    """All lineages of a form, seed by seed, so that a run cut short has as many in every cell."""
    cells = FORMS[form]
    for seed in range(FIRST_SEED, FIRST_SEED + (seeds or cells["seeds"])):
        cell = itertools.product(families, KINDS, cells["n"], cells["sampler"], cells["noise"])
        for family, kind, n, sampler, noise in cell:
            yield Unit(kind, family, n, sampler, noise, seed)  # type: ignore[arg-type]


def code_digest() -> str:
    """What the figures depend on: a lineage that other code finished is simulated again."""
    package = HERE.parents[1] / "scripts" / "sweeps"
    files = [file for part in ("decisions", "evidence") for file in (package / part).glob("*.py")]
    files += [package / f"{name}.py" for name in ("space", "slots", "statistics", "columns", "fit")]
    policies = list((HERE.parents[1] / "config" / "policies").glob("*.yaml"))
    own = [HERE / f"{name}.py" for name in ("functions", "simulate", "lineage")]
    return digest_of_tree(HERE.parents[1], [*files, *policies, *own])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="results/benchmarks/decisions.json")
    parser.add_argument("--form", choices=FORMS, default="full")
    parser.add_argument("--family", choices=FAMILIES, nargs="*", default=["report", "composed"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1500.0, help="stop starting lineages after this")
    parser.add_argument("--seeds", type=int, help="lineages in each cell; the form's own, if left out")
    arguments = parser.parse_args()
    out, digest = Path(arguments.out), code_digest()
    kept = out.with_suffix(".lineages.jsonl")
    finished = restore(kept, digest)
    todo = [unit for unit in units(arguments.form, arguments.family, arguments.seeds) if unit.key not in finished]
    deadline = time.monotonic() + arguments.seconds
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as log, ProcessPoolExecutor(arguments.processes) as pool:
        waiting, running = iter(todo), {}
        while True:
            while len(running) < arguments.processes and time.monotonic() < deadline:
                unit = next(waiting, None)
                if unit is None:
                    break
                running[pool.submit(timed, unit)] = unit
            if not running:
                break
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                unit = running.pop(done)
                finished[unit.key] = done.result()
                log.write(json.dumps({"code": digest, "key": unit.key, "result": finished[unit.key]}) + "\n")
                log.flush()
            print(f"\r{len(finished)} lineages", end="", file=sys.stderr, flush=True)
    wanted = [unit.key for unit in units(arguments.form, arguments.family, arguments.seeds)]
    found = summary([finished[key] for key in wanted if key in finished])
    found |= {"form": arguments.form, "families": arguments.family, "planned": len(wanted), "code": digest}
    found["cell_settings"] = {
        key: list(value) if isinstance(value, tuple) else value for key, value in FORMS[arguments.form].items()
    }
    write_json(out, found)
    write_atomically(out.with_suffix(".md"), markdown(found))
    print("\n" + markdown(found))


def timed(unit: Unit) -> dict[str, Any]:
    """A finished lineage with the processor time it took."""
    started = time.process_time()
    return simulate(unit) | {"seconds": time.process_time() - started}


def restore(path: Path, digest: str) -> dict[str, dict]:
    """Lineages that the same code finished before; a torn last line is left out."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            item = json.loads(line)
        except ValueError:
            continue
        if item.get("code") == digest:
            found[item["key"]] = item["result"]
    return found


if __name__ == "__main__":
    main()
