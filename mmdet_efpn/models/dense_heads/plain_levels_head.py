"""A head that reads the plain levels of an extended pyramid."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..utils.nested_config import check_config
from ..utils.plain_names import keep_plain_names


@MODELS.register_module()
@known_arguments_only
class PlainLevelsHead(BaseModule):
    """Any head of MMDetection, given the levels that the plain pyramid has.

    For heads whose strides are fixed in their code: the mask branches of CondInst, BoxInst and YOLACT,
    the semantic branch of Panoptic FPN. The wrapped head keeps its state-dict names, and its attributes
    are this head's.

    Args:
        head (dict): Config of the wrapped head.
        num_added (int): Number of finer levels in front, which it is not given.
        train_cfg, test_cfg (dict, optional): Handed on to the wrapped head, where the detector gives
            them.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Raises:
        UserError: ``num_added`` is not a positive number.

    Example:
        >>> import torch
        >>> head = PlainLevelsHead(dict(type='PanopticFPNHead', in_channels=32, end_level=2), 1)
        >>> levels = [torch.rand(1, 32, side, side) for side in (32, 16, 8)]
        >>> head(levels)['seg_preds'].shape[-1]  # that of stride 4
        16
    """

    def __init__(
        self,
        head: dict,
        num_added: int = 1,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_config('head', head, "dict(type='PanopticFPNHead', ...)")
        if not isinstance(num_added, int) or num_added < 1:
            raise UserError(f'num_added counts the finer levels, 1 or more; got {num_added!r}')
        given = dict(train_cfg=train_cfg, test_cfg=test_cfg)
        self.head = MODELS.build(dict(head, **{k: v for k, v in given.items() if v is not None}))
        self.num_added = num_added
        keep_plain_names(self, inner='head')

    def __getattr__(self, name: str):
        """Its own modules and attributes, or else the wrapped head's."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == 'head':
                raise
            return getattr(super().__getattr__('head'), name)

    def forward(self, x: Sequence[Tensor], *args, **kwargs):
        """The wrapped head's forward on the plain levels of ``x``, a pyramid of (B, C, H_i, W_i)."""
        return self.head(x[self.num_added :], *args, **kwargs)

    def loss(self, x: Sequence[Tensor], *args, **kwargs) -> dict:
        """The wrapped head's losses on the plain levels of ``x``."""
        return self.head.loss(x[self.num_added :], *args, **kwargs)

    def predict(self, x: Sequence[Tensor], *args, **kwargs):
        """The wrapped head's predictions on the plain levels of ``x``."""
        return self.head.predict(x[self.num_added :], *args, **kwargs)
