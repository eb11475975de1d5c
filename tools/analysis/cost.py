"""Compares what detectors cost: ``python tools/analysis/cost.py CONFIG [CONFIG@2x ...]``."""

from mmdet_efpn.evaluation.cost.compare import main

if __name__ == '__main__':
    main()
