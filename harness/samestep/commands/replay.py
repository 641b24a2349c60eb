"""``samestep replay``: candidates against a record, or a failed test again, on the same numbers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click

from samestep.commands import check
from samestep.commands.options import DIFFERS, Selection, emit, exit_for, selection
from samestep.errors import SamestepError
from samestep.jobs.check import Wanted
from samestep.models.recorded.record_file import is_record
from samestep.records import sealed_arrays
from samestep.records.check_results import to_row
from samestep.report import port_tables
from samestep.report.printable_console import PrintableConsole
from samestep.testing.bundle import is_bundle, pytest_command

#: What pytest exits with where a test failed, and where it was interrupted; anything above is no verdict.
FAILED, STOPPED = 1, 2
INTERRUPTED = 3


@click.command("replay")
@click.argument("record", metavar="FILE", type=click.Path(path_type=Path))
@selection(dtypes=("float32",), threads=1)
@click.option("--explain", is_flag=True, help="Show all that is known of each candidate.")
def command(record: Path, asked: Selection, form: str, explain: bool) -> None:
    """Candidates against a record, or a failed test once more.

    FILE is what `samestep record` wrote, and SELECTOR the candidates of a port file; the framework of the
    reference need not be here. Or FILE is the bundle of a failed test, which pytest runs again on the same
    numbers, from the folder of its project.
    """
    document, _ = sealed_arrays.read(record)
    if is_bundle(document):
        if asked.selectors:
            raise SamestepError(f"{record} is the bundle of a test, which names its models: leave them out")
        _run_test(record, form)
    elif asked.selectors and not is_record(document):
        raise SamestepError(f"{record} is no record of a reference, but another file of samestep's")
    _judge(record, asked, form, explain)


def _judge(record: Path, asked: Selection, form: str, explain: bool) -> None:
    """Judge the candidates of port files by a record."""
    ports = [name for name in asked.selectors if asked.catalog.is_port(name.partition("/")[0])]
    if not ports or len(ports) < len(asked.selectors):
        raise SamestepError(f"name the port file with the candidates: `samestep replay {record} my_port.py`")
    cells = check.candidates(asked, asked.cells(asked.selectors))
    recorded = replace(asked.launcher, record=record.absolute())
    results = check.examine(recorded, cells, Wanted())
    if form == "table":
        port_tables.show(results, PrintableConsole(), explain)
    else:
        emit(form, check.document(results, None), [to_row(one) for one in results])
    asked.require()
    exit_for(((one.cell, one.verdict.verdict) for one in results), asked.required)


def _run_test(bundle: Path, form: str) -> None:
    """Run the one test of a bundle, and exit as `samestep check` does."""
    if form != "table":
        raise SamestepError(
            f"{bundle} is the bundle of a test: pytest shows it, and --samestep-json writes it"
        )
    code = subprocess.run(pytest_command(bundle), check=False).returncode
    codes = {0: 0, FAILED: DIFFERS, STOPPED: INTERRUPTED}
    sys.exit(codes.get(code, SamestepError.exit_code))
