"""The house's rules for imports: downwards, or sideways to what a room offers; never to benchmarks."""

import ast
from pathlib import Path

import pytest

PACKAGE = 'mmdet_efpn'
FLOORS = {
    'cli': 4,
    'app': 3,
    'extend': 3,
    'inference': 3,
    'inspection': 3,
    'export': 3,
    'recipes': 3,
    'reports': 3,
    'evaluation': 2,
    'checkpoints': 2,
    'visualization': 2,
    'engine': 2,
    'model_zoo': 2,
    'models': 1,
    'datasets': 1,
    'models.layers': 0,
    'models.utils': 0,
    'utils': 0,
}
OPEN = ('utils', 'models.utils')  # rooms whose modules are open to all
DOORS = ('', '__main__', 'plugin', 'plugin.__main__')  # the package itself and its former name


def room_of(module: str) -> str:
    """The room of a module, both without the package's name; ``''`` for the package itself."""
    parts = module.split('.')
    for length in (2, 1):
        if '.'.join(parts[:length]) in FLOORS:
            return '.'.join(parts[:length])
    return ''


def offered(file: Path) -> set[str]:
    """The names in a package's ``__all__``; those of ``from .room import *`` count too."""
    names = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '__all__':
            names |= {item.value for item in node.value.elts}
        if isinstance(node, ast.ImportFrom) and node.names[0].name == '*':
            names |= offered(file.parent / node.module / '__init__.py')
    return names


def imports(file: Path, root: Path):
    """Yields (line, imported module with the package's name, names) of each import of a file."""
    here = file.relative_to(root).with_suffix('').parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, []
        elif isinstance(node, ast.ImportFrom):
            base = list(here[: len(here) - node.level]) if node.level else []
            module = '.'.join([*base, *([node.module] if node.module else [])])
            yield node.lineno, module, [alias.name for alias in node.names]


def violations(root: Path) -> list[str]:
    """All broken rules of the package below ``root``, each with its file and line."""
    found = []
    for file in sorted((root / PACKAGE).rglob('*.py')):
        if '.mim' in file.parts:
            continue
        module = '.'.join(file.relative_to(root / PACKAGE).with_suffix('').parts).removesuffix(
            '__init__'
        )
        module = module.rstrip('.')
        for line, target, names in imports(file, root):
            where = f'{file.relative_to(root)}:{line}'
            if target.split('.')[0] == 'benchmarks':
                found.append(f'{where} imports benchmarks')
            if target.split('.')[0] == PACKAGE:
                inner = target.removeprefix(PACKAGE).lstrip('.')
                found += [f'{where} {text}' for text in broken(module, inner, names, root / PACKAGE)]
    return found


def broken(module: str, target: str, names: list[str], package: Path) -> list[str]:
    """The rules that one import breaks; modules without the package's name."""
    said = [f'imports the private {name} of {target}' for name in names if private(name)]
    mine, other = room_of(module), room_of(target)
    if module in DOORS or not target:
        return said
    if mine == other or other == '':
        return said
    if FLOORS[other] > FLOORS[mine]:
        said.append(f'goes up from {mine} to {other}')
    if other in OPEN or mine.split('.')[0] == other.split('.')[0]:
        return said
    init = package / target.replace('.', '/') / '__init__.py'
    if not init.is_file():
        said.append(f"reaches into {other}'s file {target}")
    else:
        hidden = [name for name in names if name not in offered(init) and not is_open(init, name)]
        said += [f'imports {name}, which {target} does not offer' for name in hidden]
    return said


def private(name: str) -> bool:
    return name.startswith('_') and not name.startswith('__')


def is_open(init: Path, name: str) -> bool:
    """Whether a name is a package below, which has a door of its own."""
    return (init.parent / name / '__init__.py').is_file()


def test_imports_keep_the_rules(repository):
    assert violations(repository) == []


def test_every_room_has_a_floor(repository):
    rooms = {path.parent.name for path in (repository / PACKAGE).glob('*/__init__.py')}
    assert rooms - set(FLOORS) == {'plugin'}


@pytest.mark.parametrize(
    ('file', 'text', 'said'),
    [
        ('utils/a.py', 'from ..models import EFPN\n', 'goes up from utils to models'),
        ('models/a.py', 'import mmdet_efpn.extend\n', 'goes up from models to extend'),
        ('models/a.py', 'def f():\n    from benchmarks.common import x\n', 'imports benchmarks'),
        ('cli/a.py', 'from ..engine.run import train\n', "reaches into engine's file engine.run"),
        ('cli/a.py', 'from ..engine import hidden\n', 'imports hidden, which engine does not offer'),
        ('engine/b.py', 'from .run import _secret\n', 'imports the private _secret'),
    ],
)
def test_the_checker_finds_each_fault(tmp_path, file, text, said):
    for room, offers in (
        ('utils', []),
        ('models', ['EFPN']),
        ('engine', ['train']),
        ('cli', []),
        ('extend', []),
    ):
        folder = tmp_path / PACKAGE / room
        folder.mkdir(parents=True)
        (folder / '__init__.py').write_text(f'__all__ = {offers!r}\n')
    (tmp_path / PACKAGE / 'engine' / 'run.py').write_text('from ..models import EFPN\n')
    assert violations(tmp_path) == []
    (tmp_path / PACKAGE / file).write_text(text)
    (violation,) = violations(tmp_path)
    assert said in violation
    assert violation.startswith(f'{PACKAGE}/{file}:')
