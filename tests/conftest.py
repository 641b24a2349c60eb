"""What a missing framework means for a test: a skip with its reason, or a failure where it was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from samestep.catalog.catalog import Catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture(scope="session")
def need(catalog: Catalog) -> Callable[[str], None]:
    """Skips where a framework is missing; fails where SAMESTEP_REQUIRE names it (torch,jax or all)."""

    def check(framework: str) -> None:
        reason = catalog.missing(framework)
        required = os.environ.get("SAMESTEP_REQUIRE", "").split(",")
        if reason and {"all", framework} & set(required):
            pytest.fail(f"{reason} (SAMESTEP_REQUIRE asks for it)")
        if reason:
            pytest.skip(reason)

    return check
