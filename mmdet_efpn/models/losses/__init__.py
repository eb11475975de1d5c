"""Losses: of distillation, and of tiny boxes."""

from .foreground_background_balanced_loss import ForegroundBackgroundBalancedLoss
from .nwd_loss import NWDLoss

__all__ = ['ForegroundBackgroundBalancedLoss', 'NWDLoss']
