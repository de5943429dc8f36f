"""Cameras, images and curves."""

from __future__ import annotations

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(5)
_normal = _random.standard_normal


def bundle_adjustment(np, cameras, points, seen):
    """Squared error of points in pictures: Rodrigues' rotation, focal length, distortion.

    A camera is (rotation 3, translation 3, focal length, two coefficients of radial distortion);
    row i of ``seen`` is (number of the camera, number of the point), then x and y.
    """
    camera = cameras[seen[:, 0].astype(int)]
    x = points[seen[:, 1].astype(int)]
    turn, shift, focal = camera[:, :3], camera[:, 3:6], camera[:, 6]
    angle = np.linalg.norm(turn, axis=1, keepdims=True)
    axis = turn / angle
    cos, sin = np.cos(angle), np.sin(angle)
    along = np.sum(axis * x, axis=1, keepdims=True)
    turned = x * cos + np.cross(axis, x) * sin + axis * along * (1 - cos)
    moved = turned + shift
    flat = -moved[:, :2] / moved[:, 2:]
    square = np.sum(flat**2, axis=1)
    distortion = 1 + camera[:, 7] * square + camera[:, 8] * square**2
    error = (focal * distortion)[:, None] * flat - seen[:, 2:]
    return 0.5 * np.sum(error**2)


def image_warp(np, motion, image, target):
    """Squared error after an affine motion, with bilinear samples at the new places."""
    height, width = image.shape
    rows, columns = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    here = np.stack([rows.ravel(), columns.ravel(), np.ones(height * width)])
    y, x = motion @ here
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    top = np.clip(np.floor(y).astype(int), 0, height - 2)
    left = np.clip(np.floor(x).astype(int), 0, width - 2)
    dy, dx = y - top, x - left
    sample = (
        image[top, left] * (1 - dy) * (1 - dx)
        + image[top, left + 1] * (1 - dy) * dx
        + image[top + 1, left] * dy * (1 - dx)
        + image[top + 1, left + 1] * dy * dx
    )
    return np.mean((sample.reshape(height, width) - target) ** 2)


def fitted_curve(np, knots, heights, x, y):
    """Squared error of a curve through points, which is to bend little."""
    error = np.interp(x, knots, heights) - y
    slopes = np.diff(heights) / np.diff(knots)
    return np.sum(error**2) + 0.1 * np.sum(np.diff(slopes) ** 2)


_CAMERAS = numpy.concatenate(
    [
        0.3 * _normal((3, 3)),
        0.1 * _normal((3, 2)),
        -5 + 0.1 * _normal((3, 1)),
        500 + _normal((3, 1)),
        0.05 * _normal((3, 2)),
    ],
    axis=1,
)
_SEEN = numpy.stack(
    [
        _random.integers(0, 3, 60),
        _random.integers(0, 20, 60),
        50 * _normal(60),
        50 * _normal(60),
    ],
    axis=1,
)

PROGRAMS = [
    Program(bundle_adjustment, (_CAMERAS, _normal((20, 3))), (_SEEN,)),
    Program(
        image_warp,
        (numpy.array([[1.02, 0.1, -0.7], [-0.08, 0.97, 1.3]]), _random.random((16, 20))),
        (_random.random((16, 20)),),
    ),
    Program(
        fitted_curve,
        (numpy.linspace(0, 1, 12) + 0.02 * _normal(12), _normal(12)),
        (_random.uniform(-0.1, 1.1, 80), _normal(80)),
    ),
]
