"""Writes tests/fixtures/digit.json: drawings, what MNIST's preparation makes of them, and rotations, by numpy.

Drawings are computed from formulas, not with the notebook's brush. Scaling is a product of matrices; its weights and the
bilinear interpolation are written out here once more.

usage: digit.py     with numpy in the Python that runs it
"""
import json
import math
import pathlib

import numpy as np

SIDE, BOX, CENTRE = 28, 20, 14
row, column = np.mgrid[:SIDE, :SIDE].astype(float)


def stroke(x0, y0, x1, y1, radius):
    """A line with round ends and an edge that fades over one pixel."""
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((column - x0) * dx + (row - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    away = np.hypot(column - x0 - along * dx, row - y0 - along * dy)
    return np.round(255 * np.clip(radius + 0.5 - away, 0, 1))


def centre_of_mass(image):
    rows, columns = np.indices(image.shape)
    return (columns * image).sum() / image.sum(), (rows * image).sum() / image.sum()


def weights(source, target):
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale
    away = np.abs(np.arange(source) + 0.5 - centres[:, None])
    table = np.maximum(0, 1 - away / max(scale, 1))
    return table / table.sum(1, keepdims=True)


def as_mnist(image):
    rows, columns = np.nonzero(image.any(1))[0], np.nonzero(image.any(0))[0]
    box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, math.floor(BOX * side / max(box.shape) + 0.5)) for side in box.shape)
    scaled = np.round(weights(box.shape[0], height) @ box @ weights(box.shape[1], width).T)
    x, y = centre_of_mass(scaled)
    left, top = (min(max(math.floor(CENTRE - at + 0.5), 0), SIDE - side) for at, side in ((x, width), (y, height)))
    result = np.zeros((SIDE, SIDE))
    result[top : top + height, left : left + width] = scaled
    return result


def rotated(image, degrees):
    x, y = centre_of_mass(image)
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    from_column = x + (column - x) * cosine + (row - y) * sine
    from_row = y - (column - x) * sine + (row - y) * cosine
    # The tent of every pixel at every point, so that nothing is said about which four pixels are near.
    across = np.maximum(0, 1 - np.abs(from_column[..., None] - np.arange(SIDE)))
    down = np.maximum(0, 1 - np.abs(from_row[..., None] - np.arange(SIDE)))
    return np.round(np.einsum("abi,ij,abj->ab", down, image, across))


def text(image):
    return bytes(image.astype(np.uint8).ravel()).hex()


seven = np.maximum(stroke(3, 4, 24, 2, 1.2), stroke(24, 2, 12, 25, 1.2))
small = np.maximum(stroke(2, 19, 6, 20, 0.8), stroke(6, 20, 4, 25, 0.6))
# Its centre of mass is so far from the other end that the box has to stay at the edge of the image.
heavy = np.maximum(stroke(4, 3, 4, 24, 3.4), stroke(4, 12, 25, 13, 0.2))
drawings = {"larger than the box": seven, "small, in a corner": small, "heavy at one side": heavy}

fixture = {
    "drawings": [{"name": name, "drawing": text(d), "mnist": text(as_mnist(d))} for name, d in drawings.items()],
    "rotations": [{"drawing": text(seven), "degrees": d, "rotated": text(rotated(seven, d))} for d in (10, -25, 90)],
}
path = pathlib.Path(__file__).parent.parent / "fixtures" / "digit.json"
path.write_text(json.dumps(fixture, indent=1) + "\n")
