"""Compares P2' computed whole with P2' computed on tiles: ``sparse_benchmark.py``."""
from mmdet_efpn.analysis.sparse_benchmark import main

if __name__ == '__main__':
    main()
