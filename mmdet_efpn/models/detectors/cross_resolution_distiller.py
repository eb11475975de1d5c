"""Cross-resolution distillation: the extended level learns from the pyramid of the full image."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmdet.models.necks import FPN
from mmdet.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..utils.nested_config import check_config
from .counted_cells import counted_cells, gt_boxes
from .partly_trained_detector import PartlyTrainedDetector
from .teacher import check_same_pixels, checked_teacher, load_teacher
from .undisturbed import undisturbed


@MODELS.register_module()
@known_arguments_only
class CrossResolutionDistiller(PartlyTrainedDetector):
    """Trains a detector's extended level by the network's own view of the image at twice the size.

    The teacher is the pyramid on the full image. The student is the extended pyramid on the image
    average-pooled 2 x 2: its P3' and P2' then stand where the teacher's level 3 and level 2 stand::

        L = L_fbb(P3', inner3 of the teacher) + L_fbb(P2', P2 of the teacher)

    The batch is padded to a multiple of ``size_divisor`` before it is pooled, so that every stride of
    both views divides it and twin cells see the same pixels. Padding and regions marked as ignored do
    not count. Where the FTT reads the outputs P2 and P3 (``ftt_source='on_output'``, and necks other
    than EFPN), its target is P3 in the place of inner3.

    Neither view disturbs running statistics. With the detection loss, batch norms that train normalise
    each view by its own batch, as that loss has it, and note nothing: weights that learned under both
    kinds of normalisation at once drifted to where the two differ (``docs/results/deeppcb.md``). The
    exception is a C2' from stage 2, which ``ExtendedResNet`` normalises by running statistics in every
    pass. Without the detection loss, all norms normalise by their running statistics, as in evaluation.
    Those of the extension take theirs from the student.

    Args:
        detector (dict): Config of a detector whose neck has an extension (EFPN, ExtendedNeck).
        teacher (dict, optional): Another teacher: ``dict(config=..., checkpoint=...)``, config and
            weights of a detector with a pyramid of the same width from stride 4 on, P2' not needed.
            ``None``: the detector's own weights. Default ``None``.
        distill_loss (dict): Loss of both levels, ``ForegroundBackgroundBalancedLoss``.
        detection_loss (bool): Add the detector's own losses on the full image (the joint variant).
            Default False.
        trainable (Sequence[str], optional): Names of the parts that train. Default: the extension
            alone and, where a ``HighResolutionTap`` makes C2' by a stem of its own, that stem; with
            ``detection_loss``, everything.
        size_divisor (int): The batch is padded to a multiple of this: twice the backbone's coarsest
            stride. Default 64.
        init_cfg (dict, optional): As in MMDetection.

    Raises:
        UserError: a neck without extension; a teacher without a pyramid that fits (width, strides,
            inner3) or of other pixel statistics; a ``size_divisor`` that is no multiple of 8; activation
            checkpointing beside norms that train.

    Source: arXiv:2003.07021, section 3.3.
    """

    def __init__(
        self,
        detector: dict,
        teacher: dict | None = None,
        distill_loss: dict | None = None,
        detection_loss: bool = False,
        trainable: Sequence[str] | None = None,
        size_divisor: int = 64,
        init_cfg=None,
    ) -> None:
        if size_divisor < 8 or size_divisor % 8:
            raise UserError(
                "model.size_divisor must be a multiple of 8, so that P3 and P3' have whole cells, got "
                f'{size_divisor}'
            )
        check_config('model.detector', detector, "dict(type='FasterRCNN', ...)")
        if not _has_extension(detector):
            raise UserError(
                "model.detector.neck must make P2' to distil: EFPN with ftt=dict(...), or ExtendedNeck "
                f"with levels='all'; got {dict(detector).get('neck')}"
            )
        detector = MODELS.build(detector)
        stem = getattr(detector.backbone, 'stride_two_stem', None)
        if trainable is None and not detection_loss:
            trainable = ('neck.extension', *(() if stem is None else ('backbone.stride_two_stem',)))
        super().__init__(detector, trainable, init_cfg)
        # What the student's pass leaves in training mode.
        self._live = [detector.neck.extension, *(() if stem is None else (stem,))]
        distill_loss = distill_loss or dict(type='ForegroundBackgroundBalancedLoss')
        check_config('model.distill_loss', distill_loss, "dict(type='ForegroundBackgroundBalancedLoss')")
        self.distill_loss = MODELS.build(distill_loss)
        self.detection_loss = detection_loss
        self.size_divisor = size_divisor
        neck = self.detector.neck
        if neck.extension.on_rois:
            raise UserError(
                "model.detector.neck.extension_cfg.on_rois=True makes P2' on RoIs alone, and there is "
                'no map of it to distil; set it to False (the weights are the same)'
            )
        self.reads_laterals = getattr(neck, 'ftt_source', 'on_output') == 'on_lateral'
        # Outside the module tree: no weights of the teacher's in checkpoints, optimisers or DDP.
        teacher = self.detector if teacher is None else load_teacher(**checked_teacher(teacher))
        object.__setattr__(self, 'teacher', teacher)
        self._check_teacher()
        self._check_checkpointing()

    def _check_teacher(self) -> None:
        if self.reads_laterals and not isinstance(self.teacher.neck, FPN):
            raise UserError(
                "model.teacher needs an FPN (or EFPN) neck, because the student's FTT reads the sums "
                f'before the 3x3 convs; got {type(self.teacher.neck).__name__}. Set '
                'model.detector.neck.ftt_source="on_output" to distil towards any pyramid'
            )
        if self.teacher is not self.detector:
            check_same_pixels(self.teacher.data_preprocessor, self.data_preprocessor)

    def _check_checkpointing(self) -> None:
        if (
            any(getattr(m, 'with_cp', False) for m in self._pyramid_modules())
            and not self._norms_stand_still()
        ):
            raise UserError(
                'activation checkpointing (with_cp) runs blocks again in the backward pass, when their '
                'norms train again: where they do (model.detection_loss, model.trainable) set '
                'backbone.norm_eval=True or with_cp=False'
            )

    def _norms_stand_still(self) -> bool:
        """Whether training mode leaves every batch norm outside the extension in evaluation mode."""
        was_training = self.training
        self.train()
        live = any(m.training for m in self._pyramid_modules() if isinstance(m, _BatchNorm))
        self.train(was_training)
        return not live

    def _pyramid_modules(self) -> list[nn.Module]:
        """Those of backbone and neck that the student's pass does not leave in training mode."""
        live = {module for part in self._live for module in part.modules()}
        return [
            module
            for part in (self.detector.backbone, self.detector.neck)
            for module in part.modules()
            if module not in live
        ]

    def _apply(self, fn, recurse: bool = True):
        """Moves a teacher of its own along with the student."""
        super()._apply(fn, recurse)
        if self.teacher is not self.detector:
            self.teacher._apply(fn, recurse)
        return self

    def loss(self, batch_inputs: Tensor, batch_data_samples) -> dict:
        """Distillation losses of both levels and, in the joint variant, the detection losses.

        Args:
            batch_inputs (Tensor): (B, 3, H, W), the full-size batch, normalised.
            batch_data_samples (list[DetDataSample]): Boxes in the pixels of ``batch_inputs``.

        Returns:
            dict: ``p3_prime.loss_global``, ``p3_prime.loss_positive``, the same of ``p2_prime``, and
            the detector's losses under their own names.
        """
        losses = super().loss(batch_inputs, batch_data_samples) if self.detection_loss else {}
        for level, (pred, target, stride) in self.compare(batch_inputs).items():
            parts = self.distill_loss(
                pred,
                target,
                gt_boxes(batch_data_samples, 'gt_instances', pred),
                stride,
                counted=counted_cells(batch_data_samples, pred, stride),
            )
            losses.update({f'{level}.{name}': value for name, value in parts.items()})
        return losses

    def compare(self, batch_inputs: Tensor) -> dict[str, tuple[Tensor, Tensor, int]]:
        """Runs teacher and student.

        Args:
            batch_inputs (Tensor): (B, 3, H, W), the full-size batch, normalised.

        Returns:
            dict: For ``p3_prime`` and ``p2_prime``: the student's map, the teacher's (without
            gradient), both (B, C, H_i, W_i), and their stride in pixels of the full image, 8 and 4.
        """
        images, half = self.views(batch_inputs)
        target_p3, target_p2 = self._run_teacher(images)
        torch.clear_autocast_cache()  # older torch would give the student weights cast without gradient
        p2_prime, p3_prime = self._run_student(half)
        return dict(p3_prime=(p3_prime, target_p3, 8), p2_prime=(p2_prime, target_p2, 4))

    def views(self, batch_inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The padded batch that the teacher sees, and the half-size one that the student sees."""
        height, width = batch_inputs.shape[2:]
        images = F.pad(batch_inputs, (0, -width % self.size_divisor, 0, -height % self.size_divisor))
        return images, F.avg_pool2d(images, 2)

    @torch.no_grad()
    def _run_teacher(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's inner3 (or P3, where the FTT reads outputs) and P2."""
        backbone, neck = self.teacher.backbone, self.teacher.neck
        inner3 = []
        with undisturbed(backbone, neck, by_batch=self.detection_loss):
            extended = getattr(neck, 'extension', None) is not None
            stages = getattr(backbone, 'forward_stages', backbone)(images)
            if extended and not hasattr(backbone, 'forward_stages'):
                stages = stages[1:]  # any backbone that gives stride 2 as well
            handle = (
                neck.fpn_convs[1].register_forward_pre_hook(lambda conv, args: inner3.append(args[0]))
                if self.reads_laterals
                else None
            )
            try:
                levels = neck.forward_pyramid(stages).levels if extended else neck(stages)
            finally:
                if handle is not None:
                    handle.remove()
        p2, p3 = levels[0], inner3[0] if self.reads_laterals else levels[1]
        width = self.detector.neck.extension.ftt.channels
        expected = [(width, *(side // stride for side in images.shape[2:])) for stride in (4, 8)]
        if [tuple(p2.shape[1:]), tuple(p3.shape[1:])] != expected:
            raise UserError(
                f'the teacher must give maps of {expected[0]} and {expected[1]} (channels, height, '
                f'width) at strides 4 and 8 for this batch, got {tuple(p2.shape[1:])} and '
                f"{tuple(p3.shape[1:])}: model.teacher needs the student's neck.out_channels, and a "
                'pyramid that starts at stride 4'
            )
        return p3, p2

    def _run_student(self, half: Tensor) -> tuple[Tensor, Tensor]:
        """P2' and P3' of the half-size view."""
        backbone, neck = self.detector.backbone, self.detector.neck
        with undisturbed(backbone, neck, but=self._live, by_batch=self.detection_loss):
            c2_prime, *stages = backbone(half)
            pyramid = neck.forward_pyramid(stages)
            return neck.extension(c2_prime, pyramid.p2, pyramid.p3)


def _has_extension(detector: dict) -> bool:
    neck = dict(detector).get('neck')
    return isinstance(neck, dict) and neck.get('ftt') is not None and neck.get('levels', 'all') == 'all'
