"""A detector of which only named parts train: the stages of a training in several steps."""

from collections.abc import Sequence

from mmdet.models.detectors.base import BaseDetector
from mmdet.registry import MODELS
from mmengine.logging import print_log
from torch import Tensor, nn

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..utils.nested_config import check_config
from ..utils.plain_names import keep_plain_names


@MODELS.register_module()
@known_arguments_only
class PartlyTrainedDetector(BaseDetector):
    """Any MMDetection detector with all its parts frozen but the named ones.

    What is frozen stays bit-equal: its parameters require no gradient, so that optimisers make no state
    for them and weight decay leaves them alone; its norms and dropouts run as in evaluation, so that
    running statistics stand still. What trains is logged when the detector is built. Freezing happens at
    that moment, before a runner wraps the model for data parallel training or builds an optimiser.

    Checkpoints hold the wrapped detector under its own names: they load into its plain config, and the
    plain detector's into this one.

    Args:
        detector (dict | nn.Module): The detector or its config. Its data preprocessor serves.
        trainable (Sequence[str], optional): Names of the submodules that train, as in
            ``named_modules``, for example ``['roi_head.extended_bbox_head']``. ``None``: all train.
            Default ``None``.
        init_cfg (dict, optional): As in MMDetection.

    Raises:
        UserError: no name, or one that the detector has no module for, or parts without a parameter
            that could train.
    """

    def __init__(
        self, detector: dict | nn.Module, trainable: Sequence[str] | None = None, init_cfg=None
    ) -> None:
        if trainable is not None and (isinstance(trainable, str) or not trainable):
            raise UserError(
                'model.trainable must be a list of names of submodules, such as '
                f"['roi_head.extended_bbox_head'], or None for all; got {trainable!r}"
            )
        if not isinstance(detector, nn.Module):
            check_config('model.detector', detector, "dict(type='FasterRCNN', ...)")
            detector = MODELS.build(detector)
        super().__init__(data_preprocessor=detector.data_preprocessor, init_cfg=init_cfg)
        self.detector = detector
        self.trainable = ('',) if trainable is None else tuple(trainable)
        keep_plain_names(self, inner='detector')
        self._freeze()

    def _trains(self, name: str) -> bool:
        """Whether the module or parameter of this name belongs to a part that trains."""
        return any(part in ('', name) or name.startswith(part + '.') for part in self.trainable)

    def _freeze(self) -> None:
        names = [name for name, _ in self.detector.named_modules()]
        unknown = [part for part in self.trainable if part not in names]
        if unknown:
            children = [name for name in names if name and name.count('.') < 2]
            raise UserError(
                f'model.trainable names {unknown}, but the detector has no such module; it has, among '
                f'others, {children}'
            )
        for name, parameter in self.detector.named_parameters():
            if not self._trains(name):
                parameter.requires_grad_(False)
        print_log(self.training_summary(), logger='current')
        starved = [
            part
            for part in self.trainable
            if not any(p.requires_grad for p in self.detector.get_submodule(part).parameters())
        ]
        if starved:
            raise UserError(
                f'model.trainable names {starved}, which have no parameter that requires a gradient '
                '(frozen_stages and the like freeze parameters too)'
            )

    def training_summary(self) -> str:
        """What trains and what is frozen: parameters and their tensors, part by part."""
        lines = ['Parts that train:']
        for part in self.trainable:
            module = self.detector.get_submodule(part)
            trained = [p for p in module.parameters() if p.requires_grad]
            lines.append(
                f'  {part or "the whole detector"}: {sum(p.numel() for p in trained):,} '
                f'parameters in {len(trained)} tensors'
            )
        frozen = [p for p in self.detector.parameters() if not p.requires_grad]
        lines.append(f'Frozen: {sum(p.numel() for p in frozen):,} parameters in {len(frozen)} tensors')
        return '\n'.join(lines)

    def train(self, mode: bool = True) -> 'PartlyTrainedDetector':
        """Switches the parts that train; the frozen ones stay as in evaluation."""
        super().train(mode)
        self._hold_frozen(self.detector, '')
        return self

    def _hold_frozen(self, module: nn.Module, name: str) -> None:
        """Puts the frozen modules at and below ``module`` into evaluation mode."""
        if self._trains(name):
            return
        if not any(part.startswith(name + '.' if name else '') for part in self.trainable):
            module.eval()
            return
        for child_name, child in module.named_children():
            self._hold_frozen(child, f'{name}.{child_name}' if name else child_name)

    def loss(self, batch_inputs: Tensor, batch_data_samples) -> dict:
        """The wrapped detector's losses, without those that no trained parameter reaches.

        Args:
            batch_inputs (Tensor): (B, 3, H, W), normalised images.
            batch_data_samples (list[DetDataSample]): Annotations.

        Returns:
            dict: Losses by name.
        """
        losses = self.detector.loss(batch_inputs, batch_data_samples)
        return {name: value for name, value in losses.items() if _is_trained(name, value)}

    def predict(self, batch_inputs: Tensor, batch_data_samples, rescale: bool = True) -> list:
        """The wrapped detector's predictions."""
        return self.detector.predict(batch_inputs, batch_data_samples, rescale=rescale)

    def extract_feat(self, batch_inputs: Tensor) -> tuple:
        """The wrapped detector's pyramid."""
        return self.detector.extract_feat(batch_inputs)

    def _forward(self, batch_inputs: Tensor, batch_data_samples=None) -> tuple:
        """The wrapped detector's raw outputs."""
        return self.detector._forward(batch_inputs, batch_data_samples)


def _is_trained(name: str, value) -> bool:
    """False for a loss that carries no gradient; other logged values, such as accuracies, stay."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return 'loss' not in name or any(part.requires_grad for part in parts)
