"""Compares a hybrid attention group with its plain form: ``attention_benchmark.py``."""
from mmdet_efpn.analysis.attention_benchmark import main

if __name__ == '__main__':
    main()
