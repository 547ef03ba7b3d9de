"""What `tumorlens predict --csv` does, with Pillow, NumPy, SciPy and ONNX Runtime: finds pictures, decodes, crops to the
head, resizes, windows, compares the halves where the model wants it, asks the network, writes a CSV. One process.

    python predict.py MODEL.onnx PATH... [--threads 2] [--readers 1] [--batch 32] [--no-crop] > predictions.csv

MODEL.onnx and MODEL.json are written by export_onnx.py. --readers decodes on so many threads while the network runs;
--no-crop leaves out the search for the head (and SciPy). Looks at no colour, no background, no disagreement of members
and no unusual features, all of which tumorlens does.
"""
import argparse
import csv
import json
import math
import os
import sys

import numpy
import onnxruntime
from PIL import Image

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def find(paths):
    for path in paths:
        if os.path.isdir(path):
            names = sorted(os.listdir(path))
            yield from (os.path.join(path, name) for name in names if name.lower().endswith(PICTURES))
        else:
            yield path


def window(values, w):
    """Percentiles of what is brighter than the background."""
    low, high = numpy.percentile(values[values > values.min()], [w["low"], w["high"]])
    return float(low), float(high)


def otsu(levels):
    """The threshold that divides 256 grey levels best."""
    counts = numpy.bincount(levels.ravel(), minlength=256).astype(float)
    grey = numpy.arange(256.0)
    below = counts.cumsum()
    above = below[-1] - below
    sums = (grey * counts).cumsum()
    with numpy.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    return int(numpy.nanargmax(between))


def head(image, spec):
    """The box of the largest bright region: left, top, right, bottom."""
    from scipy import ndimage

    height, width = image.shape
    low, high = window(image, spec["window"])
    values = ((image - low) / (high - low)).clip(0, 1)
    levels = (numpy.log1p(24 * values) / math.log1p(24) * 255).round().astype(numpy.uint8)
    inside = levels > otsu(levels)
    reach = math.ceil(0.015 * max(height, width))
    joined = ndimage.maximum_filter(inside, size=2 * reach + 1, mode="constant")
    labels, count = ndimage.label(joined, structure=numpy.ones((3, 3)))
    if count == 0:
        return 0, 0, width, height
    largest = numpy.bincount(labels[inside], minlength=count + 1)[1:].argmax() + 1
    rows, columns = numpy.nonzero(inside & (labels == largest))
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    if (right - left) * (bottom - top) * 10 < width * height:
        return 0, 0, width, height
    more = round(spec["crop"]["head"]["margin"] * max(right - left, bottom - top))
    return max(left - more, 0), max(top - more, 0), min(right + more, width), min(bottom + more, height)


def sample(image, points):
    """Values between pixels; 0 outside."""
    from scipy import ndimage

    return ndimage.map_coordinates(image, points, order=1, mode="grid-constant", prefilter=False)


def mirrored(cells, normals, distances):
    """Where the pixels of a square lie on the other side of each line, [lines, 2 (row, column), pixels]."""
    y, x = (numpy.indices((cells, cells)).reshape(2, -1) + 0.5).astype(numpy.float32)
    a, b = normals[:, :1], normals[:, 1:]
    twice = 2 * (a * x + b * y - distances[:, None])
    return numpy.stack([y - twice * b, x - twice * a], axis=1) - 0.5


def asymmetry(values):
    """The smoothed image less its mirror image about the line about which a coarse copy fits its own best."""
    from scipy import ndimage

    side, cells = len(values), 32
    edges = numpy.arange(cells) * side // cells
    coarse = numpy.add.reduceat(numpy.add.reduceat(values, edges), edges, 1) / (side / cells) ** 2
    at = numpy.arange(cells) + 0.5
    weight = coarse.sum()
    centre = (coarse.sum(0) @ at / weight, coarse.sum(1) @ at / weight) if weight > 0 else (cells / 2, cells / 2)
    degrees, shift = 0.0, 0.0
    for step, reach in [((6.0, 1.0), 4), ((2.0, 0.5), 1)]:
        angles, shifts = numpy.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
        angles, shifts = degrees + angles * step[0], shift + shifts * step[1]
        radians = numpy.radians(angles)
        normals = numpy.stack([numpy.cos(radians), numpy.sin(radians)], 1).astype(numpy.float32)
        distances = (normals @ numpy.array(centre) + shifts).astype(numpy.float32)
        points = mirrored(cells, normals, distances).transpose(1, 0, 2)
        best = numpy.abs(coarse.ravel() - sample(coarse, points)).sum(1).argmin()
        degrees, shift = angles[best], shifts[best]
        normal, distance = normals[best], distances[best]
    smooth = ndimage.gaussian_filter(values, 0.02 * side, mode="nearest", radius=math.ceil(0.06 * side))
    points = mirrored(side, normal[None], numpy.array([distance * side / cells]))[0]
    return smooth - sample(smooth, points).reshape(side, side)


def prepare(path, spec, crop):
    """The network's input, [channels, size, size]."""
    image = numpy.asarray(Image.open(path).convert("L"), dtype=numpy.float32)
    if crop:
        left, top, right, bottom = head(image, spec)
        image = image[top:bottom, left:right]
    low, high = window(image, spec["window"])
    size, (height, width) = spec["size"], image.shape
    fitted = [max(1, (2 * n * size + max(height, width)) // (2 * max(height, width))) for n in (width, height)]
    small = numpy.asarray(Image.fromarray(image).resize(fitted, Image.Resampling.BICUBIC))
    values = numpy.zeros((size, size), numpy.float32)
    x, y = (size - fitted[0]) // 2, (size - fitted[1]) // 2
    values[y : y + fitted[1], x : x + fitted[0]] = ((small - low) / (high - low)).clip(0, 1)
    mean, std = spec["window"]["mean"], spec["window"]["std"]
    channels = [(values - mean) / std] * spec["channels"]
    if spec.get("asymmetry"):
        channels.append(asymmetry(values) / std)
    return numpy.stack(channels)


def main(args):
    about = json.load(open(os.path.splitext(args.model)[0] + ".json"))
    spec, decision = about["preprocess"], about["decision"]
    threshold = next(p["threshold"] for p in decision["operating_points"] if p["name"] == decision["default"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    session = onnxruntime.InferenceSession(args.model, options, providers=["CPUExecutionProvider"])
    paths = list(find(args.paths))

    def ready(batch):
        return batch, numpy.stack([prepare(path, spec, args.crop) for path in batch])

    batches = [paths[i : i + args.batch] for i in range(0, len(paths), args.batch)]
    if args.readers:
        from concurrent.futures import ThreadPoolExecutor

        inputs = ThreadPoolExecutor(args.readers).map(ready, batches)
    else:
        inputs = map(ready, batches)
    out = csv.writer(sys.stdout)
    out.writerow(["path", "probability", "threshold", "verdict"])
    for batch, input in inputs:
        logits = session.run(None, {"x": input.astype(numpy.float32)})[0][:, 0].astype(float)
        for path, p in zip(batch, 1 / (1 + numpy.exp((decision.get("shift", 0) - logits) / decision["temperature"]))):
            out.writerow([path, p, threshold, "tumor" if p >= threshold else "no_tumor"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--readers", type=int, default=0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--no-crop", dest="crop", action="store_false")
    main(parser.parse_args())
