"""Query detectors small enough to train in a test."""

import pytest
from mmengine.config import Config


@pytest.fixture
def small():
    """Function that gives a detector two layers a coder, and few queries, for small pictures."""

    def shrink(cfg: Config) -> Config:
        for part in ('encoder', 'decoder'):
            if part in cfg.model:
                cfg.model[part].num_layers = 2
        if 'num_queries' in cfg.model:
            cfg.model.num_queries = 30
        return cfg

    return shrink


@pytest.fixture(autouse=True)
def written_only(unchecked):
    """What these tests look at is what is written; those that train run it themselves."""
