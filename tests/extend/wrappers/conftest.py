"""Detectors inside other models: what is written is looked at; those that train run it themselves."""

import pytest


@pytest.fixture(autouse=True)
def written_only(unchecked):
    """Extended configs are given out without being built and run."""
