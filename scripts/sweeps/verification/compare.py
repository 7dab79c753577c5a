"""Where two files differ, in words: the key of a JSON file, the line of a text, the digest of anything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sweeps.config.problems import shorten
from sweeps.digests import digest_of_file

TEXT = (".md", ".tex", ".csv", ".yaml", ".txt", ".html")
MOST = 120
LEAD = 30
"""Characters of a line that are shown before the place where it differs."""
MISSING = "(nothing)"


def difference(expected: Path, found: Path) -> tuple[str, str] | None:
    """What the first file says and the second does not, as a pair for the reader; ``None`` for equal bytes."""
    one, two = expected.read_bytes(), found.read_bytes()
    if one == two:
        return None
    if expected.suffix == ".json":
        pair = _of_json(one, two)
    elif expected.suffix in TEXT:
        pair = _of_text(one, two)
    else:
        pair = None
    return pair or (f"sha256 {digest_of_file(expected)}", f"sha256 {digest_of_file(found)}")


def _of_json(one: bytes, two: bytes) -> tuple[str, str] | None:
    expected = json.loads(one)
    try:
        found = json.loads(two)
    except ValueError:
        return "JSON", "not JSON"
    pairs = list(_walk(expected, found, ""))
    if not pairs:
        return "canonical JSON", "the same content in another spelling"
    key, left, right = pairs[0]
    more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
    left, right = _from_where_they_differ(left, right)
    return f"{key} = {_short(left)}{more}", f"{key} = {_short(right)}"


def _walk(one: Any, two: Any, key: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(two, dict):
        for name in dict.fromkeys([*one, *two]):
            yield from _walk(one.get(name, MISSING), two.get(name, MISSING), f"{key}.{name}" if key else str(name))
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        for index, (left, right) in enumerate(zip(one, two, strict=True)):
            yield from _walk(left, right, f"{key}[{index}]")
    elif one != two or type(one) is not type(two):
        yield key or "(whole file)", one, two


def _of_text(one: bytes, two: bytes) -> tuple[str, str] | None:
    expected, found = (content.decode("utf-8", "replace").splitlines() for content in (one, two))
    for number in range(max(len(expected), len(found))):
        left = expected[number] if number < len(expected) else MISSING
        right = found[number] if number < len(found) else MISSING
        if left != right:
            left, right = _from_where_they_differ(left, right)
            return f"line {number + 1}: {_short(left)}", f"line {number + 1}: {_short(right)}"
    return None


def _from_where_they_differ(one: Any, two: Any) -> tuple[Any, Any]:
    """Two long texts without the beginning that they share."""
    if not (isinstance(one, str) and isinstance(two, str)):
        return one, two
    shared = next((place for place, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), 0)
    start = shared - LEAD
    return (one, two) if start < LEAD else (f"…{one[start:]}", f"…{two[start:]}")


def _short(value: Any) -> str:
    return shorten(value, MOST)
