"""Files are written whole or not at all, kept unless told, and named in errors."""

import os

import pytest

from mmdet_efpn.utils.atomic_file import whole_or_not, write_text_atomically
from mmdet_efpn.utils.errors import ExistingFileError, MissingFileError, MissingPackageError, UserError
from mmdet_efpn.utils.outputs import refuse_existing
from mmdet_efpn.utils.pretrained import is_pretrained, pretrained_weights, without_weights
from mmdet_efpn.utils.read_config import config_path, read_config


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / 'deep' / 'a.json'
    write_text_atomically(path, 'old')

    def write_half():
        with whole_or_not(path) as temporary:
            assert temporary.suffix == '.json'
            temporary.write_text('half')
            raise RuntimeError('killed')

    with pytest.raises(RuntimeError, match='killed'):
        write_half()
    assert path.read_text() == 'old'
    assert list(path.parent.iterdir()) == [path]
    write_text_atomically(path, 'new: é')
    assert path.read_text(encoding='utf-8') == 'new: é'
    assert list(path.parent.iterdir()) == [path]


def test_outputs_are_kept_unless_told(tmp_path):
    there = tmp_path / 'there.txt'
    there.write_text('kept')
    with pytest.raises(ExistingFileError, match='--overwrite'):
        refuse_existing(there)
    refuse_existing(there, overwrite=True)
    with pytest.raises(ExistingFileError, match='is a folder'):
        refuse_existing(tmp_path, overwrite=True)
    refuse_existing(tmp_path / 'new' / 'deep.txt')
    assert (tmp_path / 'new').is_dir()
    with pytest.raises(MissingFileError, match='a file is in the way'):
        refuse_existing(there / 'below.txt')
    assert there.read_text() == 'kept'


@pytest.mark.parametrize(
    ('error', 'builtin'),
    [
        (UserError, ValueError),
        (MissingFileError, FileNotFoundError),
        (ExistingFileError, FileExistsError),
        (MissingPackageError, ImportError),
    ],
)
def test_errors_are_the_builtin_ones_too(error, builtin):
    raised = error('the sentence')
    assert isinstance(raised, builtin)
    assert isinstance(raised, UserError)
    assert str(raised) == 'the sentence'


def test_configs_by_path_and_by_package(repository, tmp_path):
    own = 'mmdet_efpn::coco/faster-rcnn_r50_efpn_1x_coco.py'
    assert config_path(own).read_text() != ''
    assert read_config(own).model.neck.type == 'EFPN'
    assert config_path('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py').is_file()
    with pytest.raises(MissingFileError, match=f'looked from {os.getcwd()}'):
        config_path('gone.py')
    with pytest.raises(MissingFileError, match='the package gone is not installed'):
        config_path('gone::a.py')
    with pytest.raises(MissingFileError, match=r'did you mean faster-rcnn_r50_efpn_1x_coco\.py\?'):
        config_path('mmdet_efpn::coco/faster-rcnn_r50_efnp_1x_coco.py')
    with pytest.raises(MissingFileError, match=r'config not found: mmdet::gone\.py'):
        config_path('mmdet::gone.py')


def test_a_broken_config_is_one_sentence(tmp_path):
    broken = tmp_path / 'broken.py'
    broken.write_text('model = dict(\n')
    with pytest.raises(UserError, match=r'broken\.py cannot be read as a config: SyntaxError'):
        read_config(broken)


def test_weights_are_found_and_taken_out():
    cfg = dict(
        backbone=dict(
            type='HighResolutionTap',
            backbone=dict(type='ResNet', init_cfg=dict(type='Pretrained', checkpoint='torchvision://r')),
        ),
        teacher=[dict(type='TimmBackbone', model_name='convnext', pretrained=True)],
        head=dict(init_cfg=[dict(type='Normal', std=0.1)], frozen=True),
    )
    assert dict(pretrained_weights(cfg, 'model')) == {
        'model.backbone.backbone.init_cfg.checkpoint': 'torchvision://r',
        'model.teacher[0].pretrained': 'convnext',
    }
    bare = without_weights(cfg)
    assert dict(pretrained_weights(bare, 'model')) == {}
    assert bare['head'] == cfg['head']
    assert cfg['backbone']['backbone']['init_cfg']['checkpoint'] == 'torchvision://r'  # left alone
    assert is_pretrained([dict(type='Normal'), dict(type='Pretrained', checkpoint='a')])
    assert not is_pretrained(dict(type='Normal'))
