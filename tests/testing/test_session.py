"""The plugin in a session: what it imports, what it leaves alone, several processes, plain terminals."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import threadpoolctl

from samestep.testing.run_options import _threads
from samestep.testing.surroundings import surroundings

RIGHT = "def test_right(agree):\n    agree(twin, model, (X,), variants=False, replicas=8)\n"
WRONG = "def test_wrong(agree):\n    agree(other, model, (X,), variants=False, replicas=8)\n"


@pytest.fixture
def started(run, monkeypatch):
    """Runs pytest in a process of its own, with this plugin and no others but those that are named."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        common = ("-q", "-W", "error", "--strict-markers", "-p", "no:cacheprovider", "-p", "samestep")
        command = [sys.executable, "-m", "pytest", *common, *arguments]
        return subprocess.run(command, cwd=run.folder, capture_output=True, text=True, check=False)

    return start


@pytest.mark.process
def test_loading_the_plugin_imports_nothing_heavy(run, started):
    (run.folder / "test_light.py").write_text(
        "import sys\n\ndef test_nothing_heavy():\n"
        "    heavy = {'numpy', 'pandas', 'torch', 'jax', 'click', 'samestep.codec', 'samestep.models'}\n"
        "    assert 'samestep.pytest_plugin' in sys.modules\n    assert not heavy & sys.modules.keys()\n"
    )
    done = started("test_light.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "samestep" not in done.stdout  # a session without comparisons says nothing of them


def test_without_the_plugin_there_is_no_fixture(run):
    result = run(RIGHT, "-p", "no:samestep")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["E *fixture 'agree' not found"])


def test_folders_with_conftests_of_their_own(run):
    folder = run.pytester.mkpydir("inner")
    (folder / "conftest.py").write_text("import pytest\n")
    (folder / "test_inner.py").write_text(f"from models import *\n\n{RIGHT}")
    run(WRONG, "-v").assert_outcomes(passed=1, failed=1)


def test_markers_and_help_name_what_there_is(run):
    assert "@pytest.mark.samestep(dtypes=" in run.again("--markers").stdout.str()
    told = run.again("--help").stdout.str()
    for name in ("strict", "quick", "explain", "save", "replay", "json"):
        assert f"--samestep-{name}" in told


def test_classes_and_unittest_style_setup(run):
    run(
        "class TestPort:\n    def setup_method(self):\n        self.x = X\n\n"
        "    def test_right(self, agree):\n        agree(twin, model, self.x, variants=False)\n"
    ).assert_outcomes(passed=1)


def test_a_fixture_of_its_own_may_compare(run):
    result = run(
        "@pytest.fixture\ndef checked(agree):\n    agree(other, model, (X,), variants=False, replicas=8)\n\n"
        "def test_checked(checked):\n    pass\n"
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["disagree * test_port.py::test_checked: *"])


def test_spreads_go_where_the_fixture_says(run, monkeypatch, tmp_path):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path / "usual"))
    elsewhere = tmp_path / "elsewhere"
    override = f"@pytest.fixture(scope='session')\ndef agreement_cache():\n    return {str(elsewhere)!r}\n\n"
    run(override + RIGHT).assert_outcomes(passed=1)
    assert list((elsewhere / "spreads").iterdir())
    assert not (tmp_path / "usual").exists()
    run(f"def test_where(agreement_cache):\n    assert str(agreement_cache) == {str(tmp_path / 'usual')!r}\n")


def test_workers_of_xdist_divide_the_processors(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(8)))
    assert _threads(SimpleNamespace()) is None
    threads = [_threads(SimpleNamespace(workerinput={"workercount": n})) for n in (1, 3, 16)]
    assert threads == [8, 2, 1]


def test_a_comparison_takes_the_threads_that_fall_to_it(tmp_path):
    before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    with surroundings(tmp_path, 1):
        assert {pool["num_threads"] for pool in threadpoolctl.threadpool_info()} == {1}
    assert [pool["num_threads"] for pool in threadpoolctl.threadpool_info()] == before


@pytest.mark.process
def test_results_come_from_the_workers_of_xdist(run, started):
    pytest.importorskip("xdist")
    run.write(RIGHT + WRONG)
    done = started("-p", "xdist", "-n", "2", "--samestep-json=all.json")
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert "2 comparisons: 1 agree, 1 disagree" in lines
    assert "FAILED test_port.py::test_wrong - disagree: first output, 0.00084 off at [3, ..." in lines
    assert json.loads((run.folder / "all.json").read_text())["counts"] == {"agree": 1, "disagree": 1}


@pytest.mark.process
def test_a_terminal_without_unicode_gets_escapes(run, started, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("LC_ALL", "C")
    run.write("def test_größe(agree):\n    agree({'naïve': other}['naïve'], model, (X,), replicas=8)\n")
    done = started()
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.isascii()
    assert "disagree   3e+09  test_port.py::test_gr\\xf6\\xdfe: first output, " in done.stdout
    assert "again: samestep replay .samestep/test_gr-e-" in done.stdout
