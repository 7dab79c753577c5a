"""Every figure: legible at its printed size, the same bytes every time, whatever the names."""

import dataclasses
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import made_up
import pytest
from jinja2 import Template
from matplotlib.text import Text
from PIL import Image

from sweeps.config.problems import ConfigError
from sweeps.figures import NAMES, OF_LINEAGE, registry, style
from sweeps.figures.registry import ENTRIES

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
LONG = [f"{made_up.LONG}_{index}" for index in range(19)]
CASES = {
    "20 trials, 3 hostile names, one version": (20, 3, made_up.HOSTILE, 1),
    "60 trials, 19 parameters, three versions": (60, 19, (), 3),
    "200 trials, 19 long names, two versions": (200, 19, LONG, 2),
}


@pytest.fixture(scope="module", params=CASES, ids=str)
def views(request):
    return made_up.chain(*CASES[request.param])


@pytest.fixture(scope="module")
def small():
    return made_up.chain(20, 4, made_up.HOSTILE, 2)


def drawn(name, views, monkeypatch):
    """The figure, the texts that were really drawn, and the renderer."""
    found, draw = [], Text.draw

    def record(text, renderer, *rest, **options):
        found.append(text)
        return draw(text, renderer, *rest, **options)

    with style.drawing():
        figure = ENTRIES[name].draw(views)
        figure.draw_without_rendering()
        monkeypatch.setattr(Text, "draw", record)
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        boxes = [(text, text.get_window_extent(renderer)) for text in dict.fromkeys(found) if text.get_text().strip()]
    return figure, boxes


@pytest.mark.parametrize("name", sorted(set(ENTRIES) - {"predicted"}))
def test_texts_are_inside_the_page_at_least_7_points_and_do_not_cover_each_other(name, views, monkeypatch):
    figure, boxes = drawn(name, views, monkeypatch)
    width, height = figure.canvas.get_width_height()
    assert figure.get_figwidth() in (style.SINGLE, style.DOUBLE)
    assert figure.get_figheight() <= style.TALLEST
    assert boxes
    for text, box in boxes:
        assert text.get_fontsize() >= style.SMALL, text.get_text()
        inside = box.x0 >= -2 and box.y0 >= -2 and box.x1 <= width + 2 and box.y1 <= height + 2
        assert inside, f"{text.get_text()!r} at {box} leaves the page"
    upright = [(text.get_text(), box) for text, box in boxes if text.get_rotation() == 0 and name != "parallel"]
    for index, (one, box) in enumerate(upright):
        for other, beside in upright[index + 1 :]:
            across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
            along = min(box.y1, beside.y1) - max(box.y0, beside.y0)
            assert across < 4 or along < 4, f"{one!r} covers {other!r}"


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_a_figure_has_the_same_bytes_when_it_is_drawn_again(name, small):
    assert registry.draw(name, small) == registry.draw(name, small)


@pytest.mark.slow
def test_bytes_depend_neither_on_the_working_folder_nor_on_the_hash_seed(tmp_path):
    code = (
        "import hashlib, made_up; from sweeps.figures import OF_LINEAGE, registry; views = made_up.chain(20, 4, (), 2);"
        "print([hashlib.sha256(part).hexdigest() for name in ('lineage', 'forest')"
        " for part in (registry.draw(name, views).pdf, registry.draw(name, views).png)])"
    )
    tests = Path(__file__).resolve().parents[2]
    outputs = set()
    for seed, folder in (("1", tmp_path), ("2", tests)):
        path = os.pathsep.join(map(str, (SCRIPTS, tests, Path(__file__).parent)))
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path, "SOURCE_DATE_EPOCH": seed * 9}
        outputs.add(subprocess.check_output([sys.executable, "-c", code], cwd=folder, env=environment))
    assert len(outputs) == 1


def test_fonts_are_embedded_as_type_42_and_no_date_is_written(small):
    pdf = registry.draw("slices", small).pdf
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"CreationDate" not in pdf and b"ModDate" not in pdf
    assert set(re.findall(rb"/FontName /([A-Z]{6})\+", pdf)) <= {b"AAAAAA", b"AAAAAB", b"AAAAAC", b"AAAAAD"}


def test_the_digest_of_every_table_shown_is_in_the_metadata(small):
    rendered = registry.draw("best_so_far", small)
    picture = Image.open(io.BytesIO(rendered.png))
    for view in small:
        assert view.digest in picture.info["Description"]
        assert view.digest.encode() in rendered.pdf


def test_the_printed_size_is_in_the_png(small):
    picture = Image.open(io.BytesIO(registry.draw("best_so_far", small).png))
    assert picture.width / style.DPI == style.DOUBLE
    assert round(picture.info["dpi"][0]) == style.DPI


def test_a_figure_that_the_trials_do_not_support_says_why():
    bare = [made_up.view(bare=True, trials=12)]
    for name in ("forest", "importance", "bounds", "learning_curves", "predicted", "lineage"):
        assert ENTRIES[name].against(bare)
        assert registry.draw(name, bare).pdf.startswith(b"%PDF")


def test_nothing_is_drawn_from_trials_that_all_failed():
    view = made_up.view(trials=12)
    table = view.trials.assign(state="FAIL", value=float("nan"))
    failed = [dataclasses.replace(view, trials=table)]
    for name, entry in ENTRIES.items():
        if name not in ("lineage", "learning_curves"):
            assert entry.against(failed), name


@pytest.mark.parametrize(
    "name", ["best_so_far", "distribution", "slices", "learning_curves", "parallel", "interaction"]
)
def test_a_loss_is_drawn_as_well_as_a_rate(name):
    assert registry.draw(name, [made_up.view(rate=False, trials=30)]).png


def test_an_unknown_figure_is_told_with_the_nearest_name():
    with pytest.raises(ConfigError, match="best_so_far"):
        registry.find("best_so_fra")


def test_the_figures_of_the_whole_lineage_are_those_that_the_snakefile_draws_once():
    assert set(OF_LINEAGE) == {name for name, entry in ENTRIES.items() if entry.scope == "lineage"}


@pytest.mark.parametrize("name", NAMES)
def test_a_caption_is_looked_up_by_figure_and_version(name):
    wildcards = SimpleNamespace(figure=name, version="v3")
    text = Template(registry.caption_template()).render(snakemake=SimpleNamespace(wildcards=wildcards)).strip()
    assert text == f"**{ENTRIES[name].title}** (v3). {ENTRIES[name].about}"


def test_the_names_that_the_workflow_reads_are_those_of_the_registry():
    assert tuple(ENTRIES) == NAMES


def test_figures_need_no_training_library_and_no_store():
    code = "import sys, sweeps.figures.registry; print(sorted({'torch', 'optuna', 'sqlalchemy'} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment).strip() == b"[]"
