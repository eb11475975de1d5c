"""Times trained detectors on test images in turn: ``prediction_time.py CONFIG=CHECKPOINT ...``."""
from mmdet_efpn.analysis.prediction_time import main

if __name__ == '__main__':
    main()
