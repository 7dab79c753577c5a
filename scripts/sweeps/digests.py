"""Canonical JSON, digests and atomic writes: one spelling for every file that is hashed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PART = re.compile(r"\..+\.[a-z0-9_]{8}")
"""The name of a file in the writing: hidden, and with what ``mkstemp`` puts at its end."""


def canonical_json(value: Any) -> str:
    """The one spelling of ``value``: sorted keys, two-space indent, ``repr`` floats, a final newline.

    Raises ``ValueError`` for NaN and infinity, which JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def digest_of(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def digest_of_file(path: str | Path) -> str:
    """sha256 (hex) of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of_tree(root: str | Path, files: Iterable[str | Path]) -> str:
    """One sha256 over several files: their paths relative to ``root`` and their contents, in sorted order."""
    root = Path(root)
    names = sorted(Path(file).relative_to(root).as_posix() for file in files)
    return digest_of({name: digest_of_file(root / name) for name in names})


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a part of it (fsync, then rename)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def is_part(path: str | Path) -> bool:
    """Whether a file is one that :func:`write_atomically` was killed in the middle of, and nobody's any more."""
    return PART.fullmatch(Path(path).name) is not None


def write_json(path: str | Path, value: Any) -> None:
    """Write ``value`` as canonical JSON, atomically."""
    write_atomically(path, canonical_json(value))


def read_json(path: str | Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
