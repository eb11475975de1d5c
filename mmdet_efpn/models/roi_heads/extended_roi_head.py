"""The RoI head of an extended pyramid: RoIs of level P2' may have a box head of their own."""

from collections.abc import Sequence

import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi, get_box_tensor
from mmengine.structures import InstanceData
from torch import Tensor, nn

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..utils.map_checks import check_maps, padded_size
from ..utils.nested_config import check_config
from .head_checks import check_box_heads, check_extractor, output_widths
from .pooling import on_p2_prime, one_after_the_other, parts_of, pool, pool_twice
from .sampling import nothing_added


@MODELS.register_module()
@known_arguments_only
class ExtendedRoIHead(StandardRoIHead):
    """Standard RoI head with a second box head for the RoIs of level P2'.

    RoIs go to levels by size, as in FPN: with ``featmap_strides=[2, 4, 8, 16, 32]`` and
    ``finest_scale=28`` those under 56 pixels are pooled from P2'. The second head,
    ``extended_bbox_head``, classifies and refines these; the first head serves the rest. Both train
    jointly, under the loss of the first head's config. Either may get no RoI at all: its parameters
    then get a zero gradient, so that data parallel training needs no ``find_unused_parameters``.

    A checkpoint without a second head gives it the first head's weights, as far as their shapes agree.

    Args:
        extended_bbox_head (bool | dict): ``True``: a second head built from ``bbox_head``'s config. A
            dict: a config of its own, whose outputs have the first head's shapes (its losses and box
            coder are not used). ``False``: one head serves all levels. Default ``True``.
        extended_rois_only (bool): Train on RoIs of level P2' only, for a stage that fine-tunes the
            second head: proposals and ground-truth boxes of other levels are not sampled, and there is
            no mask loss. Works with every sampler of MMDetection, ``OHEMSampler`` too. Test time is as
            without. Default False.
        pool_small_rois_from (str): At test time, where RoIs of the levels P2' and P2 (under 112 pixels)
            are pooled. ``'p2_prime'``: once, from the level of their size, as in training. ``'both'``:
            once from P2' and once from P2; both copies are classified, the one from P2' by the second
            head if there is one, and NMS merges them, as in the authors' released program. Masks are
            pooled once. Default ``'p2_prime'``.
        **kwargs: The arguments of MMDetection's ``StandardRoIHead``.

    Raises:
        UserError: another value of ``pool_small_rois_from``; an RoI extractor (for boxes or masks) that
            does not assign RoIs to the levels from stride 2 on; a box head of another width, or two
            heads whose outputs differ in shape; at the first forward, a width or strides that are not
            those of the maps.

    Source: arXiv:2003.07021, section 4, and the authors' released model.
    """

    POOLED_FROM = ('p2_prime', 'both')

    def __init__(
        self,
        *,
        extended_bbox_head: bool | dict = True,
        extended_rois_only: bool = False,
        pool_small_rois_from: str = 'p2_prime',
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if not self.with_bbox:
            raise UserError('roi_head.bbox_head is missing: ExtendedRoIHead needs a box head')
        for name, extractor in self._extractors().items():
            check_extractor(name, extractor)
        self.extended_bbox_head = None
        if extended_bbox_head:
            cfg = kwargs['bbox_head'] if extended_bbox_head is True else extended_bbox_head
            check_config('roi_head.extended_bbox_head', cfg, "dict(type='Shared2FCBBoxHead', ...)")
            self.extended_bbox_head = MODELS.build(cfg)
        self._check_box_heads()
        self.extended_rois_only = extended_rois_only
        if pool_small_rois_from not in self.POOLED_FROM:
            raise UserError(
                f'roi_head.pool_small_rois_from must be one of {self.POOLED_FROM}, got '
                f'{pool_small_rois_from!r}'
            )
        self.pool_small_rois_from = pool_small_rois_from
        self._register_load_state_dict_pre_hook(self._start_from_first_head)

    def _start_from_first_head(self, state_dict, prefix, *args) -> None:
        """Fills the second head's weights in where a checkpoint has none for it."""
        if self.extended_bbox_head is None:
            return
        first, second = prefix + 'bbox_head.', prefix + 'extended_bbox_head.'
        if any(key.startswith(second) for key in state_dict):
            return
        for name, value in self.extended_bbox_head.state_dict().items():
            if first + name in state_dict and state_dict[first + name].shape == value.shape:
                state_dict[second + name] = state_dict[first + name]

    def _extractors(self) -> dict:
        """The RoI extractors of boxes and of masks, if these have their own, by config key."""
        extractors = dict(bbox_roi_extractor=self.bbox_roi_extractor)
        if self.with_mask and not self.share_roi_extractor:
            extractors['mask_roi_extractor'] = self.mask_roi_extractor
        return extractors

    def _check_box_heads(self) -> None:
        heads = dict(bbox_head=self.bbox_head)
        if self.extended_bbox_head is not None:
            heads['extended_bbox_head'] = self.extended_bbox_head
        check_box_heads(heads, None if self.with_shared_head else self.bbox_roi_extractor.out_channels)

    def _check(self, x: Sequence[Tensor], batch_data_samples) -> None:
        for name, extractor in self._extractors().items():
            check_maps(
                x[: extractor.num_inputs],
                extractor.out_channels,
                f'roi_head.{name}.out_channels',
                extractor.featmap_strides,
                f'roi_head.{name}.featmap_strides',
                padded_size(batch_data_samples),
            )

    def loss(self, x, rpn_results_list, batch_data_samples) -> dict:
        """As StandardRoIHead, with the maps' widths and strides checked."""
        self._check(x, batch_data_samples)
        if not self.extended_rois_only:
            return super().loss(x, rpn_results_list, batch_data_samples)
        return self._loss_of_extended_rois(x, rpn_results_list, batch_data_samples)

    on_p2_prime = staticmethod(on_p2_prime)

    def _loss_of_extended_rois(self, x, rpn_results_list, batch_data_samples) -> dict:
        """Box losses over samples that are all of level P2'.

        Boxes are assigned against all ground truth, so that a small RoI on a large object is what it
        will be at test time. The ground-truth boxes that a sampler adds are added here, the small ones
        only.
        """
        sampler = self.bbox_sampler
        sampled = []
        for i, (proposals, sample) in enumerate(zip(rpn_results_list, batch_data_samples, strict=True)):
            boxes, truth = proposals.bboxes, get_box_tensor(sample.gt_instances.bboxes)
            if sampler.add_gt_as_proposals:
                boxes = torch.cat((truth.type_as(boxes), boxes))
            small = self.on_p2_prime(bbox2roi([boxes]), x, self.bbox_roi_extractor)
            priors = InstanceData(priors=boxes[small])
            assigned = self.bbox_assigner.assign(
                priors, sample.gt_instances, sample.get('ignored_instances')
            )
            with nothing_added(sampler):
                sampled.append(
                    sampler.sample(
                        assigned, priors, sample.gt_instances, feats=[level[i][None] for level in x]
                    )
                )
        return self.bbox_loss(x, sampled)['loss_bbox']

    def predict(self, x, rpn_results_list, batch_data_samples, rescale: bool = False) -> list:
        """As StandardRoIHead, with the maps' widths and strides checked."""
        self._check(x, batch_data_samples)
        return super().predict(x, rpn_results_list, batch_data_samples, rescale=rescale)

    def predict_bbox(
        self, x, batch_img_metas, rpn_results_list, rcnn_test_cfg, rescale: bool = False
    ) -> list:
        """As StandardRoIHead, with small RoIs pooled where ``pool_small_rois_from`` says."""
        numbers = [len(proposals) for proposals in rpn_results_list]
        if self.pool_small_rois_from == 'p2_prime' or not sum(numbers):
            return super().predict_bbox(x, batch_img_metas, rpn_results_list, rcnn_test_cfg, rescale)
        rois = bbox2roi([proposals.bboxes for proposals in rpn_results_list])
        small, at_p2_prime, at_others = pool_twice(x, rois, self.bbox_roi_extractor)
        copies = self._classified(self.extended_bbox_head or self.bbox_head, at_p2_prime)
        others = self._classified(self.bbox_head, at_others)
        rois, cls_scores, bbox_preds = (
            one_after_the_other(*pair, small, numbers)
            for pair in zip((rois[small], *copies), (rois, *others), strict=True)
        )
        return self.bbox_head.predict_by_feat(
            rois, cls_scores, bbox_preds, batch_img_metas, rcnn_test_cfg, rescale
        )

    def _classified(self, head: nn.Module, bbox_feats: Tensor) -> tuple[Tensor, Tensor]:
        """A box head's class scores and deltas of what was pooled, (n, C, h, w)."""
        return self._run_head(
            head, self.shared_head(bbox_feats) if self.with_shared_head else bbox_feats
        )

    def bbox_loss(self, x, sampling_results) -> dict:
        """As StandardRoIHead; a batch without any RoI has a class loss of zero instead of none."""
        bbox_results = super().bbox_loss(x, sampling_results)
        bbox_results['loss_bbox'].setdefault('loss_cls', bbox_results['cls_score'].sum() * 0)
        return bbox_results

    def _bbox_forward(self, x: Sequence[Tensor], rois: Tensor) -> dict:
        """Pools each RoI and runs the box head of its level.

        Args:
            x (Sequence[Tensor]): The pyramid, P2' first: (B, C, H_i, W_i).
            rois (Tensor): (n, 5), index of the image and x1, y1, x2, y2 in pixels.

        Returns:
            dict: ``cls_score`` (n, classes + 1), ``bbox_pred`` (n, 4 or 4 x classes) and ``bbox_feats``
            (n, C, h, w), all in the order of ``rois``.
        """
        results = self._run_heads(x, rois)
        if not torch.is_grad_enabled():
            # OHEM's pass: older torch would go on to use the weights that were cast without gradient
            torch.clear_autocast_cache()
        return results

    def _run_heads(self, x: Sequence[Tensor], rois: Tensor) -> dict:
        bbox_feats = self._pool(x, rois, self.bbox_roi_extractor)
        if self.with_shared_head:
            bbox_feats = self.shared_head(bbox_feats)
        if self.extended_bbox_head is None:
            cls_score, bbox_pred = self.bbox_head(bbox_feats)
            return dict(cls_score=cls_score, bbox_pred=bbox_pred, bbox_feats=bbox_feats)
        others, extended, back_in_order = parts_of(self.on_p2_prime(rois, x, self.bbox_roi_extractor))
        outputs = zip(
            self._run_head(self.bbox_head, bbox_feats[others]),
            self._run_head(self.extended_bbox_head, bbox_feats[extended]),
            strict=True,
        )
        cls_score, bbox_pred = (torch.cat(parts)[back_in_order] for parts in outputs)
        return dict(cls_score=cls_score, bbox_pred=bbox_pred, bbox_feats=bbox_feats)

    def _mask_forward(self, x: Sequence[Tensor], rois: Tensor | None = None, **kwargs) -> dict:
        """As StandardRoIHead, with P2' computed where these RoIs need it, if it is no map."""
        if rois is None:
            return super()._mask_forward(x, **kwargs)
        mask_feats = self._pool(x, rois, self.mask_roi_extractor)
        if self.with_shared_head:
            mask_feats = self.shared_head(mask_feats)
        return super()._mask_forward(x, pos_inds=slice(None), bbox_feats=mask_feats)

    def _pool(self, x: Sequence[Tensor], rois: Tensor, extractor: nn.Module) -> Tensor:
        """What an extractor pools of each RoI, (n, C, h, w), whatever stands in the place of P2'."""
        return pool(x, rois, extractor)

    def _run_head(self, head: nn.Module, bbox_feats: Tensor) -> tuple[Tensor, Tensor]:
        """Runs a box head; without RoIs its parameters stay in the graph with a zero gradient."""
        if len(bbox_feats):
            return head(bbox_feats)
        zero = sum(parameter.sum() for parameter in head.parameters()) * 0
        return tuple(bbox_feats.new_zeros((0, width)) + zero for width in output_widths(head))
