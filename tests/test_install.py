"""The wheel in an empty environment, beside foreign modules called `harness` and `impls`: all of it works."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.made.places import CHECKOUT
from tests.made.rungs import GOOD, root

pytestmark = [pytest.mark.process, pytest.mark.slow]

FOREIGN = "raise ImportError('a foreign module was imported')"
TINY = ("--dtype", "float32", "--json")


def executed(*command: object, cwd: Path, code: int = 0) -> str:
    """What a command prints; it must exit with this code."""
    variables = {**os.environ, "COLUMNS": "200", "PIP_CONSTRAINT": str(CHECKOUT / "constraints.txt")}
    variables.pop("PYTHONPATH", None)
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=variables, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "foreign module" not in done.stderr
    return done.stdout


def environment(folder: Path, *packages: object) -> Path:
    """The interpreter of a new virtual environment with these packages."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    executed(python, "-m", "pip", "install", "--quiet", *packages, cwd=folder)
    return python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    executed(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, CHECKOUT, cwd=folder)
    (found,) = folder.glob("samestep-*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory) -> Path:
    """An interpreter with samestep and nothing else; another distribution brought a `harness` of its own."""
    found = environment(tmp_path_factory.mktemp("installed") / "venv", wheel)
    (site,) = found.parents[1].glob("lib/python*/site-packages")
    (site / "harness").mkdir()
    (site / "harness/__init__.py").write_text(FOREIGN)
    return found


@pytest.fixture
def here(tmp_path) -> Path:
    """A folder to work in, with foreign modules."""
    for name in ("harness", "impls", "numpy"):
        (tmp_path / f"{name}.py").write_text(FOREIGN)
    return tmp_path


def verdicts(document: str) -> dict[str, str]:
    return {cell["implementation"]: cell["verdict"] for cell in json.loads(document)["cells"]}


def test_the_wheel_holds_one_package_with_its_data(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"samestep"}
    data = {"py.typed", "impls/__init__.py", "impls/two_layer/spec.py", "report/page/page.html.j2",
            "data/sample/t10k-images-idx3-ubyte.gz"}  # fmt: skip
    assert {f"samestep/{name}" for name in data} <= set(names)
    there = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "impls").rglob("*.py")}
    assert {f"samestep/{name}" for name in there} <= set(names)


def test_the_command_checks_and_times_from_anywhere(python, here):
    samestep = python.with_name("samestep")
    assert "two_layer" in executed(samestep, "list", cwd=here)
    checked = executed(samestep, "check", "two_layer:tiny/numpy_*", *TINY, cwd=here)
    assert verdicts(checked) == {"numpy_manual": "agree", "numpy_inplace": "agree"}
    timed = executed(samestep, "run", "two_layer:tiny/numpy_*", "--invocations", 1, *TINY, cwd=here)
    assert all(cell["tasks"] for cell in json.loads(timed)["cells"])
    (run,) = (here / "results").glob("*/*/run.json")
    executed(samestep, "report", run.parent, cwd=here)
    other = shutil.copytree(run.parent, here / "other")
    executed(samestep, "compare", run.parent, other, cwd=here)
    assert (run.parent / "report.md").is_file()


def test_the_module_runs_as_well_where_its_own_folder_is_not_first(python, here):
    (here / "numpy.py").unlink()  # `python -m` looks in the current directory first, by design
    assert "samestep" in executed(python, "-m", "samestep", "--version", cwd=here)
    checked = executed(python, "-m", "samestep", "check", "two_layer:tiny/numpy_manual", *TINY, cwd=here)
    assert verdicts(checked) == {"numpy_manual": "agree"}


def test_further_workloads_and_other_interpreters_work(python, here, tmp_path_factory):
    samestep, folder = python.with_name("samestep"), root(here / "mine", {"numpy_good": GOOD})
    checked = executed(samestep, "check", "rigged/numpy_good", "--impls", folder, *TINY, cwd=here)
    assert verdicts(checked) == {"numpy_good": "agree"}
    other = environment(tmp_path_factory.mktemp("other") / "venv", "numpy", "threadpoolctl")
    checked = executed(
        samestep, "bench", "two_layer:tiny/numpy_manual", "--python", f"numpy={other}", "--invocations", 1,
        *TINY, cwd=here,
    )  # fmt: skip
    assert verdicts(checked) == {"numpy_manual": "agree"}


def test_the_public_names_are_typed_and_light(python, here):
    code = "import sys, samestep; assert not {'numpy', 'click'} & {*sys.modules}; samestep.open_cell"
    (here / "numpy.py").unlink()
    executed(python, "-P", "-c", code, cwd=here)
