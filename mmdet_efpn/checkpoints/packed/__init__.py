"""Packed models: config and weights in one file, whose config is data."""

from .packed import KEY, PackedModel, is_packed_name, pack_model, read_packed

__all__ = ['KEY', 'PackedModel', 'is_packed_name', 'pack_model', 'read_packed']
