import re
import shutil
import subprocess

import pytest
import synthetic

from sweeps.config.problems import ConfigError
from sweeps.evidence.run import run_evidence
from sweeps.tables import TABLES, Raw, Table, latex, render, write_tables


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    root = synthetic.write_lineage(tmp_path_factory.mktemp("hostile"), synthetic.hostile_names())
    for version in ("v2", "v3"):
        folder = root / version
        run_evidence(folder / "plan.json", folder / "trials.csv", folder / "evidence.json")
    return root


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a_b & 5 %", r"a\_b \& 5 \%"),
        ("\\input{x}", r"\textbackslash{}input\{x\}"),
        ("--", "-{}-"),
        ("[1, 2]", "{[}1, 2{]}"),
        ("two\nlines", "two lines"),
        (True, "true"),
        (None, ""),
        (Raw("$x$"), "$x$"),
    ],
)
def test_text_is_text_in_latex(text, wanted):
    assert latex(text) == wanted


def test_a_comment_cannot_be_ended_by_a_name():
    assert render(Table("l", ("a",), []), "one\n\\input{x}").splitlines()[0] == "% one \\input{x}"


def test_every_table_is_written_with_booktabs_and_balanced_rows(hostile, tmp_path):
    paths = write_tables(hostile / "v3", tmp_path, parent=hostile / "v2")
    assert [path.stem for path in paths] == list(TABLES)
    for path in paths:
        lines = path.read_text().splitlines()
        columns = re.fullmatch(r"\\begin\{tabular\}\{(.*)\}", lines[1]).group(1)
        wide = len(re.sub(r"p\{[^}]*\}", "p", columns))
        rows = [line for line in lines if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {wide - 1}
        assert lines[2] == r"\toprule"
        assert lines[-2] == r"\bottomrule"
        assert (r"\midrule" in lines) == (len(rows) > 1)


def test_hostile_names_leave_braces_balanced(hostile, tmp_path):
    for path in write_tables(hostile / "v3", tmp_path, parent=hostile / "v2"):
        text = re.sub(r"\\[{}]", "", path.read_text().split("\n", 1)[1])
        assert text.count("{") == text.count("}")


def test_an_unknown_table_is_refused_with_the_known_ones(hostile, tmp_path):
    with pytest.raises(ConfigError, match="evidence"):
        write_tables(hostile / "v2", tmp_path, names=["evidense"])


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_accepts_them(hostile, tmp_path):
    paths = write_tables(hostile / "v3", tmp_path, parent=hostile / "v2")
    body = "\n".join(rf"\input{{{path.name}}}" for path in paths)
    preamble = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
    (tmp_path / "all.tex").write_text(f"{preamble}{body}\\end{{document}}")
    done = subprocess.run(
        ["pdflatex", "-interaction=batchmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (tmp_path / "all.log").read_text()[-2000:]
