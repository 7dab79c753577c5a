"""One spelling for all that is hashed."""

from __future__ import annotations

import pytest

from sweeps.digests import canonical_json, digest_of, digest_of_tree, write_atomically


def test_the_order_of_keys_does_not_matter():
    assert digest_of({"a": 1, "b": 2.5}) == digest_of({"b": 2.5, "a": 1})


def test_nan_has_no_spelling():
    with pytest.raises(ValueError):
        canonical_json({"a": float("nan")})


def test_a_tree_digest_depends_on_names_and_contents_only(tmp_path):
    for root, order in (("one", "ab"), ("two", "ba")):
        (tmp_path / root).mkdir()
        for name in order:
            (tmp_path / root / name).write_text(name)
    one, two = ([tmp_path / root / name for name in "ab"] for root in ("one", "two"))
    assert digest_of_tree(tmp_path / "one", one) == digest_of_tree(tmp_path / "two", two)
    (tmp_path / "two" / "a").write_text("other")
    assert digest_of_tree(tmp_path / "one", one) != digest_of_tree(tmp_path / "two", two)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "file"
    write_atomically(target, "old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
