"""``samestep --help``: its table of commands is kept apart from them, and agrees with them."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from samestep.commands.main import COMMANDS, main
from tests.made.places import CHECKOUT
from tests.made.rungs import command, running

#: Modules that are not a command of their own.
SHARED = {"__init__", "main", "options", "shown_progress", "streams"}
FRAMEWORKS = {"torch", "tensorflow", "jax", "keras", "sklearn", "sympy", "onnx", "onnxruntime"}


def help_of(*names: str) -> str:
    done = CliRunner().invoke(main, [*names, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    return done.output


def test_the_table_lists_every_command_module():
    modules = {path.stem for path in (CHECKOUT / "harness/samestep/commands").glob("*.py")}
    assert set(COMMANDS) == modules - SHARED


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_of_the_table_is_the_first_sentence_of_the_commands_own_help(name):
    module = importlib.import_module(f"samestep.commands.{name}")
    assert isinstance(module.command, click.Command)
    assert module.command.name == name
    text = " ".join(module.command.help.split())
    assert text.startswith(COMMANDS[name])
    assert COMMANDS[name].endswith(".")
    assert COMMANDS[name] in " ".join(help_of(name).split())
    assert re.search(rf"^  {name} +{re.escape(COMMANDS[name])}$", help_of(), re.MULTILINE)


def test_h_is_help():
    assert CliRunner().invoke(main, ["-h"]).output == CliRunner().invoke(main, ["--help"]).output


@pytest.mark.process
@pytest.mark.parametrize("asked", [("--help",), ("list", "--help"), ("list",), ("list", "--json")])
def test_help_and_list_import_no_framework(asked):
    done = subprocess.run([sys.executable, "-X", "importtime", *command(*asked)[1:]], **running(), timeout=60)
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert "samestep" in imported
    assert not imported & FRAMEWORKS
    if "--help" in asked:
        assert not imported & {"numpy", "pandas", "psutil"}
