"""Motion, energy, light, and a valley: functions of physics and mechanics."""

from __future__ import annotations

import numpy

from tests.programs.program import Program

_random = numpy.random.default_rng(3)
_normal = _random.standard_normal


def runge_kutta(np, rates, start, observed):
    """Error of a model of predators and prey, integrated in steps of fourth order."""
    birth, hunt, death, growth = rates
    dt = 0.1

    def change(state):
        prey, predators = state
        return np.array(
            [birth * prey - hunt * prey * predators, growth * prey * predators - death * predators]
        )

    state = start
    path = []
    for _ in range(len(observed)):
        k1 = change(state)
        k2 = change(state + dt / 2 * k1)
        k3 = change(state + dt / 2 * k2)
        k4 = change(state + dt * k3)
        state = state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path.append(state)
    return np.mean((np.log(np.stack(path)) - np.log(observed)) ** 2)


def rosenbrock(np, x):
    """The curved valley, in many dimensions."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def n_body(np, positions, velocities, masses):
    """Kinetic and gravitational energy, with softened distances."""
    kinetic = 0.5 * np.sum(masses[:, None] * velocities**2)
    i, j = np.triu_indices(len(masses), k=1)
    distances = np.sqrt(np.sum((positions[i] - positions[j]) ** 2, axis=-1) + 1e-4)
    return kinetic - np.sum(masses[i] * masses[j] / distances)


def spin_lattice(np, angles, coupling, field):
    """Energy of spins in the plane with their neighbours on a torus."""
    energy = 0.0
    for axis in (0, 1):
        for shift in (1, -1):
            energy -= 0.5 * coupling * np.sum(np.cos(angles - np.roll(angles, shift, axis=axis)))
    return energy - np.vdot(field, np.sin(angles))


def lens(np, curvatures, distances, indices, origins, slopes):
    """Spread of rays behind spherical surfaces: Snell's law, in vectors."""
    axis = np.array([0.0, 0.0, 1.0])
    directions = np.stack([slopes, 0.3 * slopes, np.ones(len(slopes))], axis=1)
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    points = origins
    place = 0.0
    for at in range(len(curvatures)):
        place = place + distances[at]
        radius = 1 / curvatures[at]
        away = points - (place + radius) * axis
        along = np.vecdot(away, directions)
        root = np.sqrt(along**2 - np.vecdot(away, away) + radius**2)
        points = points + (-along - np.sign(radius) * root)[:, None] * directions
        normals = (points - (place + radius) * axis) / radius
        ratio = indices[at] / indices[at + 1]
        tangents = ratio * np.cross(normals, np.cross(-normals, directions))
        inward = np.sqrt(1 - np.vecdot(tangents, tangents))
        directions = tangents - normals * inward[:, np.newaxis]
    t = (place + distances[-1] - points.dot(axis)) / directions.dot(axis)
    spots = points[:, :2] + t[:, None] * directions[:, :2]
    return np.sum((spots - spots.mean(axis=0)) ** 2)


def robot_arm(np, angles, lengths, targets):
    """How far the hand of an arm of two links is from points, its joints turned by matrices."""

    def rotation(angle):
        c, s = np.cos(angle), np.sin(angle)
        return np.array([[c, -s], [s, c]])

    miss = 0.0
    for (shoulder, elbow), target in zip(angles, targets, strict=True):
        first = rotation(shoulder)
        second = first @ rotation(elbow)
        hand = first @ np.array([lengths[0], 0.0]) + second @ np.array([lengths[1], 0.0])
        heading = np.arctan2(second[1, 0], second[0, 0])
        miss += np.hypot(*(hand - target)) + 0.1 * heading**2
    return miss / len(targets)


PROGRAMS = [
    Program(
        runge_kutta,
        ((1.1, 0.4, 0.4, 0.1), numpy.array([10.0, 5.0])),
        (_random.uniform(2, 12, (5, 2)),),
        xla=None,
    ),
    Program(rosenbrock, (_random.uniform(-1.5, 1.5, 10_000),)),
    Program(n_body, (_normal((30, 3)), _normal((30, 3)), _random.uniform(0.5, 2, 30))),
    Program(spin_lattice, (_random.uniform(-3, 3, (16, 16)), 0.8, 0.2 * _normal((16, 16)))),
    Program(
        lens,
        (
            numpy.array([0.02, -0.018]),
            numpy.array([10.0, 4.0, 60.0]),
            numpy.array([1.0, 1.5168, 1.0]),
        ),
        (
            numpy.stack([numpy.zeros(7), numpy.linspace(-4, 4, 7), numpy.zeros(7)], axis=1),
            0.05 * _normal(7),
        ),
    ),
    Program(
        robot_arm,
        (_random.uniform(0.2, 1.5, (3, 2)), numpy.array([1.0, 0.7])),
        (_normal((3, 2)),),
    ),
]
