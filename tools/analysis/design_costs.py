"""Cost and accuracy of the designs that a recipe trained: ``design_costs.py RECIPE``."""
from mmdet_efpn.analysis.design_costs import main

if __name__ == '__main__':
    main()
