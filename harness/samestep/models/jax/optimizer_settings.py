"""What an optax transformation is, from the functions that it is chained of and what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import getclosurevars
from typing import Any

import numpy as np

from samestep.models.subject import Layer

#: What makes an optimiser what it is, by the function of optax that it begins with.
SCALERS = {"scale_by_adam": "adam", "scale_by_rms": "rmsprop", "scale_by_rss": "adagrad", "trace": "sgd"}
#: What only passes on what another transformation does, and what does nothing.
WRAPPERS, NOTHING = ("with_extra_args_support",), ("identity", "init_empty_state")

Update = Callable[..., Any]


def settings_of_optax(optimizer: object) -> Layer | None:
    """Return the kind (adam, adamw, rmsprop, adagrad, sgd) and the settings of an optax transformation.

    None for an (init, update) pair of a user's own, for a schedule, and for what optax is not known to chain.
    """
    update = getattr(optimizer, "update", None)
    parts = list(_parts(update)) if callable(update) else []
    rates = [held["step_size"] for name, held in parts if name == "scale" and "step_size" in held]
    if not rates:
        return None
    settings: dict[str, object] = {"lr": abs(float(np.prod(rates)))}
    kind, coupled = "sgd", True
    for name, held in parts:
        if name == "add_decayed_weights":
            settings["weight_decay"] = held.get("weight_decay", 0.0)
            coupled = kind == "sgd"
        elif name in SCALERS:
            kind = SCALERS[name]
            settings |= _renamed(name, held)
        elif name != "scale":
            return None
    return Layer("optimizer", kind if coupled or kind != "adam" else "adamw", settings)


def _renamed(name: str, held: dict[str, Any]) -> dict[str, object]:
    numbers: dict[str, object] = {
        key: value for key, value in held.items() if isinstance(value, bool | int | float)
    }
    if name == "trace":
        return {"momentum": numbers["decay"], "nesterov": numbers.get("nesterov", False)}
    return numbers


def _parts(update: Update) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the functions of optax that an update calls one after the other, with what they hold."""
    held = dict(getclosurevars(update).nonlocals) if hasattr(update, "__code__") else {}
    name = getattr(update, "__qualname__", "").partition(".")[0]
    if name in WRAPPERS and hasattr(held.get("tx"), "update"):
        yield from _parts(held["tx"].update)
    elif name == "chain" and "update_fns" in held:
        for one in held["update_fns"]:
            yield from _parts(one)
    elif name not in NOTHING:
        yield name, held
