"""A COCO data set that says what it drops, and why it can't be read."""

import logging
from collections import Counter

from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmdet.registry import DATASETS
from mmengine.logging import print_log

from ..utils.errors import UserError
from .checks import (
    areas_said,
    check_box_form,
    check_classes,
    check_images,
    check_masks,
    check_picture_files,
    class_names,
    decoding_problem,
    flags_as_numbers,
    forward_slashes,
    ids_said,
    mend_areas,
    open_annotations,
    regions_of_all_classes,
)

BOX_CAUSES = (
    'zero_size',
    'outside_image',
    'unknown_category',
    'other_category',
    'unknown_image',
    'other',
)
IMAGE_CAUSES = ('images_without_boxes', 'images_too_small')


@DATASETS.register_module()
class CheckedCocoDataset(CocoDataset):
    """MMDetection's ``CocoDataset`` that counts and logs the boxes and images it drops.

    It keeps the same ones as its parent, but for boxes marked ``ignore``: they stay as regions that
    neither train nor count, as ``iscrowd`` ones, and of a category outside the classes too if all of
    it is ignored. Annotations without an area get that of their box; backslashes in file names are read
    as slashes.

    Takes all arguments of ``CocoDataset``.

    Args:
        check_images: Whether to look for every local image file on loading: ``True`` looks whether
            it exists and compares its size with the file's (of over 2000 images, of as many at the
            start and of the rest when they are loaded); ``'decode'`` also decodes it (slow, but some
            versions of OpenCV load a truncated JPEG half grey without a word); ``False`` doesn't.

    Attributes:
        dropped: Number of boxes and images left out, by cause; filled once the annotations are
            loaded, before ``indices`` pick a part. Boxes: ``zero_size`` (no area, or a side under
            one pixel), ``outside_image``, ``unknown_category`` (an id that the file doesn't define),
            ``other_category`` (a category of the file that isn't in ``metainfo['classes']``),
            ``unknown_image`` (an image that the file doesn't list), ``other``. Images, by
            ``filter_cfg`` and not in test mode: ``images_without_boxes``, ``images_too_small``.
        crowd: Number of boxes marked ``iscrowd`` or ``ignore``. They stay, as regions in which
            training ignores proposals.
        boxes_by_class: Number of boxes that count of each label, before ``indices`` pick a part.

    Raises:
        MissingFileError: The annotation file or an image is missing.
        UserError: The annotation file is empty, damaged or incomplete, an id stands twice in it, or
            its boxes are corners or shares; a class of ``metainfo['classes']`` isn't in it, or the
            classes stand in another order there; no image or no box is left; boxes lack masks that
            the pipeline loads; an image has another size than the file says, or can't be decoded.
    """

    def __init__(self, *args, check_images: bool | str = True, **kwargs) -> None:
        if check_images not in (True, False, 'decode'):
            raise UserError(f"check_images must be True, False or 'decode', got {check_images!r}")
        self.check_images = check_images
        self.dropped = dict.fromkeys(BOX_CAUSES + IMAGE_CAUSES, 0)
        self.crowd = 0
        self.boxes_by_class: Counter[int] = Counter()
        self._notes: list[str] = []
        self._num_boxes_in_file = 0
        self._pipeline_cfg = kwargs.get('pipeline') or ()
        metainfo = kwargs.get('metainfo') or {}
        if 'classes' in metainfo:
            class_names(metainfo['classes'], 'metainfo.classes')
        else:
            class_names((), 'metainfo', metainfo)
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Load, filter and check the annotations, and log one line on rank 0."""
        if self._fully_initialized:
            return
        super().full_init()
        self._log_summary()

    def COCOAPI(self, path: str) -> COCO:
        """Open the annotation file, checked, before the parent reads boxes from it."""
        coco = open_annotations(path, need_annotations=not self.test_mode)
        content, classes = coco.dataset, self.metainfo['classes']
        annotations = content['annotations']
        check_classes(self.ann_file, content['categories'], classes)
        flags_as_numbers(annotations)
        out = check_box_form(self.ann_file, content)
        self._notes = [f'{out} boxes stick out of their picture and are clipped'] if out else []
        self._notes += areas_said(*mend_areas(annotations))
        self._notes += forward_slashes(content['images']) + ids_said(content)
        if not self.test_mode:
            self._notes += check_masks(self.ann_file, annotations, self._pipeline_cfg)
        wanted = [entry['id'] for entry in content['categories'] if entry['name'] in classes]
        for entry in regions_of_all_classes(annotations, wanted):
            entry['category_id'] = wanted[0]  # the label of a region is not read
        for entry in annotations:
            if entry.get('ignore'):  # a region, which MMDetection would leave out
                entry.update(iscrowd=1, ignore=0)
        self._num_boxes_in_file = len(annotations)
        self._category_ids_in_file = set(coco.cats)
        self.dropped['unknown_image'] = sum(entry['image_id'] not in coco.imgs for entry in annotations)
        return coco

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Parse one image's boxes as the parent does, and count those that it leaves out."""
        image, annotations = raw_data_info['raw_img_info'], raw_data_info['raw_ann_info']
        causes = [self._drop_cause(annotation, image) for annotation in annotations]
        for cause in filter(None, causes):
            self.dropped[cause] += 1
        data_info = super().parse_data_info(raw_data_info)
        instances = data_info['instances']
        # Stays zero as long as the installed MMDetection drops boxes for no other cause.
        self.dropped['other'] += causes.count(None) - len(instances)
        self.crowd += sum(instance['ignore_flag'] for instance in instances)
        self.boxes_by_class.update(one['bbox_label'] for one in instances if not one['ignore_flag'])
        return data_info

    def _drop_cause(self, annotation: dict, image: dict) -> str | None:
        x, y, width, height = annotation['bbox']
        if annotation['area'] <= 0 or width < 1 or height < 1:
            return 'zero_size'
        if x >= image['width'] or y >= image['height'] or x + width <= 0 or y + height <= 0:
            return 'outside_image'
        if annotation['category_id'] not in self._category_ids_in_file:
            return 'unknown_category'
        if annotation['category_id'] not in self.cat2label:
            return 'other_category'
        return None

    def filter_data(self) -> list[dict]:
        """Filter images as the parent does, count those that go, look for the files of the rest."""
        kept = super().filter_data()
        kept_ids = {data_info['img_id'] for data_info in kept}
        min_size = (self.filter_cfg or {}).get('min_size', 0)
        for data_info in self.data_list:
            if data_info['img_id'] not in kept_ids:
                too_small = min(data_info['width'], data_info['height']) < min_size
                self.dropped['images_too_small' if too_small else 'images_without_boxes'] += 1
        if not kept:
            raise UserError(
                f'no image of {self.ann_file} is left (dropped: {self._dropped_as_text()}): '
                f'check the file, filter_cfg={self.filter_cfg} and '
                f'the classes {self.metainfo["classes"]}'
            )
        if self.check_images and not self.backend_args:
            paths = [data_info['img_path'] for data_info in kept]
            check_images(paths, decode=self.check_images == 'decode')
            self._notes += check_picture_files(self.ann_file, kept, self._pipeline_cfg)
        if self._num_boxes_in_file and not self.boxes_by_class and not self.test_mode:
            raise UserError(
                f'no box of {self.ann_file} can be used (dropped: {self._dropped_as_text()}; '
                f'{self.crowd} ignored): check the file and the classes {self.metainfo["classes"]}'
            )
        return kept

    def prepare_data(self, idx: int) -> dict | None:
        """Run the pipeline on one image; if that fails on a damaged file, the error names it."""
        info = self.get_data_info(idx)
        path = info['img_path']
        try:
            prepared = super().prepare_data(idx)
        except Exception as error:
            problem = None if self.backend_args else decoding_problem(path)
            if problem is None:
                raise
            raise UserError(f'{path} cannot be decoded as an image: {problem}') from error
        loaded, said = _loaded_size(prepared), (info['height'], info['width'])
        if self.check_images and loaded not in (None, said):
            raise UserError(
                f'annotation file {self.ann_file}: {path} has {loaded[1]}x{loaded[0]} as the loader '
                f'turns it by EXIF, and the file says {said[1]}x{said[0]} (width x height)'
            )
        return prepared

    def _dropped_as_text(self) -> str:
        found = [f'{count} {cause.replace("_", " ")}' for cause, count in self.dropped.items() if count]
        return ', '.join(found) or 'nothing'

    def _log_summary(self) -> None:
        usable = self._num_boxes_in_file - sum(self.dropped[cause] for cause in BOX_CAUSES)
        crowd = f', {self.crowd} of them crowd regions' if self.crowd else ''
        print_log(
            f'{type(self).__name__} {self.ann_file}: {len(self)} images, '
            f'{usable} of {self._num_boxes_in_file} boxes usable{crowd}; '
            f'dropped: {self._dropped_as_text()}',
            logger='current',
        )
        for note in self._notes:
            print_log(f'{self.ann_file}: {note}', logger='current', level=logging.WARNING)
        classes = self.metainfo['classes']
        empty = [name for label, name in enumerate(classes) if not self.boxes_by_class[label]]
        if empty and self._num_boxes_in_file:
            follows = 'AP leaves it out' if self.test_mode else 'it never trains'
            print_log(
                f'{self.ann_file}: no box of {", ".join(map(repr, empty))}: a class without a box here; '
                f'{follows}',
                logger='current',
                level=logging.WARNING,
            )


def _loaded_size(prepared) -> tuple[int, int] | None:
    """Height and width of the image that a pipeline loaded; ``None`` if its result does not tell."""
    if not isinstance(prepared, dict):
        return None
    sample = prepared.get('data_samples', prepared)
    size = getattr(sample, 'ori_shape', None) or (prepared.get('ori_shape'))
    return None if size is None else tuple(size[:2])
