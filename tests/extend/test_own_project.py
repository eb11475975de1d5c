"""The example of docs/how_to/extend.md: the installed package, an empty folder, seven lines."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import mmdet
from PIL import Image

from mmdet_efpn.datasets.class_names import DEEPPCB_CLASSES


def write_boards(folder: Path) -> None:
    """DeepPCB's layout after conversion, with one board."""
    (folder / 'images').mkdir(parents=True)
    (folder / 'annotations').mkdir()
    Image.new('RGB', (64, 64), (40, 90, 60)).save(folder / 'images' / 'board.png')
    (folder / 'annotations' / 'train.json').write_text(
        json.dumps(
            dict(
                images=[dict(id=1, file_name='board.png', width=64, height=64)],
                annotations=[
                    dict(id=1, image_id=1, category_id=2, iscrowd=0, bbox=[10, 20, 12, 9], area=108)
                ],
                categories=[dict(id=i + 1, name=name) for i, name in enumerate(DEEPPCB_CLASSES)],
            )
        )
    )


def test_seven_lines_in_an_empty_folder_train(
    installed_package, repository, child_environment, tmp_path
):
    page = repository / 'docs' / 'how_to' / 'extend.md'
    section = page.read_text().partition('## In a project of your own')[2]
    command, train_command = re.findall(r'```bash\n(.*?)\n```', section, re.DOTALL)[:2]
    config = re.search(r'```python\n(.*?)```', section, re.DOTALL)[1]
    assert len(config.splitlines()) == 7
    write_boards(tmp_path / 'data' / 'deeppcb')
    (tmp_path / 'boards.py').write_text(config)
    environment = dict(
        child_environment,
        PYTHONPATH=str(installed_package),
        PATH=f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
    )

    def run(*arguments):
        done = subprocess.run(
            arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    program, *words = command.split()
    assert program == 'mmdet-efpn'
    said = run(sys.executable, '-m', 'mmdet_efpn', *words)
    assert 'FPN inside ExtendedNeck' in said
    # What `mim train mmdet` runs.
    train = Path(mmdet.__file__).parent / '.mim' / 'tools' / 'train.py'
    arguments = shlex.split(train_command)
    assert arguments[:3] == ['mim', 'train', 'mmdet']
    run(
        'python',
        str(train),
        *arguments[3:],
        'train_cfg.max_epochs=1',
        'train_dataloader.batch_size=1',
        'train_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        '--work-dir',
        'run',
    )
    assert (tmp_path / 'run' / 'epoch_1.pth').is_file()
