"""Store URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.config.urls import url_problems


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///study.db",
        "sqlite:////tmp/study.db",
        "sqlite+pysqlite:///study.db",
        "postgresql://localhost/optuna",
        "postgresql://tuner@db.example.org:5432/sweeps",
        "postgresql+psycopg://tuner@db/sweeps?sslmode=require",
        "postgresql+psycopg2://tuner@[::1]:5432/sweeps",
        "postgresql+psycopg:///?service=sweeps",
    ],
)
def test_urls_that_are_sound(url: str) -> None:
    assert not list(url_problems(url, "f", "k"))


def test_a_folder_that_is_made_when_the_study_opens_is_a_note() -> None:
    (problem,) = url_problems("sqlite:///outputs/hpo/study.db", "f", "k")
    assert problem.severity == "note"


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("study.db", "no store URL"),
        ("", "no store URL"),
        ("http//x", "no store URL"),
        ("mysql://u@h/d", "unknown kind of store"),
        ("postgress://u@h/d", "unknown kind of store"),
        ("postgres://u@h/d", "unknown kind of store"),
        ("redis://h", "unknown kind of store"),
        ("postgresql+asyncpg://u@h/d", "unknown driver"),
        ("sqlite://", "in memory"),
        ("sqlite:///", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///file::memory:?uri=true", "in memory"),
        ("sqlite://study.db", "two slashes"),
        ("sqlite:////no/such/folder/study.db", "does not exist"),
        ("sqlite:///file/study.db", "a file stands in its way"),
        ("sqlite:////tmp", "names a folder"),
        ("sqlite:///a\0b.db", "no possible file name"),
        ("postgresql://u@h:54x/d", "is no port"),
        ("postgresql://u@h:99999/d", "is no port"),
        ("postgresql://u@h", "names no database"),
        ("postgresql://u@h/d b", "blank"),
        ("${DATABASE_URL}", "no store URL"),
        ("postgresql://${USER}@h/d", "environment"),
    ],
)
def test_urls_that_are_not(url: str, part: str) -> None:
    problems = list(url_problems(url, "f", "k"))
    assert any(part in problem.message.replace("not a", "no") for problem in problems), problems
    assert all(problem.mend for problem in problems)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@h/d",
        "postgresql://:hunter2@h/d",
        "postgresql+psycopg://me:hunter2/x@y@h/d",
        "postgresql://h/d?user=me&password=hunter2",
        "postgresql://h/d?sslpassword=hunter2",
        "mysql://me:hunter2@h/d",
        "nonsense://me:hunter2@h/d",
    ],
)
def test_a_password_is_refused_and_never_shown(url: str) -> None:
    problems = list(url_problems(url, "f", "k"))
    assert any("password" in problem.message and "pgpass" in problem.mend for problem in problems)
    assert not any("hunter2" in text for problem in problems for text in (str(problem), repr(problem)))
