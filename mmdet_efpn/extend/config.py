"""Any MMDetection detector with a feature pyramid, and the same detector with the extended level."""

import copy
from functools import partial
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log

import mmdet_efpn.models  # noqa: F401  (registers what the extended config names)

from ..utils.errors import UserError
from ..utils.read_config import read_config
from .backbone import C2_STRIDE, extend_backbone, from_stride_four
from .check import prove
from .dense_head import extend_dense_head
from .dropped_objects import note_dropped_objects
from .mask_head import (
    BRANCHES,
    MASKS_AT_STRIDE_FOUR,
    READ_PLAIN_LEVELS,
    check_stride_of_masks,
    extend_branches,
)
from .moved_names import note_moved_names
from .neck import extend_neck
from .new_style import is_new_style, with_names, with_scope
from .optimiser import fit_optimiser
from .plain import check_detector, check_plain
from .price import note_price
from .probe import Feature, plain_type, probe_backbone, rounds_up
from .pyramid import Levels, as_chain, begin_at_stride_four, plain_strides, width_of_levels
from .queries import (
    attends_to_levels,
    extend_fusion_head,
    keep_rates_of_neck,
    level_reader,
    note_language_model,
    pyramid_for_pixel_decoder,
    reads_stages,
    takes_videos,
)
from .report import CannotExtendError, Report
from .two_stage import extend_roi_head, extend_rpn_head
from .wrappers import check_teacher, extend_inside, inner_detectors

LEVELS = ('all', 'p3_prime')
PAD = 32  # stride of C5
HEADS = ('rpn_head', 'roi_head', 'bbox_head')


def extend_config(cfg: Config | str | Path, **options) -> Config:
    """Gives an MMDetection config's detector the extended pyramid level P2'.

    What was changed and why is logged.

    Args:
        cfg (Config | str | Path): A detector's config, its path, or ``package::path`` such as
            ``'mmdet::retinanet/retinanet_r50_fpn_1x_coco.py'``. It is left alone.
        **options: Those of :func:`extend_with_report`.

    Returns:
        Config: The same config with the model's backbone, neck and heads, and ``custom_imports``,
        rewritten.

    Raises:
        CannotExtendError: The detector cannot have the level; the message says why.
        FileNotFoundError: There is no such config.

    Source: arXiv:2003.07021.

    Example:
        >>> cfg = extend_config('mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py')
        >>> cfg.model.neck.type, cfg.model.bbox_head.strides
        ('EFPN', [2, 4, 8, 16, 32, 64, 128])
    """
    extended, report = extend_with_report(cfg, **options)
    print_log(str(report), logger='current')
    return extended


def extend_with_report(
    cfg: Config | str | Path,
    ftt: dict | str | None = None,
    c2_prime: str | None = None,
    levels: str | None = None,
    separable: bool | None = None,
    extended_bbox_head: bool = True,
    rpn_on_p2_prime: bool | None = None,
    check: bool = True,
) -> tuple[Config, Report]:
    """:func:`extend_config`, and what it changed and why.

    Args:
        cfg (Config | str | Path): The plain detector.
        ftt (dict | str, optional): Config or name of the FTT module. Default: ``LightFTT``.
        c2_prime (str, optional): Where C2' comes from in ResNet and ResNeXt: ``'stem'`` (default) or
            ``'shared'`` (stage 2 a second time); other backbones choose by themselves.
        levels (str, optional): ``'all'``: P2' and all levels from stride 4 on. ``'p3_prime'``: P3' in
            the place of P2, so that the finest stride is 4. Default: ``'all'``, but ``'p3_prime'`` where
            a transformer attends to the levels.
        separable (bool, optional): Make P2' by a depthwise and a 1x1 conv on a narrower sum of C2' and a
            P3' that begins small; ``False``: by a 3x3 conv on the plain sum, as in the released model.
            Default: ``True`` where there is a P2'.
        extended_bbox_head (bool): Give the RoIs of P2' a box head of their own. Default True.
        rpn_on_p2_prime (bool, optional): Propose on P2' too. Default: only where the RPN is the whole
            detector, or of a kind that cannot leave P2' out.
        check (bool): Build and run the extended detector in small before it is given out
            (:func:`mmdet_efpn.extend.check.prove`), which takes some seconds. Default True.

    Returns:
        tuple[Config, Report]: The extended config and its report.

    Raises:
        CannotExtendError: The detector cannot have the level; the message says why.
        FileNotFoundError: There is no such config.
    """
    if not isinstance(cfg, Config):
        cfg = read_config(cfg)
    if levels not in (None, *LEVELS):
        raise UserError(f'levels must be one of {LEVELS}, got {levels!r}')
    check_detector(cfg.get('model'))
    if inside := inner_detectors(cfg.model):
        extend = partial(
            extend_with_report,
            ftt=ftt,
            c2_prime=c2_prime,
            levels=levels,
            separable=separable,
            extended_bbox_head=extended_bbox_head,
            rpn_on_p2_prime=rpn_on_p2_prime,
            check=check,
        )
        return extend_inside(cfg, inside, extend)
    new_style = is_new_style(cfg)
    extended, report = with_names(cfg) if new_style else copy.deepcopy(cfg), Report()
    plain = extended.model
    check_plain(plain)
    model = ConfigDict(plain).to_dict()
    levels = levels or ('p3_prime' if _takes_p3_prime(model) else 'all')
    check_stride_of_masks(model, levels)
    if plain_type(model) == 'RPN' and levels == 'all':
        if rpn_on_p2_prime is False:
            raise UserError(
                "rpn_on_p2_prime=False: this detector is an RPN alone, and nothing else would read P2'"
            )
        rpn_on_p2_prime = True
    if rpn_on_p2_prime and (levels != 'all' or not model.get('rpn_head')):
        raise UserError(
            f"rpn_on_p2_prime needs an RPN and levels='all', got levels={levels!r} and "
            f'{"an" if model.get("rpn_head") else "no"} RPN'
        )
    if not extended_bbox_head and not model.get('roi_head'):
        raise UserError('extended_bbox_head=False needs a RoI head, and this detector has none')
    ftt = dict(type=ftt) if isinstance(ftt, str) else ftt
    pyramids = _extend_features(model, ftt, c2_prime, levels, separable, report)
    report.levels = pyramids
    _extend_heads(model, pyramids, extended_bbox_head, rpn_on_p2_prime, report)
    extended.model = with_scope(model) if new_style else model
    if extended.get('optim_wrapper'):
        extended.optim_wrapper = fit_optimiser(extended.optim_wrapper, model, report)
    keep_rates_of_neck(extended, report)
    note_moved_names(extended, pyramids, report)
    _import_package(extended, report)
    note_dropped_objects(extended, report)
    if check and takes_videos(model):
        report.left(
            f'not checked: {plain_type(model)} learns from videos, which the check does not make'
        )
    elif check:
        optim_wrappers = cfg.get('optim_wrapper'), extended.get('optim_wrapper')
        plain = ConfigDict(plain).to_dict()
        prove(plain, model, pyramids, optim_wrappers, report)
        note_price(cfg, plain, model, pyramids, report)
    return extended, report


def _takes_p3_prime(model: dict) -> bool:
    """Whether stride 2 is too much for a detector: a transformer, or masks laid out for stride 4."""
    return plain_type(model) in MASKS_AT_STRIDE_FOUR or attends_to_levels(model)


def _extend_features(
    model: dict,
    ftt: dict | None,
    c2_prime: str | None,
    levels: str,
    separable: bool | None,
    report: Report,
) -> Levels:
    """Extends backbone and neck in place; gives the strides that the heads receive."""
    before = probe_backbone(model['backbone'])
    if reads_stages(model):
        model['neck'] = pyramid_for_pixel_decoder([f.channels for f in before], model)
        report.changed(
            'model.neck: an FPN between backbone and pixel decoder, for the extension; '
            'it starts untrained'
        )
    chain = as_chain(model.get('neck'))
    plain = plain_strides(chain, model['backbone'], before)
    backbone = model['backbone']
    if plain[0] != C2_STRIDE or before[0].stride < C2_STRIDE:
        backbone = from_stride_four(backbone, before, report)
    features = before if backbone is model['backbone'] else probe_backbone(backbone)
    chain = begin_at_stride_four(chain, plain, backbone, before, features)
    channels = width_of_levels(chain, backbone)
    width = None
    if levels == 'all':
        backbone = extend_backbone(backbone, c2_prime, report)
        features = probe_backbone(backbone)
        width = features[0].channels
    elif c2_prime is not None:
        raise UserError(f"c2_prime={c2_prime!r} does not go with levels={levels!r}, which has no P2'")
    elif separable is not None:
        raise UserError(f"separable={separable!r} does not go with levels={levels!r}, which has no P2'")
    model['backbone'] = backbone
    _pad_to_octaves(model, features, report)
    model['neck'] = extend_neck(
        chain,
        channels,
        ftt or dict(type='LightFTT'),
        levels,
        width,
        separable is not False,
        report,
    )
    finest = 2 if levels == 'all' else 4
    strides = [finest]
    while strides[-1] < plain[-1]:
        strides.append(2 * strides[-1])
    if len(strides) > len(plain):
        report.changed(f'levels: strides {list(plain)} to {strides}')
    if plain[0] > C2_STRIDE:
        report.left(
            "a trained plain detector's checkpoint: parts that neck and head keep level by "
            'level have a new index; mmdet-efpn extend-weights moves them'
        )
    return Levels(plain, tuple(strides))


def _pad_to_octaves(model: dict, features: list[Feature], report: Report) -> None:
    """Pads images, in place, where the backbone would give sizes that are no octaves."""
    preprocessor = model.get('data_preprocessor')
    padded = preprocessor and preprocessor.get('pad_size_divisor', 1) % PAD == 0
    if padded or rounds_up(model['backbone'], features):
        return
    if not preprocessor:
        report.left(
            'model.data_preprocessor: missing, but this backbone rounds sizes down: let the '
            f'sides of images be multiples of {PAD}'
        )
        return
    model['data_preprocessor'] = dict(preprocessor, pad_size_divisor=PAD)
    report.changed(
        f'model.data_preprocessor.pad_size_divisor: {PAD}, since this backbone rounds sizes '
        'down, and the extension needs levels that are each half of the one before'
    )


def _extend_heads(
    model: dict,
    levels: Levels,
    extended_bbox_head: bool,
    rpn_on_p2_prime: bool | None,
    report: Report,
) -> None:
    """Extends, in place, whatever reads the levels."""
    kind = plain_type(model)
    check_teacher(model, levels)
    note_language_model(model, report)
    if reader := level_reader(model):
        reader(model, levels, report)
        return
    branches = BRANCHES if kind in (*READ_PLAIN_LEVELS, *MASKS_AT_STRIDE_FOUR) else ()
    unknown = [
        key
        for key in model
        if key not in (*HEADS, *branches)
        and key != 'panoptic_fusion_head'
        and (key.endswith('_head') or key in ('encoder', 'decoder'))
    ]
    if unknown or not any(model.get(key) for key in (*HEADS, *branches)):
        raise CannotExtendError(
            f'model ({kind}) reads its levels in a way that is not known'
            + (f': model.{unknown[0]}' if unknown else ', it has none of ' + ', '.join(HEADS))
        )
    if model.get('bbox_head') is not None:
        head = extend_dense_head(model['bbox_head'], levels, report)
        model['bbox_head'] = extend_fusion_head(head, levels, report)
    if model.get('rpn_head') is not None:
        model['rpn_head'] = extend_rpn_head(model['rpn_head'], levels, rpn_on_p2_prime, report)
    if model.get('roi_head') is not None:
        model['roi_head'] = extend_roi_head(model['roi_head'], levels, extended_bbox_head, report)
    extend_branches(model, levels, report)


def _import_package(cfg: Config, report: Report) -> None:
    """Adds this package to the config's ``custom_imports``."""
    settings = dict(cfg.get('custom_imports') or dict(allow_failed_imports=False))
    imports = settings.get('imports') or []
    imports = [imports] if isinstance(imports, str) else list(imports)
    if 'mmdet_efpn' not in imports:
        settings['imports'] = [*imports, 'mmdet_efpn']
        cfg.custom_imports = settings
        report.changed('custom_imports: mmdet_efpn, which registers the modules above')
