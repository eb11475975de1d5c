"""Trains a detector: ``python tools/train.py CONFIG [--work-dir DIR] [--resume] [--amp] ...``."""

from mmdet_efpn.engine.train import main

if __name__ == '__main__':
    main()
