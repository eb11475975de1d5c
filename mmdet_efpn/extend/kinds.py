"""What kind of module a config describes, by its class."""

from mmdet.registry import MODELS

from .probe import plain_type


def is_a(cfg: dict, *names: str) -> bool:
    """Whether a module's class, or one that it inherits from, has one of the names.

    Example:
        >>> is_a(dict(type='DDQDETR'), 'DINO'), is_a(dict(type='DETR'), 'DINO')
        (True, False)
    """
    kind = cfg['type']
    cls = MODELS.get(kind) if isinstance(kind, str) else kind
    own = plain_type(cfg) if cls is None else None
    return own in names or any(parent.__name__ in names for parent in getattr(cls, '__mro__', ()))
