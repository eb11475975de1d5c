from .extended_resnet import ExtendedResNet, ExtendedResNeXt

__all__ = ['ExtendedResNet', 'ExtendedResNeXt']
