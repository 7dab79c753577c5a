"""Tasks as coloured grids."""

import base64
import io

import pytest
from PIL import Image

from sweeps.champions import TestRun
from sweeps.digests import write_json
from sweeps.examples import FILE, choose_examples
from sweeps.report.examples import CELL, picture, read_examples

RUN = TestRun(
    role="champion-1",
    seed=3,
    epochs=2,
    classes=["add", "move", "crop"],
    names=["a", "b", "c", "d"],
    truth=[0, 1, 2, 0],
    probabilities=[[0.9, 0.05, 0.05], [0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3]],
)


def pairs_of(name):
    return [([[0, 1], [2, 3]], [[9]])] * 3


def test_the_surest_right_and_wrong_answers_are_chosen():
    found = choose_examples(RUN, pairs_of, each=1)
    assert [(item.name, item.right) for item in found.examples] == [("a", True), ("c", False)]
    assert found.examples[1].answer == "add" and found.examples[1].truth == "crop"


def test_no_class_fills_the_page():
    run = RUN.model_copy(update={"names": list("abcdef"), "truth": [0] * 6, "probabilities": [[0.9, 0.1, 0]] * 6})
    assert len(choose_examples(run, pairs_of).examples) == 2


def test_examples_are_read_back_with_the_right_ones_first(tmp_path):
    write_json(tmp_path / FILE, choose_examples(RUN, pairs_of).model_dump(mode="json"))
    shown = read_examples(tmp_path)
    assert [item.example.right for item in shown] == [True, True, False, False]
    assert len(shown[0].pictures) == 2


def test_a_version_without_examples_shows_none(tmp_path):
    assert read_examples(tmp_path) == ()


@pytest.mark.parametrize("grid", [[[0, 9], [5, 1]], [[3]], [], [[0, 1], [2]], [[12, -1]]])
def test_any_grid_becomes_a_picture(grid):
    data = base64.b64decode(picture(grid).removeprefix("data:image/png;base64,"))
    image = Image.open(io.BytesIO(data))
    assert image.height == CELL * max(len(grid), 1)
