"""Tests a detector: ``python tools/test.py CONFIG CHECKPOINT [--out FILE.pkl] ...``."""

from mmdet_efpn.engine.test import main

if __name__ == '__main__':
    main()
