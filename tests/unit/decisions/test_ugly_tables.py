"""Tables with the flaws that recorded sweeps have, through import, audit, evidence and decisions.

Each gives a finding that names the flaw or an error that says how to mend it, and no confident decision that is wrong.
In all of them lr is best at 1e-3, depth the higher the better and opt best as adam; dropout and idle do nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sweeps.audit import audit
from sweeps.config.models import Condition, ImportedTrials, ParamRange
from sweeps.config.problems import ConfigError
from sweeps.decisions import decide, propose
from sweeps.imports import import_trials
from sweeps.space import Space

SIZES = {"a": 60, "b": 40, "c": 25}
SPACE = Space(
    {
        "lr": ParamRange(type="float", low=1e-5, high=1e-1, log=True),
        "dropout": ParamRange(type="float", low=0.0, high=0.5),
        "depth": ParamRange(type="int", low=2, high=12),
        "batch": ParamRange(type="categorical", choices=[8, 16, 32, 64]),
        "opt": ParamRange(type="categorical", choices=["adam", "sgd", "lion"]),
        "aug": ParamRange(type="categorical", choices=[False, True]),
        "mag": ParamRange(type="float", low=0.0, high=1.0, condition=Condition(equals={"aug": True})),
        "idle": ParamRange(type="float", low=0.0, high=1.0),
    }
)


def table(n: int = 80, seed: int = 0) -> pd.DataFrame:
    """A sound one."""
    random = np.random.default_rng(seed)
    found = pd.DataFrame({"number": range(n), "state": "COMPLETE"})
    found["params_lr"] = 10 ** random.uniform(-5, -1, n)
    found["params_dropout"] = random.uniform(0, 0.5, n)
    found["params_depth"] = random.integers(2, 13, n)
    found["params_batch"] = random.choice([8, 16, 32, 64], n)
    found["params_opt"] = random.choice(["adam", "sgd", "lion"], n)
    found["params_aug"] = random.random(n) < 0.5
    found["params_mag"] = np.where(found["params_aug"], random.uniform(0, 1, n), np.nan)
    found["params_idle"] = random.uniform(0, 1, n)
    rate = 0.75 - 0.04 * (np.log10(found["params_lr"]) + 3) ** 2 + 0.01 * (found["params_depth"] - 7)
    rate += 0.06 * (found["params_opt"] == "adam") + 0.01 * random.normal(size=n)
    for name, size in SIZES.items():
        found[f"correct_{name}"] = random.binomial(size, rate.clip(0.02, 0.98))
        found[f"total_{name}"] = size
    found["value"] = found[[f"correct_{name}" for name in SIZES]].sum(axis=1) / sum(SIZES.values())
    return found


def uncounted(found: pd.DataFrame) -> pd.DataFrame:
    return found.drop(columns=[name for name in found if name.startswith(("correct_", "total_"))])


def with_rates(found: pd.DataFrame) -> pd.DataFrame:
    rates = {f"acc_{name}": found[f"correct_{name}"] / size for name, size in SIZES.items()}
    return uncounted(found).assign(**rates)


def copies(found: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([found, found.iloc[10:40]])


def renumbered(found: pd.DataFrame) -> pd.DataFrame:
    return copies(found).assign(number=range(len(found) + 30))


def two_studies(found: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([found, table(80, 1).assign(value=lambda other: other["value"] + 0.1)])


def trending(found: pd.DataFrame) -> pd.DataFrame:
    """Nothing but time moves the metric, while the search closes in on high idle and lr."""
    random = np.random.default_rng(2)
    left = 1 - 0.9 * found["number"] / len(found)
    found = uncounted(found).assign(value=0.5 + 0.004 * found["number"] + 0.03 * random.normal(size=len(found)))
    found["params_idle"] = 0.8 + left * (found["params_idle"] - 0.8)
    found["params_lr"] = 10 ** (-2 + left * (np.log10(found["params_lr"]) + 2))
    return found


def other_codes(found: pd.DataFrame) -> pd.DataFrame:
    return found.assign(params_opt=found["params_opt"].map({"adam": 0, "sgd": 1, "lion": 2}))


def weighted_by_batch(found: pd.DataFrame) -> pd.DataFrame:
    return found.assign(value=found["value"] + 0.15 * (64 - found["params_batch"]) / 64)


RATES = {"class_rates": "acc_{class}", "class_sizes": SIZES}
FLAWS = {
    "copies of rows": (copies, {}, "duplicated-rows"),
    "copies under other numbers": (renumbered, {}, "repeated-configurations"),
    "a parameter that never varied": (lambda t: t.assign(params_opt="adam"), {}, "one-value-only"),
    "two parameters that are one": (
        lambda t: t.assign(params_idle=(np.log10(t["params_lr"]) + 5) / 4),
        {},
        "confounded",
    ),
    "a number that a level decides": (
        lambda t: t.assign(params_idle=0.1 * t["params_idle"] + 0.8 * (t["params_opt"] == "adam")),
        {},
        "confounded",
    ),
    "conditional values missing": (
        lambda t: t.assign(params_mag=t["params_mag"].where(t["number"] % 3 > 0)),
        {},
        "active-missing",
    ),
    "conditional values filled": (lambda t: t.assign(params_mag=t["params_mag"].fillna(0.0)), {}, "inactive-filled"),
    "pruned to the last": (lambda t: t.assign(state="PRUNED"), {}, "few-trials"),
    "percent as text": (lambda t: t.assign(value=[f"{v:.2%}" for v in t["value"]]), {}, "metric-percent"),
    "percent in half of the rows": (
        lambda t: uncounted(t.assign(value=t["value"].where(t["number"] % 2 == 0, 100 * t["value"]))),
        {},
        "metric-mixed-units",
    ),
    "no number and infinity": (
        lambda t: t.assign(value=[np.nan if i < 5 else np.inf if i < 9 else v for i, v in enumerate(t["value"])]),
        {},
        "values-infinite",
    ),
    "an error rate maximized": (lambda t: t.assign(value=1 - t["value"]), {}, "direction-swapped"),
    "class sizes that do not sum": (
        with_rates,
        {"class_rates": "acc_{class}", "class_sizes": SIZES | {"a": 50}},
        "counts-impossible",
    ),
    "rates that are no count": (
        lambda t: with_rates(t).assign(acc_b=lambda r: (r["acc_b"] + 0.0037).clip(upper=1)),
        RATES,
        "counts-impossible",
    ),
    "time instead of parameters": (trending, {}, "drift"),
    "values outside the space": (lambda t: t.assign(params_lr=np.log10(t["params_lr"])), {}, "outside-space"),
    "levels under other names": (other_codes, {}, "outside-space"),
    "two sweeps in one table": (two_studies, {}, "repeated-slots"),
    "the numbers follow the value": (
        lambda t: t.sort_values("value", ascending=False).assign(number=range(len(t))),
        {},
        "sorted-by-value",
    ),
    "only the best were kept": (lambda t: table(300).nlargest(40, "value"), {}, "missing-slots"),
    "a metric that a parameter weights": (weighted_by_batch, {}, "effect-is-artefact"),
    "three trials": (lambda t: t.head(3), {}, "few-trials"),
    "zombies": (
        lambda t: t.assign(state=t["state"].where(t["number"] < 60, "RUNNING")),
        {},
        "unfinished-rows",
    ),
}
RIGHT = {
    ("lr", "NARROW"),
    ("depth", "EXPAND"),
    ("depth", "NARROW"),
    ("opt", "BIAS"),
    ("opt", "FIX"),
}


def imported(found: pd.DataFrame, folder, **source) -> pd.DataFrame:
    found.to_csv(folder / "t.csv", index=False)
    return import_trials(ImportedTrials(file="t.csv", **source), SPACE, base=folder).trials


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_is_named_and_misleads_nobody(tmp_path, quick, name):
    spoil, source, code = FLAWS[name]
    trials = imported(spoil(table()), tmp_path, **source)
    assert code in {item.code for item in audit(trials, SPACE).findings}
    decisions = decide(trials, SPACE, quick(), direction="maximize")
    sure = {(d.parameter, d.action) for d in decisions if d.action != "KEEP" and d.confidence != "LOW"}
    assert sure <= RIGHT
    propose(SPACE, decisions)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("two parameters that are one", {"lr", "idle"}),
        ("time instead of parameters", {"lr", "idle"}),
        ("values outside the space", {"lr"}),
        ("levels under other names", {"opt"}),
        ("three trials", set(SPACE.parameters)),
        ("pruned to the last", set(SPACE.parameters)),
        ("a metric that a parameter weights", {"batch"}),
    ],
)
def test_what_cannot_be_told_is_kept(tmp_path, quick, name, parameters):
    spoil, source, _ = FLAWS[name]
    decisions = decide(imported(spoil(table()), tmp_path, **source), SPACE, quick())
    assert {d.action for d in decisions if d.parameter in parameters} == {"KEEP"}


@pytest.mark.parametrize("name", ["percent in half of the rows", "two sweeps in one table", "rates that are no count"])
def test_errors_that_nothing_mends_cap_every_confidence_and_are_quoted(tmp_path, quick, name):
    spoil, source, _ = FLAWS[name]
    decisions = decide(imported(spoil(table()), tmp_path, **source), SPACE, quick())
    assert {d.confidence for d in decisions} == {"LOW"}
    assert any("The audit found" in note for d in decisions for note in d.notes)


@pytest.mark.parametrize("name", ["copies of rows", "copies under other numbers"])
def test_copies_count_once(tmp_path, quick, name):
    spoil, _, _ = FLAWS[name]
    decisions = decide(imported(spoil(table()), tmp_path), SPACE, quick())
    assert max(d.evidence.get("n_active") or 0 for d in decisions) <= 80


@pytest.mark.parametrize(
    ("cells", "mend"),
    [("{:.4f}", "point, not a comma"), ("{:,.1f}", "between thousands"), ("about {:.2f}", "mend the cell")],
)
def test_a_metric_that_is_no_number_is_an_error_with_a_mend(tmp_path, quick, cells, mend):
    values = [cells.format(v if "," not in cells else 10_000 * v) for v in table()["value"]]
    found = table().assign(value=[text.replace(".", ",") if cells == "{:.4f}" else text for text in values])
    with pytest.raises(ConfigError, match=mend):
        decide(found, SPACE, quick())
    with pytest.raises(ConfigError, match=mend):
        imported(found, tmp_path)


def test_percent_as_text_is_read_as_it_is_meant(quick):
    found = table().assign(value=[f"{v:.2%}" for v in table()["value"]])
    assert ("lr", "NARROW", "HIGH") in {(d.parameter, d.action, d.confidence) for d in decide(found, SPACE, quick())}


def test_numbers_that_do_not_follow_the_clock_are_told(tmp_path):
    found = table().assign(datetime_start=pd.date_range("2025-01-01", periods=80, freq="h")[::-1].astype(str))
    found.to_csv(tmp_path / "t.csv", index=False)
    notes = import_trials(ImportedTrials(file="t.csv"), SPACE, base=tmp_path).notes
    assert any("do not follow the time" in note.message for note in notes)


def test_a_loss_that_is_maximized_caps_every_confidence(quick):
    found = uncounted(table()).rename(columns={"value": "val_loss"})
    found["val_loss"] = 1.5 - found["val_loss"]
    assert {d.confidence for d in decide(found, SPACE, quick(), value="val_loss")} == {"LOW"}
    right = decide(found, SPACE, quick(), value="val_loss", direction="minimize")
    assert ("lr", "NARROW", "HIGH") in {(d.parameter, d.action, d.confidence) for d in right}


def test_noise_that_explains_all_differences_caps_every_confidence(quick):
    found = uncounted(table())
    spread = float(found["value"].std())
    assert {d.confidence for d in decide(found, SPACE, quick(), noise=1.2 * spread)} == {"LOW"}
    assert "HIGH" in {d.confidence for d in decide(found, SPACE, quick(), noise=0.1 * spread)}


def test_an_advantage_within_the_noise_of_seeds_fixes_and_biases_nothing(quick):
    opt = next(d for d in decide(uncounted(table()), SPACE, quick(), noise=0.2) if d.parameter == "opt")
    assert opt.action == "KEEP"
    assert any("seeds alone" in item.reason for item in opt.refused)


def test_values_that_explore_an_older_range_are_not_outside(quick):
    lr = SPACE.parameters["lr"].model_copy(update={"low": 1e-4, "high": 1e-2})
    older = {"low": 1e-5, "high": 1e-1, "share": 0.1}
    space = Space({**SPACE.parameters, "lr": ParamRange(**lr.model_dump(exclude_none=True), explore=older)})
    found = decide(table(), space, quick())
    assert next(d for d in found if d.parameter == "lr").rule != "not-of-this-space"
