"""How near P2' comes to its teacher: ``distillation_gap.py CONFIG CHECKPOINT [...] [--picture PNG]``."""
import mmdet_efpn  # noqa: F401  (registers the modules)
from mmdet_efpn.analysis.distillation_report import main

if __name__ == '__main__':
    main()
