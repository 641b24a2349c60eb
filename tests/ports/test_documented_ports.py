"""The page on port files: its files are read and compared, and print what the page says, numbers aside."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from samestep.catalog.cell import Cell
from samestep.ports.compared import compared
from samestep.ports.reading import load
from samestep.records.check_results import CheckResult
from samestep.report.port_tables import show
from tests.made.documented import CODE, page, printed

pytest.importorskip("torch")
pytest.importorskip("jax")

PAGE = page("port_files")
FIRST, WITH_LOSS = CODE.findall(PAGE)


def without_numbers(text: str) -> list[str]:
    return [re.sub(r"\d[\d.]*(e[+-]\d+)?", "#", line) for line in text.splitlines()]


def checked(path):
    """What came of each candidate of a port file, without variants of its inputs."""
    port = load(path)
    for side in port.candidates:
        cell = Cell("my_port", "given", side.name, side.framework, "float32", "cpu", "float32", 1)
        verdict, result = compared(port, side.name, seed=0, thorough=False)
        yield CheckResult(cell, verdict, port=result)


def test_the_first_file_prints_what_the_page_says(tmp_path):
    path = tmp_path / "my_port.py"
    path.write_text(FIRST, encoding="utf-8")
    console = Console(record=True, width=120, file=io.StringIO())
    show(list(checked(path)), console)
    said = printed(PAGE, "check")
    lines = without_numbers(console.export_text())
    assert lines[: len(said.splitlines())] == without_numbers(said)


def test_the_file_with_a_loss_agrees_with_its_optimiser(tmp_path):
    path = tmp_path / "my_port.py"
    path.write_text(WITH_LOSS, encoding="utf-8")
    (result,) = checked(path)
    assert result.verdict.verdict == "agree", result.port.text
    assert {row["role"] for row in result.port.document["tensors"]} >= {"loss", "update"}
