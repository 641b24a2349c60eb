"""Two releases side by side: what they give is compared, in environments that a fake uv makes of this
Python."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from samestep.agreement.distance import save_outputs
from samestep.agreement.findings import Distance
from samestep.agreement.verdict import Verdict
from samestep.analysis import version_changes
from samestep.analysis.version_changes import number_change, package_changes
from samestep.catalog.cell import Cell, Options
from samestep.catalog.selection import select
from samestep.commands.main import main
from samestep.errors import SamestepError
from samestep.jobs import version_environments, versions
from samestep.jobs.check import Examination, first_step
from samestep.jobs.version_environments import (
    Environment,
    commands,
    frameworks_named,
    own_requirements,
    place_of,
    reasons,
)
from samestep.jobs.version_speed import VersionSpeed
from samestep.jobs.versions import Comparison, pairs_of, with_interpreters
from samestep.records.check_results import CheckResult, PortResult
from samestep.records.convention_document import ConventionRow, ConventionTable, FrameworkState
from samestep.records.plan import Profile
from samestep.workers.launcher import Launcher
from tests.made.instant import answering

#: Makes an interpreter that says in RELEASE what was installed; numpy==9.9 is not to be had.
UV = f"""#!/bin/sh
echo "$@" >> "{{log}}"
if [ "$1" = venv ]; then
    for folder; do :; done
    mkdir -p "$folder/bin"
else
    case "$*" in *numpy==9.9*) echo 'a line'; echo 'no such release' >&2; echo >&2; exit 1;; esac
    printf '#!/bin/sh\\nexport RELEASE="%s"\\nexec {sys.executable} "$@"\\n' "$6" > "$5"
    chmod +x "$5"
fi
"""

PORT = """
import os
import numpy as np
import samestep

def inputs(rng):
    return (rng.standard_normal((4, 3)),)

@samestep.reference
def net():
    slope = 0.3 if os.environ["RELEASE"] == "numpy==2" else 0.2
    return samestep.Model(lambda w, x: np.where(x @ w["w"] > 0, 1.0, slope) * (x @ w["w"]), {"w": np.eye(3)})
@samestep.candidate
def port(params):
    return samestep.Model(lambda w, x: np.where(x @ w["w"] > 0, 1.0, 0.2) * (x @ w["w"]), params)
"""


@pytest.fixture
def uv(tmp_path, monkeypatch) -> Path:
    """A folder of environments that are made by a fake uv; returns its log."""
    program, log = tmp_path / "bin/uv", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(UV.replace("{log}", str(log)))
    program.chmod(0o755)
    monkeypatch.setattr(version_environments.shutil, "which", lambda name: str(program))
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path / "cache"))
    return log


def samestep(*words: str) -> Result:
    return CliRunner().invoke(main, ["versions", *words], env={"COLUMNS": "120"})


@pytest.mark.process
def test_a_port_file_is_recorded_with_one_release_and_judged_with_the_other(tmp_path, uv, monkeypatch):
    monkeypatch.setattr(versions, "make_table", lambda survey, questions: ConventionTable([], {}, None))
    path = tmp_path / "net.py"
    path.write_text(PORT)
    done = samestep(
        str(path), "--with", "numpy==1", "--with", "numpy==2", "--invocations", "0", "--json"
    )  # fmt: skip
    assert done.exit_code == 1, done.output
    (change,) = json.loads(done.stdout)["changes"]
    of_net, of_port = change["numbers"]
    assert (of_net["changed"], of_net["before"], of_net["after"]) == ("beyond rounding", "agree", "disagree")
    assert of_port["name"] == "net:given/port"
    assert of_port["changed"] == "beyond rounding"
    assert not change["speeds"]


def test_what_cannot_be_installed_is_one_line_and_leaves_nothing(tmp_path, uv):
    done = samestep("two_layer", "--with", "numpy==9.9", "--with", "numpy==2")
    assert done.exit_code == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("samestep: numpy==9.9 cannot be installed for Python 3.")
    assert last.endswith(": no such release")
    assert list((tmp_path / "cache/environments").iterdir()) == []


def test_of_what_pip_writes_its_errors_are_shown():
    output = "Looking in links\nERROR: No matching distribution found for jax==9\n[notice] a new release\n"
    assert list(reasons(output)) == ["No matching distribution found for jax==9"]
    assert list(reasons("a line\n  the last one\n\n")) == ["the last one"]
    assert list(reasons("")) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "give two different --with or more"),
        (("--with", "jax==1", "--with", "jax==1 "), "give two different --with or more"),
        (("--with", "--index-url=x", "--with", "jax==1"), "'--index-url=x' is not a valid requirement"),
        (("--with", "jax @ ../x", "--with", "jax==1"), "'@' is not a valid requirement"),
        (("--with", "", "--with", "jax==1"), "--with is empty"),
        (("none_such", "--with", "jax==1", "--with", "jax==2"), "none_such"),
    ],
)
def test_a_command_line_that_is_wrong_is_refused_before_anything_is_made(uv, words, why):
    done = samestep(*words)
    assert done.exit_code == 2
    assert why in done.stderr
    assert not uv.exists()


def test_one_release_alone_is_refused_and_environments_are_kept_with_what_workers_need(uv):
    for _ in range(2):
        done = samestep("two_layer", "--with", "numpy==1", "--with", "click==2 rich")
        assert done.exit_code == 2
        assert "give another release in a second --with" in done.stderr
    made = uv.read_text().splitlines()
    assert [line.split()[0] for line in made] == ["venv", "pip"] * 2
    assert all(set(own_requirements()) < set(line.split()) for line in made[1::2])


# -- pairs and verdicts ------------------------------------------------------------------------------------


def environment(name: str, *frameworks: str) -> Environment:
    return Environment((name,), f"/{name}/python", {}, frameworks)


def test_each_environment_is_paired_with_the_first_that_shares_a_framework():
    jax4, keras, jax5, jax6 = (
        environment("jax==4", "jax"), environment("keras==3", "keras", "tensorflow"),
        environment("jax==5", "jax"), environment("jax==6", "jax"),
    )  # fmt: skip
    tensorflow = environment("tensorflow==2", "tensorflow")
    pairs = pairs_of([jax4, keras, jax5, jax6, tensorflow])
    assert [(p.before.name, p.after.name, p.frameworks) for p in pairs] == [
        ("jax==4", "jax==5", ("jax",)), ("jax==4", "jax==6", ("jax",)),
        ("keras==3", "tensorflow==2", ("tensorflow",)),
    ]  # fmt: skip
    with pytest.raises(SamestepError, match="'keras==3' has keras, tensorflow: give another release"):
        pairs_of([jax4, keras, jax5])


def test_frameworks_are_named_in_the_order_of_the_requirements_by_the_names_of_pip(catalog):
    named = ["Keras==3.15.1", "tensorflow_cpu[and-cuda]>=2", "flax", "torch~=2.13"]
    assert frameworks_named(named, catalog) == ["keras", "tensorflow", "torch"]


def result(verdict: str, got: float | None = None, named: bool = False) -> CheckResult:
    row = dict.fromkeys(version_changes.ERRORS, got)
    port = None if got is None else PortResult("", "", {"tensors": [row]})
    cell = Cell("net", "tiny", "jax_grad", "jax", "float32", "cpu", "float32", 1, named=named)
    return CheckResult(cell, Verdict(verdict, None if verdict == "agree" else f"is {verdict}"), port=port)


@pytest.mark.parametrize(
    ("before", "after", "apart", "changed", "detail", "differs"),
    [
        (result("agree"), result("agree"), Distance(0.0, 0.0, 3, True), "same bits", None, False),
        (
            result("agree"), result("agree"), Distance(0.5, 0.1, 3, False), "rounding",
            "at most 0.5 sigma apart", False,
        ),
        (result("agree"), result("agree"), None, "cannot tell", "nothing was kept of a first step", True),
        (result("agree", 1.0), result("agree", 1.0), None, "same errors", None, False),
        (result("agree", 1.0), result("agree", 2.0), None, "rounding", None, False),
        (result("agree"), result("disagree"), None, "beyond rounding", "is disagree", True),
        (result("suspect"), result("agree"), None, "beyond rounding", "is suspect", True),
        (result("disagree"), result("disagree"), None, "cannot tell", "is disagree", True),
        (result("weaker", 1.0), result("weaker", 1.0), None, "same errors", "is weaker", True),
        (result("agree"), result("crashed"), None, "one answer only", "is crashed", True),
        (result("timeout"), result("timeout"), None, "cannot tell", "is timeout", True),
        (result("unavailable"), result("unavailable"), None, "not available", "is unavailable", False),
        (
            result("unavailable", named=True), result("unavailable", named=True), None, "cannot tell",
            "is unavailable", True,
        ),
    ],
)  # fmt: skip
def test_how_numbers_change_follows_from_verdicts_and_distance(
    before, after, apart, changed, detail, differs
):
    found = number_change(before, after, apart)
    assert (found.changed, found.detail, found.differs) == (changed, detail, differs)


def test_packages_that_changed_came_or_went_are_named():
    found = package_changes({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"})
    assert found == {"b": ("1", "2"), "c": ("1", None), "d": (None, "1")}


def test_without_uv_the_module_venv_and_pip_make_an_environment(monkeypatch):
    monkeypatch.setattr(version_environments.shutil, "which", lambda name: None)
    venv, pip = commands(Path("/there"), ["jax==1"])
    assert venv == [sys.executable, "-m", "venv", "/there"]
    assert pip == ["/there/bin/python", "-m", "pip", "install", "--quiet", "jax==1"]


def test_the_order_of_requirements_makes_no_other_environment():
    one, other = place_of(["jax==1", "flax"]), place_of(["flax", "jax==1"])
    assert one.name.rpartition("-")[2] == other.name.rpartition("-")[2]


# -- what is compared: workers that answer at once ---------------------------------------------------------

PAIR = versions.Pair(environment("numpy==1", "numpy"), environment("numpy==2", "numpy"), ("numpy",))


def cells_of(launcher: Launcher) -> list[Cell]:
    return select(launcher.catalog, ["rigged"], Options())


def test_a_release_has_its_own_interpreter_and_all_else_the_framework_s(launcher):
    cell = cells_of(launcher(0))[0]
    both = with_interpreters(replace(launcher(0), pythons={"jax": "/other"}), PAIR)
    assert both._python(replace(cell, release="numpy==2")) == "/numpy==2/python"
    assert both._python(cell) == sys.executable
    assert both._python(replace(cell, framework="jax", release="numpy==2")) == "/other"


@pytest.fixture
def checked(monkeypatch) -> None:
    """All agree; the second release is one last place off in numpy_b, and answers a question otherwise."""

    def check(launcher, cells, on_result: Callable[[Examination], None], wanted) -> None:
        for cell in cells:
            off = 2.0**-24 if (cell.release, cell.implementation) == ("numpy==2", "numpy_b") else 0.0
            save_outputs(
                first_step(wanted.keep, cell), {"loss": np.float32([1 - off])}, {"loss": np.float32([2**-24])}
            )
            on_result(Examination(cell, Verdict("agree")))

    def make_table(survey, questions) -> ConventionTable:
        assert survey.frameworks == ("numpy",)
        (python,) = survey.pythons.values()
        row = ConventionRow(question="what is it?", answers={"numpy": python[:9]}, name="arithmetic/it")
        return ConventionTable([row], {"numpy": FrameworkState("1")}, "a processor")

    monkeypatch.setattr(versions, "check", check)
    monkeypatch.setattr(versions, "make_table", make_table)


def test_numbers_conventions_and_speed_of_two_releases_are_compared(launcher, instant, checked, monkeypatch):
    answering(
        monkeypatch, "sample", lambda worker, _: {"seconds": 2.0} if worker.cell.release == "numpy==2" else {}
    )  # fmt: skip
    shop, told = launcher(0), []
    found = Comparison(shop, cells_of(shop), Profile(2, 3), told.append).compare(PAIR)
    numbers = {one.name: (one.changed, one.detail) for one in found.numbers}
    assert numbers["rigged:small/numpy_manual"] == ("same bits", None)
    assert numbers["rigged:small/numpy_b"] == ("rounding", "at most 1 sigma apart")
    (answer,) = found.conventions.changes
    assert (answer.before, answer.after) == ("/numpy==1", "/numpy==2")
    words = {(one.name, one.task): one.contrast.word for one in found.speeds if one.contrast}
    assert words["rigged:small/numpy_a", "train_step"] == "slower"
    assert words["rigged:small/numpy_slow", "train_step"] == "tie"  # 2 seconds with both
    assert {(one.before, one.after) for one in found.speeds if one.name.endswith("numpy_a")} >= {(1.0, 2.0)}
    assert found.differs
    assert told[0] == f"checking {len(found.numbers)} with numpy==1 and numpy==2"


def test_workers_of_both_releases_and_the_control_take_turns(launcher, instant):
    shop = launcher(0)
    cell = next(one for one in cells_of(shop) if one.implementation == "numpy_a")
    speeds = VersionSpeed(shop, Profile(1, 2), lambda line: None).measure([cell], "numpy==1", "numpy==2")
    assert sorted(worker.cell.key.rpartition("1t/")[2] for worker in instant) == [
        "numpy==1", "numpy==1/again", "numpy==2",
    ]  # fmt: skip
    assert {one.noise for one in speeds} == {1.0}


def test_what_gave_no_answer_while_it_was_timed_has_no_speed_and_says_why(launcher, instant, monkeypatch):
    answering(
        monkeypatch, "confirm",
        lambda worker, _: {"verdict": Verdict("disagree", "off")} if worker.cell.release == "b" else {},
    )  # fmt: skip
    shop = launcher(0)
    cell = next(one for one in cells_of(shop) if one.implementation == "numpy_a")
    (speed,) = VersionSpeed(shop, Profile(1, 1), lambda line: None).measure([cell], "a", "b")
    assert (speed.contrast, speed.reason) == (None, "off")
