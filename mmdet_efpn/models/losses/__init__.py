"""Losses of distillation."""

from .foreground_background_balanced_loss import ForegroundBackgroundBalancedLoss

__all__ = ['ForegroundBackgroundBalancedLoss']
