"""``python -m mmdet_efpn.plugin CONFIG OUT.py``, as tools/extend_config.py."""
from .command import main

main()
