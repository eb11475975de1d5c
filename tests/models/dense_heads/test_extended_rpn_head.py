"""ExtendedRPNHead: which levels it runs on, and where its anchors stand."""

import pytest
import torch
from mmdet.models.dense_heads import RPNHead
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

import mmdet_efpn  # noqa: F401  (registers the modules)

TEST_CFG = ConfigDict(
    nms_pre=100, max_per_img=50, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0
)
TRAIN_CFG = ConfigDict(
    assigner=dict(
        type='MaxIoUAssigner',
        pos_iou_thr=0.7,
        neg_iou_thr=0.3,
        min_pos_iou=0.3,
        match_low_quality=True,
        ignore_iof_thr=-1,
    ),
    sampler=dict(
        type='RandomSampler', num=64, pos_fraction=0.5, neg_pos_ub=-1, add_gt_as_proposals=False
    ),
    allowed_border=-1,
    pos_weight=-1,
    debug=False,
)
P2_TO_P6 = [4, 8, 16, 32, 64]


def head(strides=P2_TO_P6, cls='ExtendedRPNHead', **kwargs):
    torch.manual_seed(0)
    rpn = MODELS.build(
        dict(
            type=cls,
            in_channels=8,
            feat_channels=8,
            anchor_generator=dict(type='AnchorGenerator', scales=[4], ratios=[1.0], strides=strides),
            loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
            train_cfg=TRAIN_CFG,
            test_cfg=TEST_CFG,
            **kwargs,
        )
    )
    rpn.init_weights()
    return rpn


def pyramid(size=(64, 96), strides=(2, 4, 8, 16, 32, 64)):
    torch.manual_seed(1)
    return tuple(torch.randn(1, 8, *(-(-side // stride) for side in size)) for stride in strides)


def sample(size=(64, 96)):
    data_sample = DetDataSample(
        metainfo=dict(img_shape=size, batch_input_shape=size, pad_shape=size, scale_factor=(1.0, 1.0))
    )
    data_sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[10.0, 10.0, 20.0, 22.0]]), labels=torch.tensor([0])
    )
    return [data_sample]


def test_runs_on_p2_to_p6_as_a_plain_rpn_does():
    ours, plain, x = head(), head(cls='RPNHead'), pyramid()
    assert type(plain) is RPNHead
    plain.load_state_dict(ours.state_dict())
    for a, b in zip(ours(x), plain(x[1:]), strict=True):
        assert len(a) == 5
        assert all(torch.equal(m, n) for m, n in zip(a, b, strict=True))
    proposals, expected = ours.predict(x, sample())[0], plain.predict(x[1:], sample())[0]
    assert torch.equal(proposals.bboxes, expected.bboxes)


def test_runs_on_p2_prime_too():
    rpn, x = head(strides=[2, *P2_TO_P6], on_p2_prime=True), pyramid()
    scores, _ = rpn(x)
    assert [tuple(s.shape[2:]) for s in scores] == [tuple(level.shape[2:]) for level in x]
    losses, proposals = rpn.loss_and_predict(x, sample(), proposal_cfg=rpn.test_cfg)
    assert len(losses['loss_rpn_cls']) == 6
    assert len(proposals[0]) > 0
    assert len(rpn.loss(x, sample())['loss_rpn_bbox']) == 6


def test_anchors_stand_where_their_cells_are():
    """Scale 4, ratio 1: an 8-pixel anchor on P2' and a 16-pixel one on P2, centred on (s x, s y)."""
    rpn = head(strides=[2, *P2_TO_P6], on_p2_prime=True)
    anchors = rpn.prior_generator.grid_priors([(32, 48), (16, 24)] + [(1, 1)] * 4, device='cpu')
    row, column = 5, 7
    assert anchors[0][row * 48 + column].tolist() == [2 * 7 - 4, 2 * 5 - 4, 2 * 7 + 4, 2 * 5 + 4]
    assert anchors[1][row * 24 + column].tolist() == [4 * 7 - 8, 4 * 5 - 8, 4 * 7 + 8, 4 * 5 + 8]


def test_p2_prime_gets_no_gradient_where_the_rpn_leaves_it_out():
    rpn, x = head(), [level.requires_grad_() for level in pyramid()]
    losses = rpn.loss(x, sample())
    sum(sum(loss) for loss in losses.values()).backward()
    assert x[0].grad is None
    assert x[1].grad.abs().sum() > 0


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(strides=[2, *P2_TO_P6]), 'must begin with 4 where rpn_head.on_p2_prime=False'),
        (dict(strides=P2_TO_P6, on_p2_prime=True), 'must begin with 2 where rpn_head.on_p2_prime=True'),
    ],
)
def test_refuses_strides_at_build(kwargs, message):
    with pytest.raises(ValueError, match=r'rpn_head\.anchor_generator\.strides ' + message):
        head(**kwargs)


def test_refuses_a_pyramid_of_other_levels_or_width():
    with pytest.raises(
        ValueError,
        match=r'rpn_head\.anchor_generator\.strides '
        r'\(rpn_head\.on_p2_prime=False\) names 5 levels.*gets 4',
    ):
        head()(pyramid()[1:])
    with pytest.raises(ValueError, match=r'rpn_head\.in_channels is 8, but the neck gives .*\[4, '):
        head()([level[:, :4] for level in pyramid()])


def test_refuses_strides_that_are_not_the_maps():
    rpn, wrong = head(), pyramid(strides=(4, 8, 16, 32, 64, 128))
    for call in (rpn.loss, rpn.predict, rpn.loss_and_predict):
        with pytest.raises(
            ValueError,
            match=r'rpn_head\.anchor_generator\.strides.* is '
            r'\[4, 8, 16, 32, 64\].*does not fit',
        ):
            call(wrong, sample())
