"""A champion's model card: every figure from a file, with intervals and limits, whatever the classes are called."""

import re

import pytest
import synthetic

from sweeps.champions import TestRun, write_champions
from sweeps.config.problems import ConfigError
from sweeps.digests import digest_of_file, write_json
from sweeps.modelcard.card import read_card, render, write_card

CLASSES = ["recolour", synthetic.HOSTILE, "rare"]
TRUTH = [0] * 12 + [1] * 12 + [2]


def a_run(seed, wrong):
    answers = [1 - truth if place < wrong and truth < 2 else truth for place, truth in enumerate(TRUTH)]
    shares = [[0.8 if answer == index else 0.1 for index in range(3)] for answer in answers]
    names = [f"task{index}" for index in range(len(TRUTH))]
    run = TestRun(
        role="champion-1", seed=seed, epochs=3, classes=CLASSES, names=names, truth=TRUTH, probabilities=shares
    )
    return run.model_dump(mode="json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = synthetic.write_lineage(tmp_path_factory.mktemp("card")) / "v3"
    runs = [folder / "champions" / f"champion-1-s{seed:02d}.json" for seed in range(2)]
    for seed, file in enumerate(runs):
        write_json(file, a_run(seed, wrong=3 * seed))
    write_champions(folder / "plan.json", folder / "trials.csv", runs, folder / "champions.json")
    facts = {"parameters": 1234, "epochs": 3, "trained_on": {"tasks": 900}, "resolved": {"train": {"lr": 0.01}}}
    write_json(folder / "champions" / "model" / "model.json", facts)
    return folder


def test_its_figures_are_those_of_the_files(folder):
    text = write_card(folder, folder / "model_card.md")
    assert "On 25 test examples" in text and "**94.0 %** (2 runs with fresh seeds: 100.0 %, 88.0 %)" in text
    assert "Trained on 900 examples" in text and "| `train.lr` | `0.01` |" in text and "| weights | 1,234 |" in text
    assert digest_of_file(folder / "champions" / "model" / "model.json") in text
    assert digest_of_file(folder / "seal.json") in text
    assert (folder / "model_card.md").read_text(encoding="utf-8") == text


def test_a_class_has_an_interval_for_its_examples_and_a_rare_one_is_named_as_a_limit(folder):
    card = read_card(folder)
    rare, common = card.classes[2], card.classes[0]
    assert rare.test == 1 and rare.right == 1.0 and rare.low < 0.03 and rare.high == 1.0
    assert common.low < common.right < common.high
    assert card.scarce == ["rare"]
    assert "`rare` has fewer than 10 test examples" in render(card)


def test_hostile_class_names_stay_text(folder):
    outside = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", render(read_card(folder)))
    assert "<script" not in outside and not re.search(r"(?<!\\)\]\(", outside)


def test_a_version_without_champions_has_no_card(folder, tmp_path):
    bare = synthetic.write_lineage(tmp_path) / "v2"
    with pytest.raises(ConfigError, match="make the champions first"):
        write_card(bare, tmp_path / "model_card.md")
