"""Values that a slot was told to draw from an older, wider range."""

from __future__ import annotations

import pandas as pd

from sweeps.audit import audit
from sweeps.config.models import ParamRange
from sweeps.space import Space

NARROWED = ParamRange(type="float", low=0.1, high=0.5, explore={"low": 0.0, "high": 1.0, "share": 0.2})


def codes(last: float) -> set[str]:
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.15, 0.25, last]
    table = pd.DataFrame(
        {"slot": range(8), "state": ["COMPLETE"] * 8, "value": [v / 2 for v in values], "params_x": values}
    )
    return {item.code for item in audit(table, Space({"x": NARROWED}), direction="maximize", budget=8).findings}


def test_an_explored_value_is_no_value_outside_the_space():
    assert "outside-space" not in codes(0.9)


def test_a_value_outside_the_older_range_is():
    assert "outside-space" in codes(1.5)
