"""Trains a detector in stages: ``python tools/train_recipe.py RECIPE [--work-dir DIR] ...``."""

from pathlib import Path

from mmdet_efpn.recipes.recipe import main

if __name__ == '__main__':
    main(Path(__file__).resolve().parent)
