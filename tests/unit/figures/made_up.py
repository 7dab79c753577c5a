"""Versions made from a formula, as many parameters and trials as a test asks for, with evidence that looks the part.

The figures of the evidence are not computed by any statistic: pictures and pages are tested with these, not numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import synthetic

from sweeps.config.models import Condition, Explore, ParamRange
from sweeps.decisions.model import Decision, NewRange, Overridden, Refused
from sweeps.decisions.proposal import propose
from sweeps.evidence import Evidence
from sweeps.evidence.model import (
    Agreement,
    Bound,
    Curvature,
    Direction,
    Elites,
    EliteSet,
    Failures,
    Importance,
    Level,
    Levels,
    Noise,
    Pair,
    ParameterEvidence,
    PrunedSensitivity,
    Settings,
    StateCounts,
)
from sweeps.figures.inputs import View
from sweeps.records import finished, parameter_column, table_digest, typed
from sweeps.space import Space, choice_key, is_ordered

LONG = "a_parameter_with_a_very_long_name_as_people_do_write_them"
HOSTILE = ("lr_$x^2$", "50%_<script>alert(1)</script>", "a&b_{c}\\frac", "näme with spaces ✓", "]]>\"'`")


def space(count: int = 19, names: Sequence[str] = ()) -> Space:
    """The first ``count`` of nineteen parameters of all kinds; ``names`` replaces the first ones' names."""
    cnn = {"equals": {"encoder_type": "cnn"}}
    context = {"equals": {"encoder_type": "context"}}
    kinds = {
        "lr": ParamRange(type="float", low=5e-5, high=0.01, log=True),
        "depth": ParamRange(type="int", low=2, high=6),
        "encoder_type": ParamRange(type="categorical", choices=["cnn", "context"]),
        "batch_size": ParamRange(type="categorical", choices=[8, 16, 32, 64]),
        "weight_decay": ParamRange(type="float", low=1e-7, high=0.1, log=True),
        "label_smoothing": ParamRange(type="float", low=0.0, high=0.2),
        "embed_dim": ParamRange(type="categorical", choices=[128, 256, 384, 512, 768]),
        "use_scheduler": ParamRange(type="categorical", choices=[False, True]),
        "use_cosine": ParamRange(type="categorical", choices=[False, True]),
        "temperature": ParamRange(type="float", low=5.0, high=20.0),
        "demo_agg": ParamRange(type="categorical", choices=["flatten", "mean", "attention_over_all_pairs"]),
        "width_mult": ParamRange(type="float", low=0.5, high=3.0, condition=Condition(**cnn)),
        "mlp_hidden": ParamRange(type="categorical", choices=[256, 512, 1024, 2048]),
        "use_coords": ParamRange(type="categorical", choices=[False, True]),
        "ctx_d_model": ParamRange(type="categorical", choices=[128, 256, 512], condition=Condition(**context)),
        "ctx_n_head": ParamRange(type="categorical", choices=[2, 4, 8], condition=Condition(**context)),
        "ctx_pixel_layers": ParamRange(type="int", low=1, high=5, condition=Condition(**context)),
        "ctx_grid_layers": ParamRange(type="int", low=1, high=3, condition=Condition(**context)),
        "ctx_dropout": ParamRange(type="float", low=0.0, high=0.3, condition=Condition(**context)),
    }
    chosen = dict(list(kinds.items())[:count])
    replaced = dict(zip([name for name in chosen if name != "encoder_type"], names, strict=False))
    return Space({replaced.get(name, name): item for name, item in chosen.items()}, {"epochs": 9, "seed": 7})


def view(
    version: str = "v2",
    trials: int = 60,
    of: Space | None = None,
    *,
    seed: int = 1,
    bare: bool = False,
    rate: bool = True,
) -> View:
    """A version; ``bare`` without evidence, decisions and epochs; ``rate=False`` with a loss and no counts."""
    of = of or space()
    plan = synthetic.make_plan(version, of, n_trials=trials).model_copy(
        update={"direction": "maximize" if rate else "minimize"}
    )
    rows, epochs = [], []
    for slot in plan.slots:
        rng = np.random.default_rng([seed, slot.slot])
        chosen = synthetic.draw(of, slot.fixed, rng)
        score = sum(
            math.sin(2.0 + 3.0 * _unit(of, name, value)) / (rank + 1)
            for rank, (name, value) in enumerate(chosen.items())
        )
        level = 0.3 + 0.5 / (1 + math.exp(-score - 0.1 * seed))
        state = "FAIL" if slot.slot % 23 == 11 else "PRUNED" if level < 0.55 and rng.random() < 0.45 else "COMPLETE"
        length = {"FAIL": 1, "PRUNED": 3}.get(state, 9)
        curve = [
            _epoch(level * (1 - math.exp(-0.5 * (epoch + 1))), epoch, slot.slot, rng, rate) for epoch in range(length)
        ]
        best = (max if rate else min)(curve, key=lambda row: row["value"])
        shown = best if state == "COMPLETE" else curve[-1]
        epochs += curve
        row = {
            "slot": slot.slot,
            "generation": slot.generation,
            "arm": slot.arm,
            "state": state,
            "value": None if state == "FAIL" else shown["value"],
            "best_epoch": best["epoch"],
            "epochs": length,
            "reason": "non-finite loss" if state == "FAIL" else None,
        }
        row |= {parameter_column(name): chosen.get(name) for name in of.parameters}
        rows.append(row | {key: value for key, value in shown.items() if "_" in key})
    table = typed(pd.DataFrame(rows), of)
    if bare:
        return View(plan, None, table, table_digest(table))  # type: ignore[arg-type]
    found = evidence(table, of, plan.direction)
    return View(plan, None, table, table_digest(table), pd.DataFrame(epochs), found, decisions(found, of))  # type: ignore[arg-type]


def _unit(of: Space, name: str, value: object) -> float:
    item = of.parameters[name]
    ends = of.to_scale(name, item.choices if item.type == "categorical" else [item.low, item.high])
    return float((of.to_scale(name, [value])[0] - ends.min()) / ((ends.max() - ends.min()) or 1.0))


def _epoch(level: float, epoch: int, slot: int, rng: np.random.Generator, rate: bool) -> dict[str, object]:
    sizes = (30, 28, 22, 16)
    correct = [int(rng.binomial(size, level)) for size in sizes]
    row: dict[str, object] = {"slot": slot, "epoch": epoch + 1, "value": sum(correct) / sum(sizes)}
    if not rate:
        return row | {"value": 10 * (1 - sum(correct) / sum(sizes)) ** 2}
    row |= {f"correct_{index}": count for index, count in enumerate(correct)}
    return row | {f"total_{index}": size for index, size in enumerate(sizes)}


def evidence(table: pd.DataFrame, of: Space, direction: str) -> Evidence:
    """Records of the right shape, with figures near the truth where that is cheap."""
    done = finished(table)
    ranked = done.sort_values("value", ascending=direction == "minimize", kind="stable")
    elites = ranked.head(max(5, math.ceil(len(done) / 4)))
    parameters = tuple(_parameter(name, of, done, elites) for name in of.parameters)
    states = table["state"].value_counts()
    names = list(of.parameters)
    return Evidence(
        digest=table_digest(table),
        direction=direction,
        settings=Settings(),
        rows=len(table),
        n=len(done),
        states=StateCounts(complete=len(done), pruned=int(states.get("PRUNED", 0)), fail=int(states.get("FAIL", 0))),
        best=float(ranked["value"].iloc[0]),
        best_slot=int(ranked["slot"].iloc[0]),
        mean=float(done["value"].mean()),
        baseline=0.3125 if "total_0" in table else None,
        evaluation_error=0.045,
        evaluation_size=96,
        degenerate_share=0.1,
        noise=Noise(sigma=0.012, degrees=8, replicates=5, single_difference=0.036),
        sigma_seed=0.012,
        tests=len(names),
        elites=EliteSet(gamma=0.25, count=len(elites), slots=tuple(int(slot) for slot in elites["slot"])),
        pair=Pair(status="ok", first=names[0], second=names[1], strength=0.21, fit=0.44, p=0.012, credible=True),
        parameters=parameters,
    )


def _parameter(name: str, of: Space, done: pd.DataFrame, elites: pd.DataFrame) -> ParameterEvidence:
    item, column = of.parameters[name], parameter_column(name)
    active = done[done[column].notna()]
    own = elites[elites[column].notna()]
    ordered = is_ordered(item)
    kind = item.type if item.type != "categorical" else "ordered" if ordered else "categorical"
    kind = "boolean" if item.choices == [False, True] else kind
    ends = of.to_scale(name, item.choices) if ordered and item.choices else np.array([])
    low = float(min(item.choices)) if ordered and item.choices else item.low
    high = float(max(item.choices)) if ordered and item.choices else item.high
    direction, bounds, agreement = None, (), None
    n = len(active)
    if ordered and n >= 4:
        scale = pd.Series(of.to_scale(name, active[column]), index=active.index)
        rho = float(scale.rank().corr(active["value"].rank()) or 0.0)
        rho = 0.0 if math.isnan(rho) else rho
        reach = 1.96 * math.sqrt((1 + rho**2 / 2) / max(n - 3, 1))
        p = math.erfc(abs(rho) * math.sqrt(n) / math.sqrt(2))
        detectable = min(2.8 / math.sqrt(n), 1.0)
        direction = Direction(
            status="ok",
            n=n,
            rho=rho,
            p=p,
            naive_p=p / 2,
            holm=min(1.0, p * 8),
            low=math.tanh(math.atanh(rho) - reach),
            high=math.tanh(math.atanh(rho) + reach),
            detectable=detectable,
            detectable_holm=min(1.2 * detectable, 1.0),
            verdict="effect" if p * 8 < 0.05 else "not enough trials",
            curvature=Curvature(status="ok", p=0.4),
        )
        unit = (scale - scale.min()) / ((scale.max() - scale.min()) or 1)
        bounds = tuple(_bound(side, value, unit, active, own) for side, value in (("low", low), ("high", high)))
    keys = [choice_key(value) for value in active[column]]
    if item.type == "categorical" and len(own):
        most = max(
            item.choices or [], key=lambda choice: sum(choice_key(value) == choice_key(choice) for value in own[column])
        )
        x = sum(choice_key(value) == choice_key(most) for value in own[column])
        agreement = Agreement(
            value=most, x=x, m=len(own), k=keys.count(choice_key(most)), n=n, p=0.03 if x > 8 else 0.4
        )
    numeric = [float(value) for value in own[column]] if ordered else []
    levels = None
    if item.type == "categorical":
        levels = Levels(
            status="ok",
            p=0.2,
            holm=0.9,
            levels=tuple(
                Level(
                    value=choice,
                    n=keys.count(choice_key(choice)),
                    mean=float(active["value"][[key == choice_key(choice) for key in keys]].mean())
                    if choice_key(choice) in keys
                    else None,
                    underpowered=False,
                )
                for choice in item.choices or []
            ),
        )
    place = list(of.parameters).index(name)
    share = 0.4 / (place + 1.5)
    return ParameterEvidence(
        name=name,
        kind=kind,
        log=item.log,
        low=low,
        high=high,
        choices=tuple(item.choices or ()),
        n=len(done),
        n_active=n,
        n_values=len(set(keys)),
        direction=direction,
        bounds=bounds,
        levels=levels,
        parents=tuple(of.parents(name)),
        elites=Elites(
            status="ok",
            count=len(elites),
            active=len(own),
            n_active=n,
            slots=tuple(int(s) for s in own["slot"]),
            values=tuple(own[column]),
            low=min(numeric, default=None),
            high=max(numeric, default=None),
            span=0.5,
            agreement=agreement,
            concentration_p=0.2,
            stable=True,
        ),
        importance=Importance(
            status="ok",
            gamma=0.25,
            share=share,
            low=share * 0.5,
            high=min(share * 1.7, 1),
            null=0.09,
            p=0.01 if share > 0.09 else 0.5,
            above_null=share > 0.09,
        ),
        pruned=PrunedSensitivity(status="ok", n_pruned=5, rho=0.1),
        failures=Failures(status="ok", failed=1, share=0.02),
        notes=("drawn from a formula",) if ends.size else (),
    )


def _bound(side: str, value: float | None, unit: pd.Series, active: pd.DataFrame, own: pd.DataFrame) -> Bound:
    there = unit <= 0.1 if side == "low" else unit >= 0.9
    elites = int(there[active["slot"].isin(own["slot"])].sum())
    share, density = elites / max(len(own), 1), float(there.mean())
    return Bound(
        side=side,
        value=value or 0.0,
        elites=elites,
        elite_share=share,
        trials=int(there.sum()),
        trial_share=density,
        p=0.02 if share > 2 * density else 0.6,
        trend=0.3,
        hit=share > 2 * density > 0,
    )


def decisions(found: Evidence, of: Space) -> tuple[Decision, ...]:
    """One decision a parameter, all five actions among them, one of them overridden."""
    made = []
    for index, item in enumerate(found.parameters):
        action, new = "KEEP", NewRange()
        spec = of.parameters[item.name]
        confidence = ("HIGH", "MODERATE", "LOW")[index % 3]
        if item.kind == "float" and item.elites.low is not None and index % 2 == 0:
            action = "NARROW"
            new = NewRange(
                low=item.elites.low, high=item.elites.high, explore=Explore(low=spec.low, high=spec.high, share=0.15)
            )
        elif item.kind == "int":
            action, new = "EXPAND", NewRange(high=int(spec.high or 0) + 4)
        elif item.kind == "boolean" and index % 2:
            action, new = "FIX", NewRange(value=True)
        elif item.kind == "categorical" and len(spec.choices or []) == 2:
            action, new = "BIAS", NewRange(quotas=(0.75, 0.25))
        override = None
        if index == 1:
            override = Overridden(
                source="person", reason="Memory allows more", action="KEEP", confidence="LOW", new=NewRange()
            )
        made.append(
            Decision(
                parameter=item.name,
                action=action,
                confidence=confidence,
                new=new,
                policy="rigorous",
                rule="made_up",
                reasons=(
                    f"The {item.elites.active} elites lie there.",
                    "This sentence is longer, so that a line must break.",
                ),
                evidence={"rho": item.direction.rho if item.direction else None, "n": item.n_active},
                thresholds={"alpha": 0.05},
                refused=(Refused(action="FIX", rule="fix", reason="what it may cost exceeds the margin"),),
                override=override,
            )
        )
    return tuple(made)


def chain(trials: int = 60, count: int = 19, names: Sequence[str] = (), versions: int = 3) -> list[View]:
    """v2 and its children, each derived from the one before."""
    views = [view("v2", trials, space(count, names))]
    for index in range(1, versions):
        views.append(view(f"v{index + 2}", trials, propose(views[-1].space, views[-1].decisions), seed=index + 1))
    return views
