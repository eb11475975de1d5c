"""Detectors inside other models: what is written is looked at; those that train run it themselves."""

import pytest


@pytest.fixture(autouse=True)
def written_only(request):
    """Extended configs are given out without being built and run, but where a test looks at that."""
    if 'checked' not in request.node.name:
        request.getfixturevalue('unchecked')
