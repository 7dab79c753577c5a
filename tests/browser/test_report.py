"""The page in a real browser: silent console, no outside requests, tables that work, phone and paper."""

import os

import chromium
import finished
import pytest
import synthetic

from sweeps.figures.registry import write_figure
from sweeps.report.page import write_page

pytestmark = pytest.mark.browser

NARROW, WIDE = 390, 1280
FIGURES = ("lineage", "distribution", "slices", "forest")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    if chromium.executable() is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: apt-get install chromium")
        pytest.skip("no Chromium here: apt-get install chromium")
    with chromium.browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(running):
    return running.page()


def write(folder, names=synthetic.PLAIN):
    root = finished.write_finished(folder, names, n_trials=30)
    folders = [root / name for name in ("v2", "v3", "v4")]
    for name in FIGURES:
        figures = root / "v4" / "figures"
        write_figure(name, folders, out=figures / f"{name}.pdf", png=figures / f"{name}.png")
    write_page(root, root / "report.html")
    return (root / "report.html").as_uri()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return write(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return write(tmp_path_factory.mktemp("hostile"), synthetic.hostile_names())


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("dark", [False, True])
def test_the_console_is_silent_and_nothing_is_asked_from_outside(page, plain, width, dark):
    page.open(plain, width, dark=dark)
    assert page.console == []
    assert {address for address in page.requests if not address.startswith("data:")} == {plain}


@pytest.mark.parametrize("width", [320, NARROW, WIDE])
def test_the_page_is_never_wider_than_the_screen(page, plain, hostile, width):
    for address in (plain, hostile):
        page.open(address, width)
        page.run("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
        assert page.run("document.documentElement.scrollWidth") <= width


def test_hostile_names_run_nothing(page, hostile):
    page.open(hostile)
    assert page.console == []
    assert page.run("document.title").startswith("synthetic")
    assert page.run("document.scripts.length") == 1
    assert page.run("document.body.textContent.includes('<script>alert(1)</script>')")


def test_every_link_inside_the_page_leads_to_something_visible(page, plain):
    page.open(plain)
    lost = page.run(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map((link) => link.getAttribute('href').slice(1))"
        ".filter((id) => { location.hash = id; const item = document.getElementById(id);"
        " return !item || item.getClientRects().length === 0; })"
    )
    assert lost == []


def test_every_picture_is_shown(page, plain):
    page.open(plain)
    widths = page.run("[...document.images].map((image) => image.naturalWidth)")
    assert len(widths) == len(FIGURES) and min(widths) > 300


def test_a_table_sorts_both_ways_by_number(page, plain):
    page.open(plain)
    script = """(() => {
      const table = document.querySelector('table[id^="evidence"]');
      const column = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent.includes('ρ'));
      const keys = () => [...table.tBodies[0].rows].map((row) => row.cells[column].dataset.key);
      const read = () => keys().filter(Boolean).map(Number);
      const button = table.tHead.rows[0].cells[column].querySelector('button');
      button.click(); const up = read(); button.click(); return [up, read()];
    })()"""
    up, down = page.run(script)
    assert up == sorted(up) and down == sorted(up, reverse=True) and len(up) > 2


def test_a_table_filters_by_words(page, plain):
    page.open(plain)
    script = """(() => {
      const input = document.querySelector('input[data-table^="trials"]');
      input.value = 'pruned'; input.dispatchEvent(new Event('input'));
      const rows = [...document.getElementById(input.dataset.table).tBodies[0].rows];
      return [rows.length, rows.filter((row) => !row.hidden).map((row) => row.textContent.includes('PRUNED'))];
    })()"""
    rows, shown = page.run(script)
    assert 0 < len(shown) < rows and all(shown)


def test_parameters_filter_by_name_and_by_decision(page, plain):
    page.open(plain)
    script = """(() => {
      const name = document.getElementById('parameter-filter');
      name.value = 'DEPTH'; name.dispatchEvent(new Event('input'));
      const shown = [...document.querySelectorAll('article.parameter')].filter((item) => !item.hidden);
      name.value = 'no such name'; name.dispatchEvent(new Event('input'));
      return [shown.map((item) => item.dataset.name), !document.getElementById('no-parameter').hidden];
    })()"""
    assert page.run(script) == [["depth"], True]


def test_the_page_prints_with_its_reasons_open(page, plain, tmp_path):
    page.open(plain)
    page.run(
        "addEventListener('beforeprint', () => { window.wasOpen = document.querySelector('.parameter details').open; })"
    )
    page.print(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
    assert page.run("window.wasOpen")


def test_text_stands_out_from_its_ground_in_both_schemes(page, plain):
    script = """(() => {
      const light = (colour) => { const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
        .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const ground = light(getComputedStyle(document.body).backgroundColor);
      const ratio = (item) => { const own = light(getComputedStyle(item).color);
        return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05); };
      return Math.min(...[...document.querySelectorAll('p, h1, h2, h3, td, dd, dt, a, small, .verdict')].map(ratio));
    })()"""
    for dark in (False, True):
        page.open(plain, dark=dark)
        assert page.run(script) >= 4.5
