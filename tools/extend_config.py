"""Any MMDetection config with EFPN: ``python tools/extend_config.py CONFIG OUT.py [--ftt NAME ...]``."""

from mmdet_efpn.extend.command import main

if __name__ == '__main__':
    main()
