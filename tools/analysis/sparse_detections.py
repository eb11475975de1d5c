"""A trained detector with P2' whole and on tiles: ``sparse_detections.py CONFIG CHECKPOINT IMAGE``."""
from mmdet_efpn.analysis.sparse_detections import main

if __name__ == '__main__':
    main()
