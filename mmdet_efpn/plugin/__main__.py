"""``python -m mmdet_efpn.plugin CONFIG OUT.py``, as tools/extend_config.py."""

from ..extend.command import main

if __name__ == '__main__':
    main()
