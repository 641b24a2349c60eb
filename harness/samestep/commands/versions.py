"""``samestep versions``: what another release of a framework changes, each in an environment of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from samestep.commands.options import DIFFERS, Selection, emit, selection
from samestep.errors import SamestepError
from samestep.field_checks import MOST_REPEATS
from samestep.printable import printable

#: Of each process: its samples cost little beside its start.
ROUNDS = 8


@click.command("versions")
@selection(dtypes=("float32",))
@click.option("--with", "texts", multiple=True, metavar="REQUIREMENT",
              help="An environment, as jax==0.5.3 or 'jax==0.5.3 flax'; give two or more.")  # fmt: skip
@click.option("--invocations", type=click.IntRange(0, MOST_REPEATS), default=3, show_default=True,
              help="Fresh processes of each release that are timed; 0: nothing is timed.")  # fmt: skip
def command(asked: Selection, form: str, texts: Sequence[str], invocations: int) -> None:
    """What another release changes: numbers, conventions, speed.

    Each --with has an environment of its own in the cache folder, made with uv, or with venv and pip, and is
    compared with the first one that has the same framework. SELECTOR is a port file, or cells of samestep's
    workloads (default: those that `samestep run` measures). Exits 1 where something changed by more than
    rounding, takes longer beyond the noise, or cannot be told.
    """
    from samestep.jobs.planning import networks
    from samestep.jobs.version_environments import environment_for, requirements_of
    from samestep.jobs.versions import Comparison, pairs_of
    from samestep.records.plan import Profile
    from samestep.report.printable_console import PrintableConsole
    from samestep.report.version_tables import rows, show

    requirements = [requirements_of(text) for text in texts]
    if len(set(requirements)) < max(2, len(requirements)):
        raise SamestepError("give two different --with or more: --with jax==0.4.38 --with jax==0.5.3")
    cells = asked.cells(asked.selectors or networks(asked.catalog))
    environments = [environment_for(one, asked.catalog, _tell) for one in requirements]
    pairs = pairs_of(environments)
    if taken := {name for pair in pairs for name in pair.frameworks} & {*asked.pythons}:
        raise SamestepError(f"--python {min(taken)}: --with says already what runs it")
    profile = Profile(invocations, ROUNDS) if invocations else None
    comparison = Comparison(asked.launcher, cells, profile, _tell)
    changes = [comparison.compare(pair) for pair in pairs]
    if form == "table":
        show(changes, PrintableConsole())
    else:
        emit(form, {"environments": environments, "changes": changes}, rows(changes))
    asked.require()
    if any(one.differs for one in changes):
        sys.exit(DIFFERS)


def _tell(line: str) -> None:
    click.echo(printable(f"samestep: {line}"), err=True)
