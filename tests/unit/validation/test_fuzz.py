"""Whatever stands in a file, the answer is a list of problems or a configuration: never another exception."""

from __future__ import annotations

import copy
import os
import random
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeps.config.loading import load_lineage, load_sweep
from sweeps.config.models import Lineage, ParamRange, Pruner, Sweep, Version
from sweeps.config.problems import ConfigError
from sweeps.validation import Invalid, validate

SOUND_SWEEP: dict[str, Any] = {
    "study_name": "s",
    "storage_url": "postgresql://h/d",
    "n_trials": 60,
    "direction": "maximize",
    "pruner": {"type": "hyperband", "min_resource": 1, "max_resource": 9, "reduction_factor": 3},
    "fixed": {"epochs": 9, "seed": 1, "early_stop_patience": 3, "val_ratio": 0.2, "stratify": True},
    "param_ranges": {
        "lr": {
            "type": "float", "low": 1e-4, "high": 0.1, "log": True, "explore": {"low": 1e-5, "high": 1.0, "share": 0.1}
        },
        "batch": {"type": "categorical", "choices": [8, 16, 32]},
        "encoder": {"type": "categorical", "choices": ["cnn", "cnn", "context"]},
        "depth": {"type": "int", "low": 1, "high": 4, "condition": {"equals": {"encoder": "cnn"}}},
        "width": {"type": "float", "low": 0.5, "high": 2, "step": 0.5, "condition": {"equals": {"encoder": ["cnn"]}}},
        "heads": {"type": "categorical", "choices": [2, 4], "condition": {"equals": {"encoder": "context"}}},
        "scheduler": {"type": "categorical", "choices": [True, False], "quotas": [0.5, 0.5]},
    },
    "overrides": {"lr": {"action": "NARROW", "reason": "as it was", "low": 0.001, "high": 0.01}},
}  # fmt: skip
SOUND_LINEAGE: dict[str, Any] = {
    "lineage": "demo",
    "objective": {"name": "arc", "options": {"labels": "computed"}},
    "store": {"url": "sqlite:///study.db"},
    "shards": {"count": 2, "device": "cpu"},
    "history": {"mode": "generation", "size": 4},
    "limits": {"depth": {"low": 1, "high": 8}},
    "versions": {
        "v2": {"sweep": "sweep.yaml", "trials": {"file": "t.csv", "parameters": {"lr": "rate"}}},
        "v3": {"sweep": "sweep.yaml", "parent": "v2"},
    },
}
FIELDS = sorted({name for model in (Sweep, ParamRange, Pruner, Lineage, Version) for name in model.model_fields})
WORDS = st.sampled_from([*FIELDS, "lr", "encoder", "cnn", "equals", "1e-3", "", "..", "v2", "v3", "\x00", "a\nb", "ÿ☃"])

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, -1, 10**400, 2**64]),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.binary(max_size=4),
    WORDS,
)
keys = st.one_of(WORDS, st.text(max_size=6), st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False))
junk = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=25,
)
EXAMPLES = int(os.environ.get("FUZZ", "30"))
"""Examples a test; FUZZ=2000 for a long search."""

SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def answer(file: Path) -> None:
    """Ask everything that reads a file; anything but a ConfigError fails the test."""
    for ask in (validate, load_sweep, load_lineage):
        try:
            given_back = ask(file)
        except ConfigError as failure:
            assert failure.problems
            str(failure).encode("utf-8")
            continue
        if ask is validate:
            given_back.summary().encode("utf-8")
            str(Invalid(given_back)).encode("utf-8")
            assert all(problem.file and problem.message for problem in given_back.problems)


def write(path: Path, content: Any) -> Path:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8", errors="surrogatepass")
    return path


@SETTINGS
@given(content=junk)
def test_any_value_of_yaml_gets_an_answer(content: Any, tmp_path: Path) -> None:
    answer(write(tmp_path / "sweep.yaml", content))


@SETTINGS
@given(content=st.binary(max_size=200))
def test_any_bytes_get_an_answer(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_bytes(content)
    answer(path)


@SETTINGS
@given(text=st.text(alphabet="abn01: -{}[],&*!|>'\"%@`#?<\n\t.eE+", max_size=80))
def test_any_text_of_yaml_signs_gets_an_answer(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    answer(path)


@SETTINGS
@given(value=junk, seed=st.integers(0, 10**6), wounds=st.integers(1, 3))
def test_a_sound_sweep_with_wounds_gets_an_answer(value: Any, seed: int, wounds: int, tmp_path: Path) -> None:
    answer(write(tmp_path / "sweep.yaml", wounded(SOUND_SWEEP, value, random.Random(seed), wounds)))


@SETTINGS
@given(value=junk, seed=st.integers(0, 10**6), wounds=st.integers(1, 3))
def test_a_sound_lineage_with_wounds_gets_an_answer(value: Any, seed: int, wounds: int, tmp_path: Path) -> None:
    write(tmp_path / "sweep.yaml", SOUND_SWEEP)
    answer(write(tmp_path / "lineage.yaml", wounded(SOUND_LINEAGE, value, random.Random(seed), wounds)))


def wounded(content: Any, value: Any, rng: random.Random, wounds: int) -> Any:
    """A copy in which some places hold ``value``, or stand under another key, or are gone."""
    content = copy.deepcopy(content)
    for _ in range(wounds):
        places = list(walk(content))
        holder, key = rng.choice(places)
        way = rng.randrange(4)
        if way == 0 and isinstance(holder, dict):
            holder[f"{key}x"] = holder.pop(key)
        elif way == 1:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(value)
        if not content:
            break
    return content


def walk(content: Any) -> Any:
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield content, key
        yield from walk(value)
