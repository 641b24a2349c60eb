"""What holds for all comparisons of one run of pytest: the project's settings, and the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from samestep.errors import SamestepError
from samestep.testing.settings import QUICK, Chosen, Settings, read_settings

#: Options that are on or off, each with its help.
SWITCHES = {
    "strict": "what cannot be examined, or lacks its framework, fails",
    "quick": "fewer replicas, and the inputs as given alone: for while you write",
    "explain": "the summary says everything that is known of each comparison",
    "save": "write the bundle of each comparison, not only of those that fail",
}
#: Options with a value, each with its name in the help and its help.
VALUES = {
    "replay": (
        "PATH",
        "a bundle: run its test again, on its inputs, seed and random generators; a folder of records: judge "
        "candidates by these",
    ),
    "record": ("FOLDER", "record the reference of each comparison, and compare nothing"),
    "python": ("PYTHON", "judge candidates in another interpreter, which has pytest and samestep"),
    "json": ("FILE", "write all comparisons as a JSON document"),
}


@dataclass(frozen=True)
class RunOptions:
    """What the project's settings and the command line ask for.

    ``root`` is pytest's root folder and ``started_in`` the folder that it was started in; ``threads`` is the
    number of threads for each comparison, None where it may take all. ``command_line`` holds options of
    comparisons; ``replay``, ``record`` and ``document`` are the paths that those options (``json``) name.
    """

    root: Path
    started_in: Path
    settings: Settings
    command_line: Chosen = field(default_factory=dict)
    save: bool = False
    explain: bool = False
    replay: Path | None = None
    record: Path | None = None
    document: Path | None = None
    threads: int | None = None

    @property
    def folder(self) -> Path:
        """Where bundles are written."""
        return self.root / self.settings.folder

    @property
    def comparing(self) -> Chosen:
        """The options that comparisons have where their tests say nothing."""
        return {name: x for name, x in self._said.items() if name != "python"}

    @property
    def python(self) -> str | None:
        """The interpreter of candidates where a test names none."""
        python = self._said.get("python")
        return None if python is None else str(python)

    @property
    def _said(self) -> dict[str, object]:
        return {**self.settings.chosen, **self.command_line}

    @property
    def strict(self) -> bool:
        """Whether what cannot be examined fails, unless a marker or the test says otherwise."""
        return bool(self._said.get("strict"))

    def shown(self, path: Path) -> str:
        """Return a path as it is typed in the folder that pytest was started in."""
        inside = path.is_relative_to(self.started_in)
        return str(path.relative_to(self.started_in)) if inside else str(path)


def add_options(parser: pytest.Parser) -> None:
    """Add the options to pytest's command line."""
    group = parser.getgroup("samestep", "samestep: are two models the same function?")
    for name, help_text in SWITCHES.items():
        group.addoption(f"--samestep-{name}", action="store_true", help=help_text)
    for name, (metavar, help_text) in VALUES.items():
        group.addoption(f"--samestep-{name}", metavar=metavar, help=help_text)


def options_of(config: pytest.Config) -> RunOptions:
    """Return what a run asks for. Raises `SamestepError` for settings or a file that cannot be used."""
    chosen: dict[str, object] = {}
    if config.getoption("samestep_quick"):
        chosen |= QUICK
    if config.getoption("samestep_strict"):
        chosen["strict"] = True
    python = config.getoption("samestep_python")
    if python is not None:
        chosen["python"] = python
    document = _path(config, "json")
    if document is not None and not document.parent.is_dir():
        raise SamestepError(f"--samestep-json {document}: there is no folder {document.parent}")
    replay, record = _path(config, "replay"), _path(config, "record")
    if sum(option is not None for option in (replay, record, python)) > 1:
        raise SamestepError("give one of --samestep-replay, --samestep-record, --samestep-python")
    return RunOptions(
        config.rootpath,
        config.invocation_params.dir,
        read_settings(config.rootpath),
        chosen,
        config.getoption("samestep_save"),
        config.getoption("samestep_explain"),
        replay,
        record,
        document,
        _threads(config),
    )


def _path(config: pytest.Config, name: str) -> Path | None:
    value = config.getoption(f"samestep_{name}")
    return None if value is None else config.invocation_params.dir / value


def _threads(config: pytest.Config) -> int | None:
    """The processors that fall to one of xdist's workers; None outside of one."""
    about = getattr(config, "workerinput", None)
    if about is None:
        return None
    allowed = getattr(os, "sched_getaffinity", None)
    processors = len(allowed(0)) if allowed else os.cpu_count() or 1
    return max(1, processors // int(about["workercount"]))
