"""Files with the names and shapes of the published HAT models as the start of a HATFTT."""

import re
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from mmengine.registry import WEIGHT_INITIALIZERS

from mmdet_efpn.utils.errors import UserError

sys.path.insert(0, str(Path(__file__).parents[1] / 'models' / 'layers'))
from plain_formulas import rhag

# Width, channels between a channel attention block's convs and in its squeeze, groups.
SIZES = {'HAT': (180, 60, 6, 6), 'HAT-S': (144, 6, 6, 6), 'HAT-L': (180, 60, 6, 12)}
FACTORS = {'HAT': (3, 30), 'HAT-S': (24, 24), 'HAT-L': (3, 30)}
BLOCKS, HEADS, WINDOW, OVERLAP = 6, 6, 16, 8


def group_shapes(width: int, middle: int, squeeze: int) -> dict:
    """Names and shapes of one group, as the published files have them."""

    def affine(name, out, *inputs):
        return {f'{name}.weight': (out, *inputs), f'{name}.bias': (out,)}

    def mlp(name):
        return affine(f'{name}.fc1', 2 * width, width) | affine(f'{name}.fc2', width, 2 * width)

    shapes = {}
    for block in range(BLOCKS):
        name = f'residual_group.blocks.{block}'
        shapes |= affine(f'{name}.norm1', width)
        shapes[f'{name}.attn.relative_position_bias_table'] = ((2 * WINDOW - 1) ** 2, HEADS)
        shapes |= affine(f'{name}.attn.qkv', 3 * width, width) | affine(
            f'{name}.attn.proj', width, width
        )
        shapes |= affine(f'{name}.conv_block.cab.0', middle, width, 3, 3)
        shapes |= affine(f'{name}.conv_block.cab.2', width, middle, 3, 3)
        shapes |= affine(f'{name}.conv_block.cab.3.attention.1', squeeze, width, 1, 1)
        shapes |= affine(f'{name}.conv_block.cab.3.attention.3', width, squeeze, 1, 1)
        shapes |= affine(f'{name}.norm2', width) | mlp(f'{name}.mlp')
    name = 'residual_group.overlap_attn'
    shapes[f'{name}.relative_position_bias_table'] = ((2 * WINDOW + OVERLAP - 1) ** 2, HEADS)
    shapes |= affine(f'{name}.norm1', width) | affine(f'{name}.qkv', 3 * width, width)
    shapes |= affine(f'{name}.proj', width, width) | affine(f'{name}.norm2', width)
    return shapes | mlp(f'{name}.mlp') | affine('conv', width, width, 3, 3)


def published(model: str, values, groups=None) -> dict:
    """A model's weights by name; of the groups not named the values are zeros of no memory."""
    width, middle, squeeze, count = SIZES[model]
    weights = {}
    for group in range(count):
        for name, shape in group_shapes(width, middle, squeeze).items():
            real = groups is None or group in groups
            weights[f'layers.{group}.{name}'] = (
                values(name, shape) if real else torch.zeros(1).expand(shape)
            )
    return weights


def random_values(name: str, shape) -> torch.Tensor:
    """Near what keeps a signal's size; scales of norms are near 1, tables far from 0."""
    if len(shape) == 1:
        return torch.randn(shape) * 0.2 + ('norm' in name and name.endswith('weight'))
    fan_in = 1 if 'table' in name else torch.Size(shape[1:]).numel()
    return torch.randn(shape) * fan_in**-0.5


def rest(width: int) -> dict:
    """What a file has beside its groups."""
    return {
        'conv_first.weight': torch.zeros(width, 3, 3, 3),
        'norm.weight': torch.ones(width),
        'upsample.0.weight': torch.zeros(256, 64, 3, 3),
    }


def hat_ftt(model: str, file, groups=(0, 1), **changed):
    compress, squeeze = FACTORS[model]
    cfg = dict(
        type='HATFTT',
        embed_dims=SIZES[model][0],
        depths=(BLOCKS, BLOCKS),
        num_heads=HEADS,
        window_size=WINDOW,
        compress_ratio=compress,
        squeeze_factor=squeeze,
        init_cfg=dict(type='HATPretrained', checkpoint=str(file), groups=list(groups)),
    )
    return MODELS.build(dict(cfg, channels=8, **changed))


@pytest.mark.parametrize(('model', 'count'), [('HAT', 846), ('HAT-S', 846), ('HAT-L', 1692)])
def test_the_published_layout_has_that_many_tensors_in_its_groups(model, count):
    assert len(published(model, random_values, groups=[])) == count


@pytest.mark.parametrize(
    ('model', 'groups', 'key', 'prefix'),
    [
        ('HAT', (0, 5), 'params_ema', ''),
        ('HAT-S', (3, 1), 'params', 'module.'),
        ('HAT-L', (11, 6), None, 'module.'),
    ],
)
def test_groups_of_a_published_file_compute_the_plain_formula(tmp_path, model, groups, key, prefix):
    """A map of 17x5 cells has windows that are cut, shifted and padded."""
    torch.manual_seed(0)
    weights = published(model, random_values, groups)
    saved = {prefix + name: value for name, value in (weights | rest(SIZES[model][0])).items()}
    torch.save(saved if key is None else {key: saved}, tmp_path / 'hat.pth')
    ftt = hat_ftt(model, tmp_path / 'hat.pth', groups)
    ftt.init_weights()
    x = torch.randn(1, SIZES[model][0], 17, 5, dtype=torch.double)
    number, group = groups[1], ftt.double().groups()[1]
    prefix = f'layers.{number}.'
    plain = {k.removeprefix(prefix): w.double() for k, w in weights.items() if k.startswith(prefix)}
    with torch.no_grad():
        expected = rhag(plain, x[0].permute(1, 2, 0), BLOCKS, WINDOW, OVERLAP, HEADS, 0.01)
        assert (group(x)[0].permute(1, 2, 0) - expected).abs().max() < 1e-11 * expected.abs().max()
    assert (expected - x[0].permute(1, 2, 0)).std() > 0.1  # it did something


@pytest.fixture(scope='module')
def file(tmp_path_factory):
    """A file of HAT-S with two groups, of zeros."""
    path = tmp_path_factory.mktemp('hat') / 'HAT-S.pth'
    weights = published('HAT-S', lambda name, shape: torch.zeros(shape), groups=(0, 1))
    weights = {name: w for name, w in weights.items() if name.split('.')[1] in '01'}
    torch.save(dict(params_ema=weights), path)
    return path


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        (dict(embed_dims=96), 'group 0 has embed_dims=144, but the FTT 96'),
        (dict(num_heads=4), 'group 0 has num_heads=6, but the FTT 4'),
        (dict(window_size=8), 'group 0 has window_size=16, but the FTT 8'),
        (dict(depths=(6, 2)), 'group 1 has depths=6, but the FTT 2'),
        (
            dict(compress_ratio=3),
            r'group 0: layers.0.residual_group.blocks.0.conv_block.cab.0.weight has the shape '
            r'(6, 144, 3, 3), but the FTT (48, 144, 3, 3); see compress_ratio',
        ),
        (dict(groups=(0, 4)), r'has no group 4 (no key begins with'),
    ],
)
def test_another_size_is_refused_with_both_numbers(file, changed, message):
    groups = changed.pop('groups', (0, 1))
    ftt = hat_ftt('HAT-S', file, groups, **changed)
    before = {name: weight.clone() for name, weight in ftt.state_dict().items()}
    with pytest.raises(UserError, match=re.escape(message)) as raised:
        load(ftt)
    assert str(raised.value).startswith(str(file))
    assert all(torch.equal(weight, before[name]) for name, weight in ftt.state_dict().items())


def load(ftt):
    WEIGHT_INITIALIZERS.build(dict(ftt.init_cfg))(ftt)


def test_a_missing_or_unknown_weight_is_named(file, tmp_path):
    weights = torch.load(file, weights_only=True)['params_ema']
    key = 'layers.1.residual_group.overlap_attn.qkv.bias'
    torch.save({k: w for k, w in weights.items() if k != key}, tmp_path / 'less.pth')
    with pytest.raises(UserError, match=rf'less.pth, group 1 has no {key}'):
        load(hat_ftt('HAT-S', tmp_path / 'less.pth'))
    torch.save(dict(weights, **{'layers.0.gate.weight': torch.zeros(1)}), tmp_path / 'more.pth')
    with pytest.raises(UserError, match=r'more.pth, group 0 has layers.0.gate.weight, for which'):
        load(hat_ftt('HAT-S', tmp_path / 'more.pth'))


def test_the_log_names_what_was_loaded_and_nothing_else(file, monkeypatch):
    lines, notes = [], {}
    monkeypatch.setattr(
        'mmdet_efpn.checkpoints.hat.print_log', lambda line, logger=None: lines.append(line)
    )

    def read(self, *args):
        notes.update({n: self._params_init_info[p]['init_info'] for n, p in self.named_parameters()})

    monkeypatch.setattr(BaseModule, '_dump_init_info', read)
    neck = BaseModule()
    neck.ftt = hat_ftt('HAT-S', file, (1, 0))
    neck.init_weights()
    assert lines == [
        f'HATPretrained: {file}: group 1, 141 weights, went into ftt.content.0',
        f'HATPretrained: {file}: group 0, 141 weights, went into ftt.texture.0',
    ]
    for name, note in notes.items():
        number = {'content': 1, 'texture': 0}.get(name.split('.')[1])
        loaded = f'HATPretrained: group {number} of {file}'
        assert (note == loaded) if number is not None else ('HATPretrained' not in note), name
    assert len(notes) == 2 * 141 + 8  # and four convs
