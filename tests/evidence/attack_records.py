"""Records that are damaged, or written by somebody else, on `run --resume`, `report` and `compare`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.evidence.attack import Attack, Ground

Change = Callable[[dict[str, Any], Ground], None]
RESUME = ("run", "--resume", "{run}", "--impls", "{impls}")
REPORT = ("report", "{run}")


def plan(change: Change) -> Callable[[Ground], None]:
    """Return what changes the document of run.json."""

    def prepare(ground: Ground) -> None:
        path = ground.run / "run.json"
        document = json.loads(path.read_text())
        change(document, ground)
        path.write_text(json.dumps(document))

    return prepare


def setting(way: str, value: object) -> Callable[[Ground], None]:
    """Return what gives the field at the end of a way ("options seed") another value."""

    def change(document: Any, ground: Ground) -> None:
        *names, last = way.split(" ")
        inner = document
        for name in names:
            inner = inner[int(name)] if isinstance(inner, list) else inner[name]
        inner[last] = value

    return plan(change)


def bytes_of(name: str, change: Callable[[bytes], bytes]) -> Callable[[Ground], None]:
    """Return what changes the bytes of a file of the run."""

    def prepare(ground: Ground) -> None:
        path = ground.run / name
        path.write_bytes(change(path.read_bytes()))

    return prepare


def renamed(text: str) -> Callable[[Ground], None]:
    """Return what gives an implementation another name, here as JSON writes it, in both files."""

    def prepare(ground: Ground) -> None:
        for name in ("run.json", "samples.jsonl"):
            bytes_of(name, lambda content: content.replace(b"numpy_good", f"numpy_{text}".encode()))(ground)

    return prepare


def foreign_interpreter(document: dict[str, Any], ground: Ground) -> None:
    script = ground.folder / "python"
    script.write_text(f'#!/bin/sh\ntouch {ground.canary}\nexec python "$@"\n')
    script.chmod(0o755)
    document["options"]["pythons"] = {"numpy": str(script)}


def foreign_folder(document: dict[str, Any], ground: Ground) -> None:
    evil = ground.folder / "evil"
    for path in Path(ground.impls).rglob("*.py"):
        copy = evil / path.relative_to(ground.impls)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(f"open({str(ground.canary)!r}, 'w')\n" + path.read_text())
    document["options"]["roots"] = [str(evil)]


def foreign_file(document: dict[str, Any], ground: Ground) -> None:
    evil = ground.folder / "numpy_evil.py"
    evil.write_text(f"open({str(ground.canary)!r}, 'w')\n")
    for cell in document["cells"]:
        cell["file"] = str(evil)


def without_permission(ground: Ground) -> None:
    (ground.run / "samples.jsonl").unlink()
    os.mkdir(ground.run / "samples.jsonl")  # noqa: PTH102


FIELDS: dict[str, object] = {
    "options threads": 10**6, "options seed": "nan", "options dtypes": ["float16"], "options pythons": 3,
    "options roots": [1], "options sweep": "batch=1:" + "9" * 5000, "options shard": "9/" + "9" * 5000,
    "profile rounds": 2**62, "profile invocations": 2**62, "profile width": "nan", "profile budget": "inf",
    "profile alive": 0, "machine processors": -1, "cells": [], "cells 0 workload": "../../x",
    "cells 0 threads": 10**400, "tasks": {}, "sources": None, "versions": {"numpy": "0"}, "schema": 2,
    "inherited cpu": {"OMP_DYNAMIC": "x"}, "selectors": ["nothing"],
}  # fmt: skip
FILES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "run.json is empty": ("run.json", lambda _: b"", "cannot be read"),
    "run.json is cut": ("run.json", lambda b: b[: len(b) // 2], "cannot be read"),
    "run.json is nested 100,000 deep": ("run.json", lambda _: b"[" * 100_000, "nested too deep"),
    "run.json is not UTF-8": ("run.json", lambda b: b"\xff" + b, "cannot be read"),
    "a number of 5,000 digits": ("run.json", lambda b: b[:1] + b'"x": ' + b"9" * 5000 + b"," + b[1:], "cannot be"),
    "a record in the middle is cut": (
        "samples.jsonl", lambda b: b[:40] + b[b.index(b"\n") :], "samples.jsonl:1 is left out"),
    "a record that nests 100,000 deep": ("samples.jsonl", lambda b: b"[" * 100_000 + b"\n" + b, "samples.jsonl:1"),
    "a record of a newer schema": ("samples.jsonl", lambda b: b'{"schema": 9}\n' + b, "newer: schema 9"),
    "every record twice": ("samples.jsonl", lambda b: b + b, "is there twice"),
    "NUL for the first record": ("samples.jsonl", lambda b: b"\0\n" + b, "samples.jsonl:1 is left out"),
}  # fmt: skip


def table() -> Iterator[Attack]:
    """Yield the attacks."""
    kind = "damaged record"
    for way, value in FIELDS.items():
        told = str(value)[:20]
        yield Attack(kind, f"resume, {way} = {told}", RESUME, prepare=setting(way, value))
        yield Attack(kind, f"report, {way} = {told}", REPORT, (0, 2), prepare=setting(way, value))
    for name, (file, change, says) in FILES.items():
        yield Attack(kind, f"resume, {name}", RESUME, says=says, prepare=bytes_of(file, change))
        code = (2,) if file == "run.json" else (0,)
        yield Attack(kind, f"report, {name}", REPORT, code, says, prepare=bytes_of(file, change))
        yield Attack(
            kind, f"compare, {name}", ("compare", "{run}", "{run}"), code, says, bytes_of(file, change)
        )
    yield Attack(kind, "resume, the records are a folder", RESUME, (3,), prepare=without_permission)
    for text in (r"\u0000", r"\u001b[31m", r"\u2028", r"\ufffe", r"\ud800", "<b>"):
        named = renamed(text)
        yield Attack("foreign record", f"its implementation is {text}", REPORT, (0, 2), prepare=named)
    kind, says = "foreign record", "starts no code by itself"
    yield Attack(kind, "names an interpreter", RESUME, says=says, prepare=plan(foreign_interpreter))
    yield Attack(kind, "names a folder of implementations", RESUME, says=says, prepare=plan(foreign_folder))
    yield Attack(kind, "names a file", RESUME, prepare=plan(foreign_file))
    yield Attack(kind, "names a folder, and is reported", REPORT, (0,), prepare=plan(foreign_folder))
    for text in ("\x1b[31mred", "a\u2028b", "nul\0", "<script>x</script>", "\ud800"):
        yield Attack(kind, f"its processor is {text!r}", REPORT, (0, 2), prepare=setting("machine cpu", text))
