import re
from pathlib import Path
from typing import get_args

import yaml

from sweeps.config import expectations
from sweeps.config.loading import check
from sweeps.config.models import Sweep
from sweeps.outcome import Registered
from sweeps.outcome.score import SCORERS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "outcome.md").read_text()
KINDS = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in get_args(get_args(expectations.Expectation)[0])
}


def test_the_example_of_the_page_is_valid():
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        content = yaml.safe_load(block)
        sweep = check(Sweep, {"study_name": "s", "n_trials": 1, "param_ranges": {}, **content}, "docs/outcome.md")
        assert not Registered.model_validate(sweep.model_dump(mode="json")).empty


def test_every_kind_has_a_row_with_all_its_keys_and_a_scorer():
    assert set(SCORERS) == set(KINDS)
    for name, kind in KINDS.items():
        row = re.search(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE).group(0)
        keys = set(kind.model_fields) - {"kind", "name", "source"}
        assert all(f"`{key}`" in row for key in keys), (name, keys)


def test_the_seeds_v3_registers_all_tiers_targets_and_criteria():
    sweep = check(Sweep, yaml.safe_load((ROOT / "config" / "sweeps" / "v3.yaml").read_text()), "v3.yaml")
    assert len(sweep.targets) == 3
    assert set(sweep.success) == {"minimum", "full", "exceptional"}
    assert len(sweep.hypotheses) == 4
    assert {item.source[:19] for item in sweep.criteria} == {
        "Decision Criteria 1",
        "Decision Criteria 2",
        "Decision Criteria 3",
        "Decision Criteria 4",
    }
