"""The README and docs/: links lead somewhere, names exist, examples run, configurations load."""

from __future__ import annotations

import doctest
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sweeps.benchmarks import BEGIN, ClusterCost, HistoryCost, history_table, scale_table, with_history, with_scale
from sweeps.cluster import Site
from sweeps.config.loading import check
from sweeps.config.models import Lineage, Sweep

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "config" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = ("benchmarks", "config", "docs", "envs", "scripts", "tests", "workflow")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
MADE_LATER = "results/published"
"""Written by `make publish`; a checkout without it has no such files."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    for language, text in FENCE.findall(page.read_text(encoding="utf-8")):
        if language in languages:
            yield re.sub(r"^ {3}", "", text, flags=re.MULTILINE) if text.startswith("   ") else text


def commands(page: Path) -> Iterator[list[str]]:
    """Every command that a page tells to type, in prose and in blocks, word by word."""
    lines = [line for block in blocks(page, "", "sh", "console") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose(page))
    for line in lines:
        line = line.strip().removeprefix("$ ")
        if line.split(" ", 1)[0] in ("make", "python", "snakemake"):
            yield shlex.split(line.replace("...", ""), comments=True)


@each_page
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if path.startswith(("http://", "https://")) or (MADE_LATER in path and not (ROOT / MADE_LATER).exists()):
            continue
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            heads = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads], target


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`([^`\n]+)`", prose(page)):
        if re.fullmatch(rf"({'|'.join(FOLDERS)})/[\w./-]+", name):
            assert (ROOT / name).exists(), f"{page.name} names {name}"


@each_page
def test_commands_exist_with_their_options(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    rules = set(re.findall(r"^rule (\w+):", (ROOT / "workflow" / "rules" / "targets.smk").read_text(), re.MULTILINE))
    for words in commands(page):
        asked = [word for word in words[1:] if re.fullmatch(r"[a-z][a-z-]*", word)]
        if words[0] == "make":
            assert set(asked) <= targets, words
        elif words[0] == "python" and words[1:2] and words[1].startswith("scripts/"):
            script = (ROOT / words[1]).read_text()
            assert all(word.split("=")[0] in script or loop_option(word, script) for word in words if word[:2] == "--")
        elif words[0] == "snakemake":
            profiles = {words[index + 1] for index, word in enumerate(words[:-1]) if word.endswith("profile")}
            assert set(asked) <= rules | profiles, words
            assert profiles - {"PATH/TO/SITE/PROFILE"} <= {"local", "slurm"}, words


def loop_option(word: str, script: str) -> bool:
    """Options that a script adds in a loop over their names."""
    return 'f"--{name}"' in script and f'"{word[2:]}"' in script


@each_page
def test_examples_run(page: Path) -> None:
    if ">>>" in page.read_text(encoding="utf-8"):
        found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
        assert found.attempted > 0
        assert found.failed == 0


@each_page
def test_configurations_load(page: Path) -> None:
    for text in blocks(page, "yaml"):
        content = yaml.safe_load(text)
        if {"versions", "lineage"} & content.keys():
            check(Lineage, {"lineage": "docs", **content}, page)
        elif content.keys() <= Site.model_fields.keys():
            check(Site, content, page)
        else:
            check(Sweep, {"study_name": "docs", "n_trials": 1, **content}, page)


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in PAGES[2:]:
        assert page.name == "README.md" or f"]({page.name})" in index


def test_the_cost_of_generations_is_inserted_from_its_file(tmp_path: Path) -> None:
    row = {
        "regret": 0.2,
        "more": 0.1,
        "more_low": 0.0,
        "more_high": 0.2,
        "slots_to_half": 9,
        "epochs": 60.0,
        "idle": 0.1,
    }
    rows = [{"mode": "shared", "size": None, "shards": 1, "time": 9.0, **row}]
    rows += [{"mode": "generation", "size": size, "shards": 4, "time": 9.0, **row} for size in (8, 16)]
    cost = HistoryCost(slots=16, problems=4, kinds=["u_shaped"], epochs=8, noise=0.1, rows=rows)
    (tmp_path / "history.json").write_text(cost.model_dump_json())
    table = history_table(tmp_path / "history.json")
    assert "| `generation`, size 8 | 4 | 0.20 | +0.10 [+0.00, +0.20] | 9 | 60 | 10% |" in table
    assert "size 16 (learns nothing)" in table
    page = (ROOT / "docs" / "shards.md").read_text()
    assert BEGIN.format(name="history") in page
    assert table in with_history(page, tmp_path / "history.json")


def test_the_cost_of_many_shards_is_inserted_from_its_file(tmp_path: Path) -> None:
    graph = {"history": "shared", "shards": 16, "jobs": 17, "seconds": 1.25, "megabytes": 129.0}
    submitted = {"shards": 16, "seconds_until_all_are_queued": 3.1, "jobs_a_second": None}
    submitted |= {"seconds_to_cancel": 2.0, "seconds_of_a_job": 7.5}
    run = dict.fromkeys(ClusterCost.model_fields, 1) | {"weather": "storm", "exact": False, "training": 0.755}
    cost = {"cores": 2, "python": "3.11", "dag": [graph], "submission": [submitted], "cluster": [run]}
    (tmp_path / "scale.json").write_text(json.dumps(cost))
    page = with_scale((ROOT / "docs" / "scaling.md").read_text(), tmp_path / "scale.json")
    assert "| `shared` | 16 | 17 | 1.2 | 129 |" in page
    assert "| 16 | 3 s | not resolved | 2 s |" in page
    assert "|  | storm |" in page
    assert "| budget exact | NO, 1 slots, 1 failed |" in page
    assert "| of it in recorded epochs | 75.5% |" in page
    assert scale_table(tmp_path / "scale.json").count("\n## ") == 2
