"""Runs detectors with backbones and the extended level: ``python tools/analysis/detector_matrix.py``."""
from mmdet_efpn.analysis.detector_matrix import main

if __name__ == '__main__':
    main()
