"""``samestep ab``: two revisions of a repository, measured in the same rounds."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from samestep.commands.bench import measure
from samestep.commands.compare import diff_of, read_pair, show_diff
from samestep.commands.options import DIFFERS, Selection, selection
from samestep.errors import SamestepError
from samestep.field_checks import MOST_REPEATS
from samestep.jobs.exported import Repository
from samestep.jobs.planning import networks, room
from samestep.jobs.revision_launcher import AFTER, BEFORE, RevisionLauncher
from samestep.jobs.two_revisions import RunOfTwo, Side, plans
from samestep.measure.fingerprint import slug
from samestep.ports.catalogs import catalog_of
from samestep.records.plan import Profile, RunOptions
from samestep.workers import cleanup
from samestep.workers.interpreters import check_interpreter
from samestep.workers.launcher import Launcher

#: The rounds of each process: samples cost little beside its start.
ROUNDS = 8


@click.command("ab")
@click.argument("before", metavar="REV")
@click.argument("after", metavar="REV")
@selection(dtypes=("float32",))
@click.option("--python-before", metavar="PATH", help="Interpreter of the first revision's workers.")
@click.option("--python-after", metavar="PATH", help="Interpreter of the second revision's workers.")
@click.option(
    "--invocations",
    type=click.IntRange(1, MOST_REPEATS),
    default=6,
    show_default=True,
    help="Fresh processes of each cell and revision, of 8 rounds each.",
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"), show_default=True,
              help="Where the two runs are kept.")  # fmt: skip
def command(
    asked: Selection, before: str, after: str, python_before: str | None, python_after: str | None,
    invocations: int, out: Path, form: str,
) -> None:  # fmt: skip
    """Two git revisions, measured in the same rounds. Exits 1 where the second one is worse.

    REV is a branch, a tag or a commit of the repository of this folder. The implementations of both take
    turns in shuffled order, so that what the machine does is common to both; the first one's run twice (the
    A/A control). The working tree stays as it is.
    """
    repository = Repository.around(Path.cwd())
    commits = {BEFORE: repository.commit(before), AFTER: repository.commit(after)}
    names, pythons = {BEFORE: before, AFTER: after}, {BEFORE: python_before, AFTER: python_after}
    profile = Profile(invocations, ROUNDS, alive=room())
    with cleanup.temporary_folder() as folder:
        sides: dict[str, Side] = {}
        launchers: dict[str, Launcher] = {}
        for name, commit in commits.items():
            repository.export(commit, folder / name)
            own = _selection(asked, repository, folder / name, pythons[name], names[name])
            cells = own.cells(own.selectors or networks(own.catalog))
            sides[name] = Side(names[name], commit, own.catalog, cells)
            path = [folder / name / one for one in repository.path()]
            launchers[name] = replace(own.launcher, path=[one for one in path if one.is_dir()])
        run = _begun(asked, sides, repository, profile, out)
        measure(run, RevisionLauncher(sides[BEFORE].catalog, seed=asked.seed, sides=launchers))
    runs = read_pair(*(half.folder for half in run.halves.values()))
    diff = diff_of(*runs)
    show_diff(diff, *runs, form)
    click.echo(f"the runs are in {' and '.join(str(one.folder) for one in runs)}", err=True)
    asked.require()
    if diff.worse:
        sys.exit(DIFFERS)


def _selection(
    asked: Selection, repository: Repository, folder: Path, python: str | None, name: str
) -> Selection:
    """Return what was asked for, of the files of a revision and run by its interpreter."""
    own = [folder / root for root in repository.roots(asked.roots)]
    for root in own:
        if not root.exists():
            raise SamestepError(f"{name} has no {root.relative_to(folder)}")
    elsewhere = [root for root in asked.roots if repository.inside(root) is None]
    roots = (*own, *elsewhere)
    catalog = catalog_of(roots)
    if python is None:
        return replace(asked, catalog=catalog, roots=roots)
    check_interpreter(python, {"numpy": "numpy"})
    return replace(asked, catalog=catalog, roots=roots, pythons=dict.fromkeys(catalog.adapters, python))


def _begun(
    asked: Selection, sides: Mapping[str, Side], repository: Repository, profile: Profile, out: Path
) -> RunOfTwo:
    """Return the runs of both revisions, with nothing measured yet."""
    roots = [str(root) for root in repository.roots(asked.roots)]
    options = RunOptions(**vars(asked.options), seed=asked.seed, roots=roots)
    of_sides = plans(sides, asked.selectors, options, profile)
    run = RunOfTwo.begin(out, slug(of_sides[BEFORE].machine), of_sides)
    run.hold()
    return run
