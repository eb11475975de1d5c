"""The same pictures at each validation."""

from types import SimpleNamespace

from mmdet.structures import DetDataSample

from mmdet_efpn.engine.hooks import ValidationPictures


def test_the_first_pictures_each_time(tiny_coco):
    drawn = []
    visualizer = SimpleNamespace(
        add_datasample=lambda name, image, step, **rest: drawn.append((name, step, image.shape))
    )
    runner = SimpleNamespace(iter=7, visualizer=visualizer)
    hook = ValidationPictures(num=3)
    paths = [tiny_coco / 'images' / f'{number}.png' for number in range(4)]
    batches = [
        [DetDataSample(metainfo=dict(img_path=str(path))) for path in part]
        for part in (paths[:2], paths[2:])
    ]
    for runner.iter in (7, 9):
        hook.before_val_epoch(runner)
        for number, batch in enumerate(batches):
            hook.after_val_iter(runner, number, None, batch)
    assert drawn == [(f'val_{n}', step, (64, 64, 3)) for step in (7, 9) for n in range(3)]
