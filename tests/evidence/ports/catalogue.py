"""All ports and faults, from every module of this folder whose packages are installed."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from tests.evidence import ports as folder
from tests.evidence.ports.port import Fault, Port

#: Modules here that hold no networks.
PLUMBING = (
    "catalogue",
    "command",
    "jax_layers",
    "port",
    "processes",
    "tables",
    "transformers_library",
    "usual",
)


def ports(part: str = "") -> list[Port]:
    """Return the ports whose name contains ``part``."""
    return [
        port for module in _modules() for port in module.PORTS if part in port.name and _there(port.needs)
    ]


def faults(part: str = "") -> list[Fault]:
    """Return the faults whose name contains ``part``."""
    return [f for module in _modules() for f in module.FAULTS if part in f.name and _there(f.needs)]


def port_named(name: str) -> Port:
    """Return the port of that very name."""
    [port] = [port for port in ports(name) if port.name == name]
    return port


def fault_named(name: str) -> Fault:
    """Return the fault of that very name."""
    [fault] = [fault for fault in faults(name) if fault.name == name]
    return fault


def _modules() -> Iterator:
    for found in pkgutil.iter_modules(folder.__path__):
        if found.name not in PLUMBING:
            yield import_module(f"{folder.__name__}.{found.name}")


def _there(needs: tuple[str, ...]) -> bool:
    return all(find_spec(package) is not None for package in needs)
