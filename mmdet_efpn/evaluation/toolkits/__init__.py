"""Figures by rules that COCO's evaluator does not have, as benchmarks' own programs compute them."""

from .olrp import optimal_lrp
from .tt100k import Counts, counts_by_size
from .visdrone import visdrone_figures

__all__ = ['Counts', 'counts_by_size', 'optimal_lrp', 'visdrone_figures']
