"""The disk cache of machine code: what it keeps, what it refuses, and that it never fails."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.run.native.code import cache
from chainrule.run.native.code.cache import Cache
from chainrule.run.native.code.loader import available

CONTENT = bytes(range(256)) * 40
KEY = cache.key("one", "two")

posix = pytest.mark.skipif(os.name == "nt", reason="permissions of files are those of POSIX")


@pytest.fixture
def kept(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "folder")


def entry(tmp_path: Path, key: str = KEY) -> Path:
    return tmp_path / "folder" / f"{key}.code"


# --- what it keeps ------------------------------------------------------------------------------


def test_kept_and_found(kept: Cache, tmp_path: Path) -> None:
    assert kept.get(KEY) is None
    assert KEY not in kept
    kept.put(KEY, CONTENT)
    assert KEY in kept
    assert kept.get(KEY) == CONTENT
    assert Cache(tmp_path / "folder").get(KEY) == CONTENT
    kept.put(KEY, b"")
    assert kept.get(KEY) == b""
    assert [path.name for path in (tmp_path / "folder").iterdir()] == [f"{KEY}.code"]


def test_keys_tell_texts_apart() -> None:
    keys = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ("a", "b", "c")]
    assert len({cache.key(*parts) for parts in keys}) == len(keys)


# --- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damaged",
    [
        lambda whole: b"",
        lambda whole: whole[:10],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: whole + b"\0",
        lambda whole: b"\x7fELF" + whole[4:],
        lambda whole: whole[:20] + bytes([whole[20] ^ 1]) + whole[21:],
        lambda whole: whole[:-5] + bytes([whole[-5] ^ 0x80]) + whole[-4:],
        lambda whole: bytes(len(whole)),
        lambda whole: whole.replace(b"code 1", b"code 0"),
    ],
)
def test_damaged_entries_are_removed(kept: Cache, tmp_path: Path, damaged: object) -> None:
    kept.put(KEY, CONTENT)
    path = entry(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(damaged(whole))
    assert path.read_bytes() != whole
    assert kept.get(KEY) is None
    assert not path.exists()
    kept.put(KEY, CONTENT)
    assert kept.get(KEY) == CONTENT


def test_an_entry_of_another_key_is_foreign(kept: Cache, tmp_path: Path) -> None:
    other = cache.key("three")
    kept.put(KEY, CONTENT)
    entry(tmp_path).rename(entry(tmp_path, other))
    assert kept.get(other) is None
    assert not entry(tmp_path, other).exists()


# --- bounds -------------------------------------------------------------------------------------


def test_least_recently_used_entries_go_first(tmp_path: Path) -> None:
    most = 64 * 4096
    kept = Cache(tmp_path / "folder", most)
    keys = [cache.key(str(number)) for number in range(400)]
    for number, key in enumerate(keys):
        kept.put(key, b"x" * 100)
        if key in kept:
            past = time.time() - 100_000 + number
            os.utime(entry(tmp_path, key), (past, past))
        if number % 10 == 0 and number:
            assert kept.get(keys[0]) == b"x" * 100  # used again and again, so it stays
            assert len(list((tmp_path / "folder").iterdir())) * 4096 <= most
    there = [key in kept for key in keys]
    assert 32 <= sum(there) <= 64
    assert all(there[-30:])
    assert not any(there[1:300])


def test_what_is_too_large_is_not_kept(tmp_path: Path) -> None:
    kept = Cache(tmp_path / "folder", 64 * 4096)
    kept.put(KEY, bytes(16 * 4096))
    assert KEY not in kept


def test_files_half_written_are_cleared_away(kept: Cache, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    old, young, foreign = folder / "old.new", folder / "young.new", folder / "foreign.txt"
    for path in (old, young, foreign):
        path.write_bytes(b"half")
    past = time.time() - 10_000
    os.utime(old, (past, past))
    os.utime(foreign, (past, past))
    kept.put(KEY, CONTENT)
    assert not old.exists()
    assert young.exists()
    assert foreign.exists()


# --- permissions --------------------------------------------------------------------------------


@posix
def test_only_the_user_may_read_it(kept: Cache, tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        kept.put(KEY, CONTENT)
    finally:
        os.umask(mask)
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700
    assert entry(tmp_path).stat().st_mode & 0o777 == 0o600


@posix
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_is_not_used(kept: Cache, tmp_path: Path, mode: int) -> None:
    kept.put(KEY, CONTENT)
    (tmp_path / "folder").chmod(mode)
    assert kept.get(KEY) is None
    kept.put(cache.key("other"), CONTENT)
    assert not entry(tmp_path, cache.key("other")).exists()


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_not_used(kept: Cache, tmp_path: Path, mode: int) -> None:
    kept.put(KEY, CONTENT)
    entry(tmp_path).chmod(mode)
    assert kept.get(KEY) is None


@posix
def test_what_belongs_to_somebody_else_is_not_used(
    kept: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.put(KEY, CONTENT)
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    assert kept.get(KEY) is None
    kept.put(cache.key("other"), CONTENT)
    assert not entry(tmp_path, cache.key("other")).exists()


@posix
def test_links_are_not_followed(kept: Cache, tmp_path: Path) -> None:
    kept.put(KEY, CONTENT)
    entry(tmp_path).rename(tmp_path / "elsewhere")
    entry(tmp_path).symlink_to(tmp_path / "elsewhere")
    assert kept.get(KEY) is None


@posix
def test_pipes_and_folders_are_no_entries(kept: Cache, tmp_path: Path) -> None:
    kept.put(cache.key("other"), CONTENT)
    os.mkfifo(entry(tmp_path))
    assert kept.get(KEY) is None
    entry(tmp_path).unlink()
    entry(tmp_path).mkdir()
    assert kept.get(KEY) is None
    kept.put(KEY, CONTENT)  # in the way: not kept, and no half-written file stays
    assert kept.get(KEY) is None
    assert not list((tmp_path / "folder").glob("*.new"))


# --- folders that cannot be used ------------------------------------------------------------------


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    kept = Cache(tmp_path / "file" / "folder")
    kept.put(KEY, CONTENT)
    assert kept.get(KEY) is None
    assert KEY not in kept


def test_a_folder_that_is_read_only(
    kept: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.put(KEY, CONTENT)
    past = time.time() - 10_000
    os.utime(entry(tmp_path), (past, past))

    def refused(*args: object, **named: object) -> None:
        raise OSError(errno.EROFS, "read-only")

    real = os.open

    def reading(path: object, flags: int, *more: int) -> int:
        if flags & (os.O_WRONLY | os.O_CREAT):
            refused()
        return real(path, flags, *more)

    monkeypatch.setattr(os, "open", reading)
    kept.put(cache.key("other"), CONTENT)
    assert cache.key("other") not in kept
    assert kept.get(KEY) == CONTENT
    monkeypatch.setattr(os, "utime", refused)
    kept.get(KEY)


# --- which folder -------------------------------------------------------------------------------


def test_the_variable_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "named"))
    found = cache.current()
    assert found is not None
    found.put(KEY, CONTENT)
    assert (tmp_path / "named" / f"{KEY}.code").exists()
    monkeypatch.setenv(cache.VARIABLE, "off")
    assert cache.current() is None


@pytest.mark.skipif(sys.platform != "linux", reason="the rule of XDG")
def test_the_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    platformdirs = pytest.importorskip("platformdirs")
    for value in (str(tmp_path / "xdg"), "", None):
        if value is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache._user_folder() == Path(platformdirs.user_cache_dir())


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache, "_user_folder", homeless)
    cache._of.cache_clear()
    try:
        assert cache._of("") is None
    finally:
        cache._of.cache_clear()


# --- several processes ----------------------------------------------------------------------------

FIRST_CALL = """
import sys
import chainrule as cr
fast = cr.parse("(x + y) * (x + 1)").gradient().compile()
print(fast(2.0, 1.0))
report = fast.wait().report()
print(report.tier, "optimise" in report.seconds, "code" in report.seconds)
print("cache" in report.seconds, "llvmlite" in sys.modules)
"""


def run(code: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_second_process_finds_the_code(tmp_path: Path) -> None:
    first = run(FIRST_CALL, CHAINRULE_CACHE=str(tmp_path / "cache"))
    assert first == ["(9.0, (6.0, 3.0))", "optimised True True", "True True"]
    second = run(FIRST_CALL, CHAINRULE_CACHE=str(tmp_path / "cache"))
    needs_llvm = not available()
    assert second == ["(9.0, (6.0, 3.0))", "optimised False False", f"True {needs_llvm}"]
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:-7])
    third = run(FIRST_CALL, CHAINRULE_CACHE=str(tmp_path / "cache"))
    assert third == first


def test_off_leaves_the_disk_alone(tmp_path: Path) -> None:
    home = str(tmp_path)
    lines = run(FIRST_CALL, CHAINRULE_CACHE="off", XDG_CACHE_HOME=home, HOME=home)
    assert lines == ["(9.0, (6.0, 3.0))", "optimised True True", "False True"]
    assert not list(tmp_path.rglob("*.code"))


WRITERS = """
import hashlib, random, sys
from pathlib import Path
from chainrule.run.native.code.cache import Cache, key
kept = Cache(Path(sys.argv[1]), 40 * 4096)
random.seed(int(sys.argv[2]))
found = 0
for _ in range(300):
    number = random.randrange(60)
    content = hashlib.sha256(b"%d" % number).digest() * (number * 5)
    if random.random() < 0.5:
        kept.put(key(str(number)), content)
    else:
        got = kept.get(key(str(number)))
        assert got is None or got == content
        found += got is not None
assert found > 0
"""


def test_processes_that_write_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITERS, str(folder), str(number)], stderr=subprocess.PIPE
        )
        for number in range(4)
    ]
    for writer in writers:
        _, told = writer.communicate(timeout=300)
        assert writer.returncode == 0, told
    assert not list(folder.glob("*.new"))
    # Each process may be a part ahead of what it last saw.
    assert len(list(folder.iterdir())) <= 40 + 4 * 5
