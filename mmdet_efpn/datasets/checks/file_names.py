"""Names of picture files as other systems write them."""

import os


def forward_slashes(images: list[dict]) -> list[str]:
    """Writes the backslashes of Windows in ``file_name`` as slashes, in place, where those are paths.

    Args:
        images (list[dict]): Of a COCO file.

    Returns:
        list[str]: What to tell of it.
    """
    if os.sep == '\\':
        return []
    named = [image for image in images if '\\' in str(image['file_name'])]
    for image in named:
        image['file_name'] = str(image['file_name']).replace('\\', '/')
    return [f'{len(named)} file names have backslashes, which are read as slashes'] if named else []
