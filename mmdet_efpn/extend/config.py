"""Any MMDetection detector with a feature pyramid, and the same detector with the extended level."""

import copy
from functools import partial
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log

import mmdet_efpn.models  # noqa: F401  (registers what the extended config names)

from ..utils.config_parts import import_package
from ..utils.errors import UserError
from ..utils.read_config import read_config
from .check import prove
from .dropped_objects import note_dropped_objects
from .moved_names import note_moved_names
from .new_style import is_new_style, with_names, with_scope
from .optimiser import fit_optimiser
from .parts.assigner import set_assigner
from .parts.features import extend_features
from .parts.heads import extend_heads
from .parts.mask_head import MASKS_AT_STRIDE_FOUR, check_stride_of_masks
from .plain import check_model, check_plain
from .price import note_price
from .probe import plain_type
from .queries import attends_to_levels, keep_rates_of_neck, takes_videos
from .report import Report
from .wrappers import extend_inside, inner_detectors

LEVELS = ('all', 'p3_prime')


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
    assigner: str | None = None,
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
        assigner (str, optional): Assign ground truth to anchors by another rule, for tiny objects:
            ``'nwd'``, the normalised Wasserstein distance. Default: as the plain detector does.
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
    check_model(cfg.get('model'))
    new_style = is_new_style(cfg)
    plain = with_names(cfg) if new_style else cfg
    options: dict = dict(
        ftt=dict(type=ftt) if isinstance(ftt, str) else ftt,
        c2_prime=c2_prime,
        levels=levels,
        separable=separable,
        extended_bbox_head=extended_bbox_head,
        rpn_on_p2_prime=rpn_on_p2_prime,
        assigner=assigner,
        check=check,
    )
    if inside := inner_detectors(plain.model):
        extended, report = extend_inside(plain, inside, partial(extend_with_report, **options))
    else:
        extended, report = _extend_detector(plain, **options)
    if new_style:
        extended.model = with_scope(ConfigDict(extended.model).to_dict())
    return extended, report


def _extend_detector(
    cfg: Config,
    ftt: dict | None,
    c2_prime: str | None,
    levels: str | None,
    separable: bool | None,
    extended_bbox_head: bool,
    rpn_on_p2_prime: bool | None,
    assigner: str | None,
    check: bool,
) -> tuple[Config, Report]:
    """:func:`extend_with_report` for a config whose ``model`` is the detector itself."""
    check_plain(cfg.model)
    extended, report = copy.deepcopy(cfg), Report()
    plain, model = (ConfigDict(c.model).to_dict() for c in (cfg, extended))
    levels = levels or _usual_levels(model)
    check_stride_of_masks(model, levels)
    rpn_on_p2_prime = _rpn_on_p2_prime(model, levels, rpn_on_p2_prime)
    if not extended_bbox_head and not model.get('roi_head'):
        raise UserError('extended_bbox_head=False needs a RoI head, and this detector has none')
    pyramids = extend_features(model, ftt, c2_prime, levels, separable, report)
    extend_heads(model, pyramids, extended_bbox_head, rpn_on_p2_prime, report)
    if assigner is not None:
        set_assigner(model, assigner, report)
    extended.model = model
    keep_rates_of_neck(extended, report)
    if extended.get('optim_wrapper'):
        extended.optim_wrapper = fit_optimiser(extended.optim_wrapper, model, report)
    note_moved_names(extended, pyramids, report)
    note_dropped_objects(extended, report)
    if import_package(extended):
        report.changed('custom_imports: mmdet_efpn, which registers the modules above')
    if check and takes_videos(model):
        report.left(
            f'not checked: {plain_type(model)} learns from videos, which the check does not make'
        )
    elif check:
        optim_wrappers = cfg.get('optim_wrapper'), extended.get('optim_wrapper')
        prove(plain, model, pyramids, optim_wrappers, report)
        note_price(cfg, plain, model, pyramids, report)
    return extended, report


def _usual_levels(model: dict) -> str:
    """``'p3_prime'`` where stride 2 is too much: for a transformer, or masks laid out for stride 4."""
    masks = plain_type(model) in MASKS_AT_STRIDE_FOUR
    return 'p3_prime' if masks or attends_to_levels(model) else 'all'


def _rpn_on_p2_prime(model: dict, levels: str, asked: bool | None) -> bool | None:
    """Whether the RPN proposes on P2' too: as asked for, and where nothing else would read it."""
    if plain_type(model) == 'RPN' and levels == 'all':
        if asked is False:
            raise UserError(
                "rpn_on_p2_prime=False: this detector is an RPN alone, and nothing else would read P2'"
            )
        return True
    if asked and (levels != 'all' or not model.get('rpn_head')):
        raise UserError(
            f"rpn_on_p2_prime needs an RPN and levels='all', got levels={levels!r} and "
            f'{"an" if model.get("rpn_head") else "no"} RPN'
        )
    return asked
