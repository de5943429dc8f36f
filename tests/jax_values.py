"""What JAX gives is data of the repository; JAX is needed only to renew it.

Tests write JAX's side as usual, over the stand-ins :data:`jax` and :data:`jnp`, which import JAX
when something of them is called, and give it unevaluated to :func:`expected`. That reads the values
from ``tests/data/jax/``; ``pytest --accept`` with JAX installed computes and writes them.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import io
import json
import pkgutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pytest

TESTS: Final = Path(__file__).parent
STORES: Final = TESTS / "data" / "jax"


class Lazy:
    """Stands for something of JAX by its path; a call imports JAX and calls what is there."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Lazy:
        if name.startswith("_"):  # what pytest, doctest and inspect ask of everything
            raise AttributeError(name)
        return Lazy(f"{self._path}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        named = {name: real(value) for name, value in kwargs.items()}
        return real(self)(*map(real, args), **named)

    def __repr__(self) -> str:
        return self._path


jax: Final[Any] = Lazy("jax")
jnp: Final[Any] = Lazy("jax.numpy")


def real(value: Any) -> Any:
    """What a stand-in stands for; everything else as it is."""
    return _found(value._path) if isinstance(value, Lazy) else value


@functools.cache
def _found(path: str) -> Any:
    importlib.import_module("jax").config.update("jax_enable_x64", True)
    return pkgutil.resolve_name(path)


class Tree(NamedTuple):
    """A nested structure taken apart.

    Attributes:
        structure: The structure with ``*`` for each leaf; keys of dicts are sorted, as JAX does.
        leaves: The leaves in the order of the structure.
    """

    structure: str
    leaves: list[Any]


def taken_apart(value: Any) -> Tree:
    """The structure of tuples, lists, dicts, dataclasses and None, and the leaves."""
    leaves: list[Any] = []
    return Tree(_outline(value, leaves), leaves)


def _outline(value: Any, leaves: list[Any]) -> str:
    if value is None:
        return "None"
    if isinstance(value, dict):
        inner = (f"{key!r}: {_outline(value[key], leaves)}" for key in sorted(value))
        return f"{{{', '.join(inner)}}}"
    name = type(value).__name__
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value)]
        inner = (f"{field}={_outline(getattr(value, field), leaves)}" for field in fields)
        return f"{name}({', '.join(inner)})"
    if isinstance(value, (tuple, list)):
        inner = (_outline(part, leaves) for part in value)
        return f"{name}({', '.join(inner)})"
    leaves.append(value)
    return "*"


# --- the stores -----------------------------------------------------------------------------------


class Store:
    """The values of one test module: for each test, what its calls of ``expected`` gave."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.renewed: dict[str, list[Tree]] = {}

    @functools.cached_property
    def kept(self) -> dict[str, list[Tree]]:
        """What the file holds: all numbers of a dtype in one array, and an index to cut them."""
        if not self.path.exists():
            return {}
        with np.load(self.path, allow_pickle=False) as file:
            arrays = dict(file)
        index = json.loads(arrays.pop("index").tobytes())
        places = dict.fromkeys(arrays, 0)

        def cut(dtype: str, shape: list[int]) -> Any:
            start = places[dtype]
            places[dtype] += int(np.prod(shape, dtype=int))
            return arrays[dtype][start : places[dtype]].reshape(shape)

        return {
            test: [Tree(structure, [cut(*leaf) for leaf in leaves]) for structure, leaves in trees]
            for test, trees in index.items()
        }

    def write(self) -> None:
        """Write the file; the same values give the same bytes."""
        index: dict[str, Any] = {}
        parts: dict[str, list[Any]] = {}
        for test, trees in sorted({**self.kept, **self.renewed}.items()):
            index[test] = [
                (structure, [(leaf.dtype.name, leaf.shape) for leaf in leaves])
                for structure, leaves in trees
            ]
            for leaf in (leaf for tree in trees for leaf in tree.leaves):
                parts.setdefault(leaf.dtype.name, []).append(leaf.ravel())
        arrays = {dtype: np.concatenate(parts[dtype]) for dtype in sorted(parts)}
        text = json.dumps(index, separators=(",", ":")).encode()
        arrays["index"] = np.frombuffer(text, np.uint8)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self.path, "w") as file:
            for name, array in arrays.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
                info.create_system = 3
                file.writestr(info, content.getvalue(), zipfile.ZIP_DEFLATED, 9)


@dataclasses.dataclass
class Running:
    """The test that runs, and how many values it has asked for."""

    store: Store
    test: str
    renew: bool
    count: int = 0


_stores: dict[Path, Store] = {}
_running: list[Running] = []


def begin(item: pytest.Item) -> None:
    """From now on, values belong to this test."""
    test = item.nodeid.partition("::")[2]
    path = (STORES / item.path.relative_to(TESTS)).with_suffix(".npz")
    renew = item.config.getoption("--accept") and importlib.util.find_spec("jax") is not None
    _running[:] = [Running(_stores.setdefault(path, Store(path)), test, renew)]


def finish() -> None:
    """Write the stores that were renewed."""
    for store in _stores.values():
        if store.renewed:
            store.write()


def expected(compute: Callable[[], Any]) -> Tree:
    """What this gives with JAX, from the store of the module, as NumPy arrays."""
    now = _running[0]
    at, now.count = now.count, now.count + 1
    if now.renew:
        tree = taken_apart(compute())
        tree = Tree(tree.structure, [np.asarray(leaf) for leaf in tree.leaves])
        trees = now.store.renewed.setdefault(now.test, [])
        trees[at:] = [tree]
        return tree
    trees = now.store.kept.get(now.test, [])
    if at >= len(trees):
        pytest.fail(
            f"{now.store.path.name} has no value {at} of JAX for {now.test}: "
            "run pytest --accept with jax installed"
        )
    return trees[at]


def expected_array(compute: Callable[[], Any]) -> Any:
    """The same, of something that is one array."""
    (leaf,) = expected(compute).leaves
    return leaf
