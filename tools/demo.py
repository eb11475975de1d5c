"""Makes a data set, trains an EFPN detector on it, evaluates it, draws detections: ``make demo``."""

import os
from pathlib import Path

# Threads that spin while the data loader works on the same cores slow a small machine down; this
# must be set before torch is imported.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

from mmdet_efpn.engine.demo import main

CONFIG = 'configs/demo/faster-rcnn_r18_efpn_demo_synthetic-signs.py'

if __name__ == '__main__':
    main(Path(__file__).resolve().parents[1] / CONFIG)
