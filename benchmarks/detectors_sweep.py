"""Which detectors and backbones work with the extended level, found by running each pair.

``python -m benchmarks.detectors_sweep`` writes ``docs/results/detectors.md``.
"""

import argparse
import copy
import json
import logging
import warnings
from pathlib import Path

from mmdet_efpn.extend import argument, extend_config, probe_backbone
from mmdet_efpn.utils.read_config import read_config

from .common.dense_steps import cost_of
from .common.detector_trial import IMAGE_SIZE, build_detector, try_detector

COUNTED_SIDE = 320
DETECTORS = {
    'Faster R-CNN': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
    'Cascade R-CNN': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco',
    'Mask R-CNN': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
    'Cascade Mask R-CNN': 'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco',
    'PointRend': 'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco',
    'HTC': 'htc/htc_r50_fpn_1x_coco',
    'Double-Head R-CNN': 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco',
    'Sparse R-CNN': 'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco',
    'Dynamic R-CNN': 'dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco',
    'Grid R-CNN': 'grid_rcnn/grid-rcnn_r50_fpn_gn-head_1x_coco',
    'Libra R-CNN (FPN and BFP)': 'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco',
    'Faster R-CNN (PAFPN)': 'pafpn/faster-rcnn_r50_pafpn_1x_coco',
    'Faster R-CNN (FPN_CARAFE)': 'carafe/faster-rcnn_r50_fpn-carafe_1x_coco',
    'RetinaNet': 'retinanet/retinanet_r50_fpn_1x_coco',
    'FCOS': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
    'ATSS': 'atss/atss_r50_fpn_1x_coco',
    'ATSS (FPN and DyHead)': 'dyhead/atss_r50_fpn_dyhead_1x_coco',
    'GFL': 'gfl/gfl_r50_fpn_1x_coco',
    'VFNet': 'vfnet/vfnet_r50_fpn_1x_coco',
    'TOOD': 'tood/tood_r50_fpn_1x_coco',
    'PAA': 'paa/paa_r50_fpn_1x_coco',
    'RepPoints': 'reppoints/reppoints-moment_r50_fpn_1x_coco',
    'FoveaBox': 'foveabox/fovea_r50_fpn_4xb4-1x_coco',
    'RTMDet-s': 'rtmdet/rtmdet_s_8xb32-300e_coco',
    'YOLOX-s': 'yolox/yolox_s_8xb8-300e_coco',
    'CenterNet-update': 'centernet/centernet-update_r50_fpn_8xb8-amp-lsj-200e_coco',
    'DDOD': 'ddod/ddod_r50_fpn_1x_coco',
    'Deformable DETR': 'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    'DINO': 'dino/dino-4scale_r50_8xb2-12e_coco',
    'Mask2Former': 'mask2former/mask2former_r50_8xb2-lsj-50e_coco',
    'Faster R-CNN (HRFPN)': 'hrnet/faster-rcnn_hrnetv2p-w18-1x_coco',
    'Faster R-CNN C4': 'faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco',
    'YOLOv3': 'yolo/yolov3_d53_8xb8-320-273e_coco',
    'SSD': 'ssd/ssd300_coco',
    'DETR': 'detr/detr_r50_8xb2-150e_coco',
}
# Larger images: MMDetection's own need 900 tokens, or maps no smaller than a deformable conv's kernel.
IMAGE_SIZES = {'DINO': (128, 128), 'DDOD': (288, 288)}
# Run with every backbone first; the others but for those of no use or too slow follow.
CROSSED_FIRST = ('Faster R-CNN', 'RetinaNet', 'Deformable DETR', 'RTMDet-s')
NOT_CROSSED = ('Faster R-CNN (HRFPN)', 'Faster R-CNN C4', 'YOLOv3', 'SSD', 'DETR', 'DDOD')
OWN = 'own'
BACKBONES = {
    'R-50': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
    'X-101-64x4d': 'faster_rcnn/faster-rcnn_x101-64x4d_fpn_1x_coco',
    'RegNetX-3.2GF': 'regnet/faster-rcnn_regnetx-3.2GF_fpn_1x_coco',
    'Res2Net-101': 'res2net/faster-rcnn_res2net-101_fpn_2x_coco',
    'HRNet-W18': 'hrnet/faster-rcnn_hrnetv2p-w18-1x_coco',
    'Swin-T': 'swin/mask-rcnn_swin-t-p4-w7_fpn_1x_coco',
    'PVT-T': 'pvt/retinanet_pvt-t_fpn_1x_coco',
    'CSPNeXt-s': 'rtmdet/rtmdet_s_8xb32-300e_coco',
    'ConvNeXt-T (timm)': dict(type='TimmBackbone', model_name='convnext_tiny', out_indices=(0, 1, 2, 3)),
    'EfficientNet-B0 (timm)': dict(
        type='TimmBackbone', model_name='efficientnet_b0', out_indices=(1, 2, 3, 4)
    ),
}


def shipped(name: str):
    """One of MMDetection's own configs."""
    return read_config(f'mmdet::{name}.py')


def with_backbone(cfg, backbone: dict):
    """A detector's config with another backbone, at the strides and with the widths that this gives.

    Raises:
        ValueError: The backbone does not give the strides that the detector's neck reads.
    """
    cfg = copy.deepcopy(cfg)
    strides = [feature.stride for feature in probe_backbone(cfg.model.backbone)]
    features = probe_backbone(backbone)
    indices = argument(backbone, 'out_indices')
    if [feature.stride for feature in features] != strides and indices is not None:
        place = {feature.stride: i for feature, i in zip(features, indices, strict=True)}
        finest = min(place)
        wanted = [place.get(s, place[finest] - (finest // s).bit_length() + 1) for s in strides]
        backbone = dict(backbone, out_indices=tuple(wanted))
        features = probe_backbone(backbone)
    if [feature.stride for feature in features] != strides:
        raise ValueError(
            f'the detector reads strides {strides}, this backbone gives '
            f'{[feature.stride for feature in features]}'
        )
    cfg.model.backbone = backbone
    widths = [feature.channels for feature in features]
    if cfg.model.get('neck') is None:
        cfg.model.panoptic_head.in_channels = widths
    elif isinstance(cfg.model.neck, list):
        cfg.model.neck[0].in_channels = widths
    else:
        cfg.model.neck.in_channels = widths
    return cfg


def run_pair(detector: str, backbone: str) -> dict:
    """Extends one pair, runs it and counts it: a row of the table."""
    row = dict(detector=detector, backbone=backbone, works=False, reason='')
    try:
        cfg = shipped(DETECTORS[detector])
        if backbone != OWN:
            source = BACKBONES[backbone]
            other = source if isinstance(source, dict) else shipped(source).model.backbone
            cfg = with_backbone(cfg, copy.deepcopy(other))
        row['backbone_type'] = cfg.model.backbone.type
        extended = extend_config(cfg)
        trial = try_detector(build_detector(extended.model), IMAGE_SIZES.get(detector, IMAGE_SIZE))
        row.update(works=not trial.unchanged, strides=trial.strides, loss=trial.losses['loss'])
        if trial.unchanged:
            row['reason'] = f'a training step leaves {len(trial.unchanged)} weights as they were'
        for when, model in (('before', cfg.model), ('after', extended.model)):
            row[f'parameters_{when}'], row[f'macs_{when}'], note = cost_of(model, COUNTED_SIDE)
            row['note'] = note
    except Exception as error:
        # Any module may fail in its own way: the failure is the result.
        row['reason'] = f'{type(error).__name__}: {error}'.splitlines()[0]
    return row


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    lines = [
        '| detector | backbone | works | strides of the levels | parameters (M) | GFLOPs |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for row in rows:
        works = 'yes' if row['works'] else f'no: {row["reason"]}'.replace('|', '\\|')
        strides = ', '.join(map(str, row.get('strides', ())))
        costs = [
            ' to '.join(
                'not counted'
                if row.get(f'{key}_{when}') is None
                else f'{row[f"{key}_{when}"] / unit:.1f}'
                for when in ('before', 'after')
            )
            if f'{key}_after' in row
            else ''
            for key, unit in (('parameters', 1e6), ('macs', 1e9))
        ]
        backbone = row['backbone']
        if backbone == OWN:
            backbone = f'its own ({row.get("backbone_type", "")})'
        cells = [row['detector'], backbone, works, strides, *costs]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def document(rows: list[dict]) -> str:
    """The text of ``docs/results/detectors.md``."""
    height, width = IMAGE_SIZE
    working = sum(row['works'] for row in rows)
    return f"""# Detectors and backbones with the extended level

Made by `python -m benchmarks.detectors_sweep` from real runs. Each row is a detector's own config
as MMDetection ships it, with the backbone named, extended by `mmdet_efpn.extend_config` with its default
options. It works if, with random weights and two images of {height}x{width}, its loss is finite, one
training step (Adam) changes every weight of the extension, and prediction gives finite boxes. That
says that the pair trains, not how well. DINO runs on 128x128 and DDOD on 288x288, which these need
without the extension too; PAA needs scikit-learn. Pairs that are not listed were not run.

Parameters are those of the whole detector. GFLOPs are the multiply-adds of backbone, neck and dense head
(RPN or one-stage head; all of a transformer) on one image of {COUNTED_SIDE}x{COUNTED_SIDE}; deformable
convs count as plain ones. Both are before and after the extension. RoI heads are left out: they cost the
same for each RoI.

{working} of {len(rows)} rows work.

{table(rows)}
"""


def pairs(detectors: list[str], backbones: list[str]) -> list[tuple[str, str]]:
    """The pairs to run: every detector as it is, then those that can be crossed with each backbone."""
    own = [(detector, OWN) for detector in detectors]
    crossed = sorted(
        (detector for detector in detectors if detector not in NOT_CROSSED),
        key=lambda detector: detector not in CROSSED_FIRST,
    )
    return own + [(detector, backbone) for detector in crossed for backbone in backbones]


def main(argv: list[str] | None = None) -> None:
    """Runs the pairs as the command line says and writes the document."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.detectors_sweep',
        description='Run detectors with backbones and the extended level.',
    )
    parser.add_argument(
        '--detectors',
        nargs='+',
        choices=DETECTORS,
        default=list(DETECTORS),
        metavar='NAME',
        help=f'default: all of {", ".join(DETECTORS)}',
    )
    parser.add_argument(
        '--backbones',
        nargs='*',
        choices=BACKBONES,
        default=list(BACKBONES),
        metavar='NAME',
        help=f'crossed with; default: all of {", ".join(BACKBONES)}',
    )
    parser.add_argument(
        '--out', type=Path, default=Path('docs/results/detectors.md'), help='default: %(default)s'
    )
    parser.add_argument(
        '--rows',
        type=Path,
        default=Path('work_dirs/detector_matrix.json'),
        help='rows so far; what stands here is not run again (default: %(default)s)',
    )
    args = parser.parse_args(argv)
    warnings.simplefilter('ignore')
    logging.disable(logging.INFO)
    rows = json.loads(args.rows.read_text()) if args.rows.is_file() else []
    done = {(row['detector'], row['backbone']) for row in rows}
    args.rows.parent.mkdir(parents=True, exist_ok=True)
    for detector, backbone in pairs(args.detectors, args.backbones):
        if (detector, backbone) not in done:
            rows.append(run_pair(detector, backbone))
            args.rows.write_text(json.dumps(rows, indent=1))
            print(f'{detector}, {backbone}: {rows[-1]["reason"] or "works"}', flush=True)
    order = pairs(list(DETECTORS), list(BACKBONES))
    rows.sort(key=lambda row: order.index((row['detector'], row['backbone'])))
    args.out.write_text(document(rows))


if __name__ == '__main__':
    main()
