"""Pictures that two sets share: the same files and copies."""

from mmdet_efpn.engine.checks import shared_pictures


def test_same_files_links_and_copies_are_found(tmp_path):
    for name, data in (
        ('a', b'one'),
        ('b', b'two'),
        ('copy', b'one'),
        ('other', b'six'),
        ('long', b'1234'),
    ):
        (tmp_path / name).write_bytes(data)
    (tmp_path / 'link').symlink_to(tmp_path / 'b')
    train = [f'{tmp_path}/a', f'{tmp_path}/./b', f'{tmp_path}/gone']
    val = [str(tmp_path / name) for name in ('b', 'link', 'copy', 'other', 'long', 'missing')]
    assert shared_pictures(train, val) == val[:3]
    assert shared_pictures(train, val[3:]) == []
