"""Label files damaged at random: each ends in one line for the user or in a count, and nothing stays."""

import json
import random
import shutil

from mmdet_efpn.datasets.converters import convert, recognise
from mmdet_efpn.utils.errors import UserError

TIMES = 25
VALUES = [None, -1, 'x', [], {}, float('inf'), float('nan'), True, 0, '../a', [1], 10**30, '']
WORDS = ['', '9', '-', 'x', ' ', ',', '\n', '<', '"', 'nan', '../', ':', '0.5 ']


def places(content, path=()):
    """The path of each value inside lists and maps."""
    if path:
        yield path
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in list(items):
            yield from places(value, (*path, key))


def damaged_json(text, chance):
    """One value is replaced or gone."""
    content = json.loads(text)
    *path, last = chance.choice(list(places(content)))
    inner = content
    for key in path:
        inner = inner[key]
    if chance.random() < 0.3:
        del inner[last]
    else:
        inner[last] = chance.choice(VALUES)
    return json.dumps(content)


def damage(path, chance):
    """Damage one label file in one of several ways."""
    text, way = path.read_text(), chance.random()
    if path.suffix == '.json' and way < 0.7:
        path.write_text(damaged_json(text, chance))
    elif way < 0.2:
        path.unlink()
    elif way < 0.3:
        path.write_bytes(chance.randbytes(50))
    elif way < 0.4:
        path.write_text(text[: chance.randrange(len(text) + 1)])
    else:
        place = chance.randrange(len(text) + 1)
        path.write_text(text[:place] + chance.choice(WORDS) + text[place + chance.randrange(3) :])


def test_damage_is_an_error_of_the_user_or_a_count(any_format, made, tmp_path):
    chance, whole, source = random.Random(any_format), made(any_format), tmp_path / 'damaged'
    suffixes = ('.txt', '.json', '.xml', '.csv', '.yaml')
    converted = 0
    for number in range(TIMES):
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(whole, source)
        files = sorted(path for path in source.rglob('*') if path.suffix in suffixes)
        damage(chance.choice(files), chance)
        out = tmp_path / f'out{number}'
        try:
            writers = convert(any_format, source, out)
            recognise(source)
        except UserError:
            assert not any(out.glob('.*'))
            continue
        converted += 1
        for writer in writers.values():
            for entry in writer.annotations:
                assert min(entry['bbox'][2], entry['bbox'][3], entry['area']) > 0
    assert converted
