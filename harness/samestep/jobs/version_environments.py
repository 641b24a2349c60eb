"""Environments with other releases of a framework: made once in the cache folder, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from samestep import paths
from samestep.catalog.catalog import Catalog
from samestep.errors import SamestepError

#: A requirement as pip takes it, without blanks: a name, extras, releases. No option, path or URL.
REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w,.-]+\])?([=<>!~]=?=?[\w.*+!,<>=~-]+)?")

#: Characters of the requirements in the name of a folder; a digest follows.
READABLE = 60

#: Asks an interpreter which of these modules it has, and for all that is installed there.
QUESTION = """
import json
from importlib import metadata
from importlib.util import find_spec
found = {one.metadata["Name"].lower().replace("_", "-"): one.version for one in metadata.distributions()}
print(json.dumps({"modules": [name for name in %r if find_spec(name)], "versions": found}))
"""


@dataclass(frozen=True)
class Environment:
    """An environment made for ``requirements``: its interpreter, the version of each package that is
    installed, and the ``frameworks`` to compare: the first that the requirements name, or else those that are
    there."""

    requirements: tuple[str, ...]
    python: str
    versions: Mapping[str, str]
    frameworks: tuple[str, ...]

    @property
    def name(self) -> str:
        return " ".join(self.requirements)


def requirements_of(text: str) -> tuple[str, ...]:
    """Return the requirements of one ``--with``. Raises SamestepError where one is not valid."""
    requirements = tuple(text.split())
    for one in requirements:
        if not REQUIREMENT.fullmatch(one):
            raise SamestepError(f"--with {text!r}: {one!r} is not a valid requirement, as jax==0.5.3 is")
    if not requirements:
        raise SamestepError("--with is empty: write a requirement such as jax==0.5.3")
    return requirements


def environment_for(
    requirements: tuple[str, ...], catalog: Catalog, tell: Callable[[str], None]
) -> Environment:
    """Return the environment for requirements, which is made if it is not there; ``tell`` is given a line
    before that.

    Raises SamestepError where they cannot be installed, or lack what their framework needs.
    """
    folder, text = place_of(requirements), " ".join(requirements)
    if not folder.is_dir():
        tell(f"installing {text} in {folder}")
        _make(requirements, folder)
    python = str(folder / "bin/python")
    modules = {name: catalog.modules(name) for name in catalog.adapters}
    there, versions = _ask(folder, python, sorted({module for needs in modules.values() for module in needs}))
    present = [name for name, needs in modules.items() if name != "numpy" and there.issuperset(needs)]
    named = frameworks_named(requirements, catalog)
    usable = [name for name in named if there.issuperset(modules[name])]
    if named and not usable:
        missing = [module for module in modules[named[0]] if module not in there]
        names = " ".join(catalog.distributions(module)[0] for module in missing)
        raise SamestepError(f"--with {text!r} has {named[0]} without {missing[0]}: add {names}")
    return Environment(requirements, python, versions, tuple(usable[:1] or present))


def place_of(requirements: Sequence[str]) -> Path:
    """Return the folder of an environment, which the requirements, what samestep needs and this Python
    name."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    identity = (sorted(requirements), sorted(own_requirements()), python)
    digest = hashlib.sha256(repr(identity).encode()).hexdigest()[:12]
    readable = re.sub(r"[^\w.]+", "-", " ".join(requirements)).strip("-")[:READABLE]
    return paths.home() / "environments" / f"{readable}-{digest}"


def own_requirements() -> list[str]:
    """Return what samestep itself needs, as it was installed here: workers run its code from where it lies.

    Raises SamestepError where it was not installed.
    """
    try:
        found = metadata.requires("samestep") or ()
    except metadata.PackageNotFoundError:
        raise SamestepError("samestep is not installed here: python -m pip install -e .") from None
    return [one for one in found if "extra ==" not in one]


def frameworks_named(requirements: Sequence[str], catalog: Catalog) -> list[str]:
    """Return the frameworks that requirements name, in their order, by the names that pip or Python has for
    them."""
    framework_of = {
        name: framework
        for framework in catalog.adapters
        for name in (framework, *catalog.distributions(framework))
    }
    names = (re.split(r"[\[=<>!~]", one)[0].lower().replace("_", "-") for one in requirements)
    return list(dict.fromkeys(framework_of[name] for name in names if name in framework_of))


def _make(requirements: Sequence[str], folder: Path) -> None:
    """Make an environment beside its place, and move it there when all of it is installed.

    Only its interpreter is used, which finds its packages wherever the folder lies.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as temporary:
        made = Path(temporary) / "environment"
        for command in commands(made, (*requirements, *own_requirements())):
            _run(command, " ".join(requirements))
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was first
                raise


def commands(folder: Path, packages: Sequence[str]) -> list[list[str]]:
    """Return the commands that make an environment: those of uv where it is there, else venv and pip."""
    python = str(folder / "bin/python")
    if uv := shutil.which("uv"):
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, *packages],
        ]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", *packages],
    ]


def _run(command: Sequence[str], what: str) -> None:
    variables = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    variables.pop("PIP_CONSTRAINT", None)  # those of the environment that samestep runs in
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=variables, check=False
    )
    if done.returncode:
        why = "; ".join(reasons(done.stderr or done.stdout)) or f"exit code {done.returncode}"
        raise SamestepError(f"{what} cannot be installed for Python {platform.python_version()}: {why}")


def reasons(output: str) -> Iterator[str]:
    """Yield why an installation failed: pip's errors, among its other lines, or else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    yield from errors or lines[-1:]


def _ask(folder: Path, python: str, modules: Sequence[str]) -> tuple[set[str], dict[str, str]]:
    """Return which of the modules an environment has, and the versions of its packages."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", QUESTION % (list(modules),)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found = json.loads(done.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise SamestepError(f"{folder} does not work any more: delete it ({error})") from error
    return set(found["modules"]), dict(sorted(found["versions"].items()))
