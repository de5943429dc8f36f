"""Machine code kept on disk, so that later processes find it made.

Entries are files in a folder of the user's, named by what they were made from. The cache never
fails: where something is wrong with the folder or a file, there is no entry, and nothing is kept.
Nothing is read that another user could have written.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import sys
import time
from pathlib import Path
from typing import Final

VARIABLE: Final = "CHAINRULE_CACHE"
"""The environment variable that names another folder, or says ``off``."""

_FORMAT: Final = b"chainrule code 1\n"
"""What every entry begins with; the number changes with the layout of entries and of keys."""
_HEAD: Final = len(_FORMAT) + 32
"""Then comes a SHA-256 of the key and the content, then the content."""
_MOST: Final = 256 << 20
"""Bytes that the cache may take on disk."""
_BLOCK: Final = 4096
_ENDING: Final = ".code"
_NEW: Final = ".new"
_STALE: Final = 3600.0
"""Seconds: after these a file half written is abandoned, and reading an entry is worth noting."""


def key(*parts: str) -> str:
    """The name of what is made from these texts."""
    digest = hashlib.sha256(_FORMAT)
    for part in parts:
        text = part.encode()
        digest.update(b"%d\n" % len(text))
        digest.update(text)
    return digest.hexdigest()


class Cache:
    """A folder of entries.

    Args:
        folder: Where they lie; it is made when it is first written to.
        most: Bytes that they may take; those not read for longest go first.
    """

    def __init__(self, folder: Path, most: int = _MOST) -> None:
        self._folder = folder
        self._most = most
        self._until_tidy = 0

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry, whole or not."""
        return os.path.exists(self._folder / (key + _ENDING))  # noqa: PTH110 - raises nothing

    def get(self, key: str) -> bytes | None:
        """The content of this name; None where there is none that is whole."""
        path = self._folder / (key + _ENDING)
        try:
            if not _is_ours(self._folder.stat()):
                return None
            handle = os.open(path, os.O_RDONLY | _NO_LINK | _BINARY)
            with os.fdopen(handle, "rb") as file:
                status = os.fstat(handle)
                if not (stat.S_ISREG(status.st_mode) and _is_ours(status)):
                    return None
                entry = file.read(self._most + 1)
            content = entry[_HEAD:]
            if entry[:_HEAD] != _head(key, content):
                path.unlink()
                return None
            if time.time() - status.st_mtime > _STALE:
                os.utime(path)
        except OSError:
            return None
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep a content under this name, if it can be kept."""
        size = _on_disk(_HEAD + len(content))
        if size > self._most // 4:
            return
        path = self._folder / (key + _ENDING)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(self._folder.stat()):
                return
            self._until_tidy -= size
            if self._until_tidy < 0:
                self._tidy(size)
            new = self._folder / (os.urandom(16).hex() + _NEW)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_head(key, content))
                    file.write(content)
                new.replace(path)
            except OSError:
                new.unlink(missing_ok=True)
        except OSError:
            return

    def _tidy(self, coming: int) -> None:
        """Make room, then wait until a part of it is filled before looking again.

        Several processes may do this at once: a file that is gone already is as good as removed,
        and one that is being read stays readable.
        """
        found = []
        total = coming
        now = time.time()
        with os.scandir(self._folder) as files:
            for file in files:
                try:
                    status = file.stat(follow_symlinks=False)
                except OSError:
                    continue
                if file.name.endswith(_ENDING):
                    found.append((status.st_mtime, _on_disk(status.st_size), file.path))
                    total += found[-1][1]
                elif file.name.endswith(_NEW) and now - status.st_mtime > _STALE:
                    _remove(file.path)
        part = self._most // 8
        if total > self._most - part:
            for _, size, path in sorted(found):
                _remove(path)
                total -= size
                if total <= self._most - 2 * part:
                    break
        self._until_tidy = part


def current() -> Cache | None:
    """The cache that the environment asks for; None: there is to be none."""
    return _of(os.environ.get(VARIABLE, ""))


@functools.cache
def _of(asked: str) -> Cache | None:
    if asked == "off":
        return None
    if asked:
        return Cache(Path(asked).absolute())
    try:
        return Cache(_user_folder() / "chainrule" / "code")
    except RuntimeError:  # a user without a home, as in some containers
        return None


def _user_folder() -> Path:
    """Where this user's programs keep what can be made anew."""
    is_linux: bool = sys.platform == "linux"
    if is_linux:
        # The XDG rule in two lines: the library takes longer to load than code from the cache.
        named = os.environ.get("XDG_CACHE_HOME", "")
        return Path(named) if Path(named).is_absolute() else Path("~/.cache").expanduser()
    import platformdirs  # noqa: PLC0415 - see above

    return Path(platformdirs.user_cache_dir())


_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Links are not followed, and pipes not waited for."""
_BINARY: Final = getattr(os, "O_BINARY", 0)


def _is_ours(status: os.stat_result) -> bool:
    """Whether a file or folder belongs to this user, and no other may write to it."""
    if os.name == "nt":  # folders of a user are closed to others there
        return True
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _head(key: str, content: bytes) -> bytes:
    digest = hashlib.sha256(key.encode())
    digest.update(content)
    return _FORMAT + digest.digest()


def _on_disk(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _remove(path: str) -> None:
    try:
        Path(path).unlink()
    except OSError:
        return
