"""Models of timm as detection backbones."""

import difflib
import inspect
from collections.abc import Sequence
from pathlib import Path

import timm
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from timm.models import load_state_dict
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...utils.errors import MissingFileError, UserError
from ...utils.known_names import nearest
from ..utils.arguments import check_flag


@MODELS.register_module()
class TimmBackbone(BaseModule):
    """A timm model's features, finest first, from stride 4 on.

    Weights are read when they are initialised (``init_weights``), as by an ``init_cfg``; building the
    backbone reads nothing. The state dict has timm's names behind ``timm_model.``.

    Args:
        model_name (str): timm's name of the model, with or without a tag: ``'convnext_tiny.fb_in1k'``.
        pretrained (bool): Start from the weights that timm knows for the name. Default False.
        checkpoint_path (str): Start from this local file of timm's weights instead. Default ``''``.
        out_indices (Sequence[int], optional): Features to give, counted in timm's list. Default: all of
            stride 4 or more.
        in_channels (int, optional): Channels of the image; timm's name for it, ``in_chans``, is
            taken too. Default 3.
        norm_eval (bool): Keep the statistics of batch norms as they are while training; their scales
            and biases train. For pretrained weights and small batches. Default False.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config. A local file that
            ``Pretrained`` names may have timm's own names, as a ``checkpoint_path``, or this class's.
        **kwargs: More arguments of ``timm.create_model``, for example ``drop_path_rate``.

    Attributes:
        channels (list[int]): Widths of the outputs.
        strides (list[int]): Their strides.
        c2_prime_channels (int | None): Width of the model's own stride-2 feature, where it has one.

    Raises:
        UserError: a name or an argument that timm does not know, or features that are no pyramid.
        MissingFileError: ``checkpoint_path`` is not a file.

    Example:
        >>> import torch
        >>> backbone = TimmBackbone('test_efficientnet')
        >>> [tuple(feature.shape[1:]) for feature in backbone(torch.rand(1, 3, 64, 64))]
        [(24, 16, 16), (32, 8, 8), (48, 4, 4), (64, 2, 2)]
    """

    def __init__(
        self,
        model_name: str,
        pretrained: bool = False,
        checkpoint_path: str = '',
        out_indices: Sequence[int] | None = None,
        in_channels: int | None = None,
        norm_eval: bool = False,
        init_cfg: dict | list[dict] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(init_cfg)
        if ':' not in model_name and not timm.is_model(model_name):
            close = difflib.get_close_matches(model_name.split('.')[0], timm.list_models(), n=3)
            raise UserError(
                f'backbone.model_name {model_name!r} is no model of timm {timm.__version__}'
                + (f'; did you mean {", ".join(close)}?' if close else '; see timm.list_models()')
            )
        if checkpoint_path and not Path(checkpoint_path).is_file():
            raise MissingFileError(f'backbone.checkpoint_path is not a file: {checkpoint_path}')
        channels = {kwargs.pop('in_chans', None), in_channels} - {None} or {3}
        if len(channels) > 1:
            raise UserError(
                f'backbone.in_channels and backbone.in_chans are one number, got {sorted(channels)}'
            )
        self.create_args = dict(kwargs, model_name=model_name, in_chans=channels.pop())
        self.pretrained = pretrained
        self.checkpoint_path = checkpoint_path
        check_flag('TimmBackbone', 'norm_eval', norm_eval)
        self.norm_eval = norm_eval
        model = self._create()
        strides = model.feature_info.reduction()
        if out_indices is None:
            out_indices = [i for i, stride in enumerate(strides) if stride >= 4]
        if not out_indices or not set(out_indices) <= set(range(len(strides))):
            raise UserError(
                f'backbone.out_indices must be some of 0..{len(strides) - 1}, whose strides are '
                f'{strides} in {model_name}, got {list(out_indices)}'
            )
        self.out_indices = sorted(out_indices)
        self.strides = [strides[i] for i in self.out_indices]
        if any(fine >= coarse for fine, coarse in zip(self.strides, self.strides[1:], strict=False)):
            raise UserError(
                f'backbone.model_name {model_name!r} gives features of strides {self.strides}, which '
                'are no pyramid; take a hierarchical model, or name features of different strides in '
                'backbone.out_indices'
            )
        if self.out_indices[-1] + 1 < len(strides):  # leaves out layers that nothing would read
            self.create_args['out_indices'] = tuple(range(self.out_indices[-1] + 1))
            model = self._create()
        self.timm_model = model
        channels = model.feature_info.channels()
        self.channels = [channels[i] for i in self.out_indices]
        self.stride_two_index = strides.index(2) if 2 in strides else None
        self.c2_prime_channels = (
            None if self.stride_two_index is None else channels[self.stride_two_index]
        )

    def _create(self, **kwargs) -> nn.Module:
        try:
            model = timm.create_model(features_only=True, **self.create_args, **kwargs)
        except TypeError as error:
            unknown = [name for name in self.create_args if repr(name) in str(error)]
            if not unknown:
                raise
            close = nearest(unknown[0], inspect.signature(TimmBackbone).parameters)
            raise UserError(
                f'backbone.{unknown[0]}: neither TimmBackbone nor {self.create_args["model_name"]} '
                f'takes it ({error})' + (f'; did you mean {close!r}?' if close else '')
            ) from error
        read = getattr(model, '_stage_out_idx', None)  # EfficientNets keep the blocks that nothing reads
        if isinstance(read, dict) and getattr(model, 'feature_hooks', True) is None:
            model.blocks = model.blocks[: max(read)]
        return model

    def init_weights(self) -> None:
        """Reads timm's weights, where asked for; then follows ``init_cfg``.

        Raises:
            UserError: the file of timm's weights is of another model.
        """
        init_cfg, own_file = self.init_cfg, self._file_of_init_cfg()
        if self.checkpoint_path or own_file:
            self._load_timms_file(self.checkpoint_path or own_file)
        elif self.pretrained:
            self.timm_model.load_state_dict(self._create(pretrained=True).state_dict())
        try:
            self.init_cfg = None if own_file else init_cfg
            super().init_weights()
        finally:
            self.init_cfg = init_cfg

    def _file_of_init_cfg(self) -> str:
        """The local file that ``init_cfg`` names, if its weights have timm's own names; else ``''``."""
        cfg = self.init_cfg if isinstance(self.init_cfg, dict) else {}
        file = str(cfg.get('checkpoint', ''))
        if cfg.get('type') != 'Pretrained' or cfg.get('prefix') or not Path(file).is_file():
            return ''
        own = any(name.startswith('timm_model.') for name in load_state_dict(file))
        return '' if own else file

    def _load_timms_file(self, file: str) -> None:
        try:
            source = self._create(pretrained=True, pretrained_cfg_overlay=dict(file=file))
        except RuntimeError as error:  # torch lists the names, a line for each kind of fault
            reason = '; '.join(line.strip()[:120] for line in str(error).splitlines()[1:3])
            raise UserError(
                f"{file} does not hold the weights of timm's {self.create_args['model_name']}: {reason}"
            ) from error
        self.timm_model.load_state_dict(source.state_dict())

    def train(self, mode: bool = True) -> 'TimmBackbone':
        """Sets the mode; with ``norm_eval``, batch norms stay in evaluation mode."""
        super().train(mode)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives the features of ``out_indices``.

        Args:
            x (Tensor): Images, (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: (B, channels[i], H / strides[i], W / strides[i]).
        """
        return self._select(self._features(x))

    def forward_with_stride_two(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Gives the stride-2 feature, (B, c2_prime_channels, H / 2, W / 2), beside :meth:`forward`'s."""
        features = self._features(x)
        return features[self.stride_two_index], self._select(features)

    def _features(self, x: Tensor) -> list[Tensor]:
        """Timm's features, (B, C, H, W), contiguous where the images are.

        Some models, such as ConvNeXt, give them channels-last, which operators of mmcv do not take.
        """
        features = [self._channels_first(feature) for feature in self.timm_model(x)]
        return [feature.contiguous() for feature in features] if x.is_contiguous() else features

    def _select(self, features: list[Tensor]) -> tuple[Tensor, ...]:
        return tuple(features[i] for i in self.out_indices)

    def _channels_first(self, feature: Tensor) -> Tensor:
        """(B, H, W, C) of models such as Swin, or (B, C, H, W), to (B, C, H, W)."""
        if getattr(self.timm_model, 'output_fmt', 'NCHW') == 'NHWC':
            return feature.permute(0, 3, 1, 2)
        return feature
