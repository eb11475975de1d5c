"""The released program from an image to boxes, in float64 and in plain words.

It reads a dict with the released names, and follows the list of what that program does: nothing of this
package or of MMDetection is used. Only the resizing is OpenCV's, as it is there.
"""

import cv2
import numpy as np
import torch
import torch.nn.functional as F

MEANS = np.float32([102.9801, 115.9465, 122.7717])  # BGR
COARSEST_STRIDE = 64
RATIOS = 0.5, 1.0, 2.0
LONGEST_GROWTH = np.log(1000 / 16)


class ReleasedProgram:
    """What the program needs to know beside its weights.

    Args:
        weights (dict): Arrays by the released names, without wrappers.
        groups (int): Groups of the backbone's 3x3 convs.
        sides (tuple): Length of the short side and the longest long one.
        smallest_anchor (int): In pixels: 32 on COCO, 16 on TT100K.
        second_head (bool): Whether RoIs from P2' have a box head of their own.
        most (int): Detections of a picture.
    """

    def __init__(self, weights, groups, sides, smallest_anchor, second_head, most=100):
        self.w = {name: torch.as_tensor(value).double() for name, value in weights.items()}
        self.groups, self.sides, self.most = groups, sides, most
        self.smallest_anchor, self.second_head = smallest_anchor, second_head

    def __call__(self, image):
        """Boxes (n, 4), scores (n,) and labels (n,) from 0 of a BGR image (H, W, 3), best first."""
        blob, scale = self.blob(image)
        levels, p2_prime = self.pyramid(blob)
        proposals = self.proposals(levels, blob.shape[2:])
        boxes, scores = self.classified(levels, p2_prime, proposals, scale, image.shape[:2])
        return self.merged(boxes, scores)

    # ---- the image

    def blob(self, image):
        short, long = sorted(image.shape[:2])
        scale = self.sides[0] / short
        if np.round(scale * long) > self.sides[1]:
            scale = self.sides[1] / long
        resized = cv2.resize(image.astype(np.float32), None, None, fx=scale, fy=scale)
        height, width = (-(-side // COARSEST_STRIDE) * COARSEST_STRIDE for side in resized.shape[:2])
        blob = np.zeros((height, width, 3))
        blob[: resized.shape[0], : resized.shape[1]] = resized.astype(float) - MEANS
        return torch.from_numpy(blob).permute(2, 0, 1)[None], scale

    # ---- the network

    def conv(self, name, x, **how):
        return F.conv2d(x, self.w[f'{name}.weight'], self.w.get(f'{name}.bias'), **how)

    def affine(self, name, x):
        scale, bias = self.w[f'{name}.weight'], self.w[f'{name}.bias']
        return x * scale[:, None, None] + bias[:, None, None]

    def stage(self, name, x, stride):
        blocks = {
            int(key[len(name) + 1 :].split('.')[0]) for key in self.w if key.startswith(f'{name}.')
        }
        for block in sorted(blocks):
            part, step = f'{name}.{block}', stride if block == 0 else 1
            out = F.relu(self.affine(f'{part}.bn1', self.conv(f'{part}.conv1', x)))
            out = self.conv(f'{part}.conv2', out, stride=step, padding=1, groups=self.groups)
            out = F.relu(self.affine(f'{part}.bn2', out))
            out = self.affine(f'{part}.bn3', self.conv(f'{part}.conv3', out))
            if f'{part}.downsample.0.weight' in self.w:
                x = self.conv(f'{part}.downsample.0', x, stride=step)
                x = self.affine(f'{part}.downsample.1', x)
            x = F.relu(out + x)
        return x

    def pyramid(self, blob):
        """P2..P6, finest first, and P2'."""
        body = 'Conv_Body.conv_body.'
        c1 = self.conv(f'{body}res1.conv1', blob, stride=2, padding=3)
        c1 = F.relu(self.affine(f'{body}res1.bn1', c1))
        c2_prime = self.stage(f'{body}res2', c1, 1)
        stages = [self.stage(f'{body}res2', F.max_pool2d(c1, 3, stride=2, padding=1), 1)]
        for number in (3, 4, 5):
            stages.append(self.stage(f'{body}res{number}', stages[-1], 2))
        inner = [self.conv('Conv_Body.conv_top', stages[3])]  # coarse to fine
        for i in range(3):
            lateral = self.conv(f'Conv_Body.topdown_lateral_modules.{i}.conv_lateral', stages[2 - i])
            inner.append(lateral + doubled(inner[-1]))
        outputs = [self.conv(f'Conv_Body.posthoc_modules.{i}', inner[i], padding=1) for i in range(4)]
        p6 = outputs[0][..., ::2, ::2]
        return [*outputs[::-1], p6], self.extension(c2_prime, inner[3], inner[2])

    def extension(self, c2_prime, inner2, inner3):
        name = 'Conv_Body.Extension.'
        p3_prime = self.ftt(f'{name}FTT.', inner2, inner3) + doubled(inner3)
        return self.conv(
            f'{name}post', self.conv(f'{name}conv_lateral', c2_prime) + doubled(p3_prime), padding=1
        )

    def ftt(self, name, inner2, inner3):
        def conv(part, x):
            return self.conv(name + part, x, padding=1)

        def leaky(x):
            return F.leaky_relu(x, 0.1)

        def residual(part, x):
            return F.relu(x + conv(f'{part}.conv_block.2', F.relu(conv(f'{part}.conv_block.0', x))))

        content = leaky(conv('content_extractor.content_head.0', inner3))
        content = content + residual('content_extractor.content_body.0', content)
        content = leaky(F.pixel_shuffle(conv('sub_pixel.0', content), 2))
        texture = leaky(conv('texture_extractor.texture_head.0', torch.cat((content, inner2), 1)))
        for block in range(2):
            texture = residual(f'texture_extractor.texture_body.{block}', texture)
        return conv('tail.2', leaky(conv('tail.0', texture + content)))

    # ---- proposals

    def anchors(self, stride, size, height, width):
        """(height x width x ratios, 4), ratio by ratio in a cell, cells row by row."""
        one = []
        for ratio in RATIOS:
            w = np.round(np.sqrt(stride * stride / ratio))
            h = np.round(w * ratio)
            w, h = w * size / stride, h * size / stride
            centre = (stride - 1) / 2
            one.append(
                [
                    centre - (w - 1) / 2,
                    centre - (h - 1) / 2,
                    centre + (w - 1) / 2,
                    centre + (h - 1) / 2,
                ]
            )
        ys, xs = np.meshgrid(np.arange(height) * stride, np.arange(width) * stride, indexing='ij')
        shifts = np.stack((xs, ys, xs, ys), axis=-1).reshape(-1, 1, 4)
        return (shifts + np.array(one)).reshape(-1, 4)

    def proposals(self, levels, padded):
        every = []
        for i, level in enumerate(levels):
            hidden = F.relu(self.conv('RPN.FPN_RPN_conv', level, padding=1))
            scores = self.conv('RPN.FPN_RPN_cls_score', hidden).sigmoid()[0]
            deltas = self.conv('RPN.FPN_RPN_bbox_pred', hidden)[0]
            scores = scores.permute(1, 2, 0).reshape(-1).numpy()
            deltas = deltas.permute(1, 2, 0).reshape(-1, 4).numpy()
            anchors = self.anchors(4 * 2**i, self.smallest_anchor * 2**i, *level.shape[2:])
            best = np.argsort(-scores, kind='stable')[:1000]
            boxes = clipped(moved(anchors[best], deltas[best], (1, 1, 1, 1)), padded)
            scores = scores[best]
            centres = boxes[:, :2] + (boxes[:, 2:] - boxes[:, :2] + 1) / 2
            inside = (centres < np.array(padded)[::-1]).all(axis=1)
            boxes, scores = boxes[inside], scores[inside]
            kept = survivors(boxes, scores, 0.7)[:1000]
            every.append((boxes[kept], scores[kept]))
        boxes, scores = (np.concatenate(part) for part in zip(*every, strict=True))
        return boxes[np.argsort(-scores, kind='stable')[:1000]]

    # ---- boxes

    def classified(self, levels, p2_prime, rois, scale, size):
        """Boxes (n, classes, 4) and scores (n, classes) of both copies, background first."""
        sides = rois[:, 2:] - rois[:, :2] + 1
        level = np.clip(np.floor(4 + np.log2(np.sqrt(sides.prod(axis=1)) / 224 + 1e-6)), 1, 5)
        small = level <= 2
        second = '_SR' if self.second_head else ''
        parts = [(rois[small], *self.head(second, align(p2_prime, rois[small], 1 / 2)))]
        for number in range(2, 6):
            own = rois[np.maximum(level, 2) == number]
            parts.append((own, *self.head('', align(levels[number - 2], own, 1 / 2**number))))
        rois, scores, deltas = (np.concatenate(part) for part in zip(*parts, strict=True))
        boxes = [
            clipped(moved(rois / scale, deltas[:, i : i + 4], (10, 10, 5, 5)), size)
            for i in range(0, deltas.shape[1], 4)
        ]
        return np.stack(boxes, axis=1), scores

    def head(self, suffix, pooled):
        def linear(name, x):
            return F.linear(x, self.w[f'{name}.weight'], self.w[f'{name}.bias'])

        x = torch.from_numpy(pooled).flatten(1)  # channel by channel, then row by row
        x = F.relu(linear(f'Box_Head{suffix}.fc1', x))
        x = F.relu(linear(f'Box_Head{suffix}.fc2', x))
        scores = linear(f'Box_Outs{suffix}.cls_score', x).softmax(dim=1)
        return scores.numpy(), linear(f'Box_Outs{suffix}.bbox_pred', x).numpy()

    def merged(self, boxes, scores):
        found = []
        for label in range(1, scores.shape[1]):  # 0 is the background
            good = scores[:, label] > 0.05
            own_boxes, own_scores = boxes[good, label], scores[good, label]
            kept = survivors(own_boxes, own_scores, 0.5)
            found.append((own_boxes[kept], own_scores[kept], np.full(len(kept), label - 1)))
        boxes, scores, labels = (np.concatenate(part) for part in zip(*found, strict=True))
        best = np.argsort(-scores, kind='stable')[: self.most]
        return boxes[best], scores[best], labels[best]


def doubled(x):
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def moved(boxes, deltas, weights):
    """Boxes (n, 4) changed by deltas (n, 4); the last pixel counts."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    deltas = deltas / np.array(weights)
    centres = boxes[:, :2] + sides / 2 + deltas[:, :2] * sides
    sides = np.exp(np.minimum(deltas[:, 2:], LONGEST_GROWTH)) * sides
    return np.concatenate((centres - sides / 2, centres + sides / 2 - 1), axis=1)


def clipped(boxes, size):
    height, width = size
    return np.clip(boxes, 0, [width - 1, height - 1, width - 1, height - 1])


def survivors(boxes, scores, threshold):
    """Indices that greedy NMS keeps, best first; the last pixel counts."""
    areas = (boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1)
    order, kept = np.argsort(-scores, kind='stable'), []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[order, :2])
        high = np.minimum(boxes[best, 2:], boxes[order, 2:])
        common = np.maximum(high - low + 1, 0).prod(axis=1)
        order = order[common / (areas[best] + areas[order] - common) < threshold]
    return np.array(kept, dtype=int)


def align(level, rois, scale, cells=7, samples=2):
    """Unaligned RoIAlign of a map (1, C, H, W): (n, C, cells, cells), the mean of samples^2 a cell."""
    feature = level[0].numpy()
    pooled = np.zeros((len(rois), len(feature), cells, cells))
    step = (np.arange(cells)[:, None] + (np.arange(samples) + 0.5) / samples).reshape(-1) / cells
    for i, (x1, y1, x2, y2) in enumerate(rois * scale):
        xs = x1 + step * max(x2 - x1, 1)
        ys = y1 + step * max(y2 - y1, 1)
        values = bilinear(feature, ys, xs)
        pooled[i] = values.reshape(-1, cells, samples, cells, samples).mean(axis=(2, 4))
    return pooled


def bilinear(feature, ys, xs):
    """Values of a map (C, H, W) at the crossings of ys and xs, (C, len(ys), len(xs))."""

    def weights(places, length):
        matrix = np.zeros((len(places), length))
        for row, place in enumerate(places):
            if -1 <= place <= length:
                place = min(max(place, 0), length - 1)
                low = min(int(place), length - 1)
                matrix[row, low] += 1 - (place - low)
                matrix[row, min(low + 1, length - 1)] += place - low
        return matrix

    rows, columns = weights(ys, feature.shape[1]), weights(xs, feature.shape[2])
    return rows @ feature @ columns.T
