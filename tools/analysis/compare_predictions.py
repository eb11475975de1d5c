"""Compares two detectors' predictions by a paired bootstrap over the test images."""

from mmdet_efpn.evaluation.paired_bootstrap import main

if __name__ == '__main__':
    main()
