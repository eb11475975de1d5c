"""Boxes that neither train nor count, in the one form that MMDetection keeps: crowd regions."""

from collections.abc import Sequence


def make_regions(content: dict, classes: Sequence[str]) -> None:
    """Turns boxes marked ``ignore`` into crowd regions, in place.

    A category outside of the config's classes of which every box is ignored (the ``ignored regions`` of
    VisDrone and others) is a region for all classes: its boxes get the first class.

    Args:
        content (dict): A COCO file.
        classes (Sequence[str]): The config's classes.
    """
    own = {category['id'] for category in content['categories'] if category['name'] in classes}
    first = next((c['id'] for c in content['categories'] if c['name'] in classes[:1]), None)
    counted = {
        entry['category_id']
        for entry in content['annotations']
        if not (entry.get('ignore') or entry.get('iscrowd'))
    }
    known = {category['id'] for category in content['categories']}
    for entry in content['annotations']:
        if entry.get('ignore'):
            entry.update(iscrowd=1, ignore=0)
        category = entry['category_id']
        if entry.get('iscrowd') and category in known - own - counted and first is not None:
            entry['category_id'] = first
