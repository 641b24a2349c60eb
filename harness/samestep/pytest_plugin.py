"""samestep in pytest: the fixture `agree`, the marker `samestep`, and options that begin with --samestep.

Every run of pytest in an environment with samestep imports this: it imports no framework and no NumPy, and
what it needs beyond the options is imported when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from samestep.errors import SamestepError
from samestep.testing.marker import Marked, read_marker
from samestep.testing.needs import refuse_missing, said_of_missing
from samestep.testing.run_options import RunOptions, add_options, options_of
from samestep.testing.session_reports import SessionReports
from samestep.testing.settings import TABLE, check_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from samestep.testing.agree import Agree
    from samestep.testing.bundle import SavedCall

RUN: pytest.StashKey[RunOptions] = pytest.StashKey()
SAVED: pytest.StashKey[SavedCall] = pytest.StashKey()
GENERATORS: pytest.StashKey[Mapping[str, np.ndarray]] = pytest.StashKey()

MARKER = (
    "samestep(dtypes=, steps=, contract=, replicas=, seed=, strict=, perturb=, variants=, python=, needs=): "
    "options of the fixture agree for this test; needs= names the packages without which it is skipped"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    try:
        config.stash[RUN] = run = options_of(config)
        if run.replay is not None and not run.replay.is_dir():
            from samestep.testing.bundle import read_bundle

            config.stash[SAVED] = read_bundle(run.replay)
    except SamestepError as error:
        raise pytest.UsageError(str(error)) from error
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SessionReports(run.root, run.document), "samestep-session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With a bundle, its test alone is run."""
    saved = config.stash.get(SAVED, None)
    if saved is None:
        return
    name = saved.bundle.node_id
    others = [item for item in items if item.nodeid != name]
    if len(others) == len(items):
        raise pytest.UsageError(f"{config.stash[RUN].replay} is of {name}, which is not among these tests")
    items[:] = [item for item in items if item.nodeid == name]
    config.hook.pytest_deselected(items=others)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before its fixtures: what a test needs is there, and the global generators are known, or put back."""
    refuse_missing(_marked(item).needs)
    if "agree" in getattr(item, "fixturenames", ()):
        from samestep.testing.generators import read_generators, restore_generators

        saved = item.config.stash.get(SAVED, None)
        if saved is not None:
            restore_generators(saved.generators)
        item.stash[GENERATORS] = read_generators()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip for a framework that is not installed; let a failure begin with the verdict."""
    error = call.excinfo.value if call.excinfo else None
    said = said_of_missing(error) if _is_ours(item) else None
    if error is not None and said is not None:
        if item.config.stash[RUN].strict:
            error.add_note(said)
        else:
            call.excinfo = pytest.CallInfo.from_call(lambda: pytest.skip(said), call.when).excinfo
    report = yield
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.removeprefix("samestep.AgreementError: ")
    return report


@pytest.fixture(scope="session")
def agreement_cache() -> Path:
    """The folder in which `agree` keeps what it has measured of a reference, from run to run.

    It is samestep's own (SAMESTEP_CACHE, or the user's cache folder), with a lock for each entry, so that
    processes share it. A fixture of this name in a conftest.py puts it elsewhere.
    """
    from samestep import paths

    with in_one_line():
        return paths.home()


@pytest.fixture
def agree(request: pytest.FixtureRequest, agreement_cache: Path) -> Iterator[Agree]:
    """Compare two models: ``agree(candidate, reference, inputs, **options)``, as samestep.assert_agreement.

    What is found is part of the session's summary; a failure says how to run it again.
    """
    from samestep.testing.agree import Agree
    from samestep.testing.generators import read_generators

    item, config = request.node, request.config
    run, marked, saved = config.stash[RUN], dict(_marked(item).chosen), config.stash.get(SAVED, None)
    with in_one_line():
        check_values(run.settings.chosen, TABLE)
        check_values(marked, f"the marker samestep of {item.nodeid}")
    python = marked.pop("python", run.python)
    generators = item.stash.get(GENERATORS, None) or read_generators()
    item.stash[GENERATORS] = {}  # a session has many tests
    compares = Agree(item, run, marked, Path(agreement_cache), generators, saved)
    with ExitStack() as stack:
        if run.replay is not None and saved is None:
            compares.judged_by = run.replay
        elif run.record is not None:
            compares.recorded_in = run.record
        elif python is not None and saved is None:
            compares.python = str(python)
            folder = stack.enter_context(TemporaryDirectory(prefix="samestep-records-"))
            compares.recorded_in = Path(folder)
        yield compares
    with in_one_line():
        compares.check_replayed()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """After a test whose candidates are judged in another interpreter: that it is."""
    done = yield
    judge = getattr(pyfuncitem.funcargs.get("agree"), "judge_elsewhere", None)
    if judge is not None:
        with in_one_line():
            judge()
    return done


@contextmanager
def in_one_line() -> Iterator[None]:
    """Let a `SamestepError` fail the test without a traceback."""
    try:
        yield
    except SamestepError as error:
        pytest.fail(str(error), pytrace=False)


def _marked(item: pytest.Item) -> Marked:
    with in_one_line():
        return read_marker(item)


def _is_ours(item: pytest.Item) -> bool:
    return "agree" in getattr(item, "fixturenames", ()) or item.get_closest_marker("samestep") is not None
