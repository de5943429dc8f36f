"""Places machine code in memory without LLVM: relocatable objects (ELF) for x86-64 Linux.

LLVM takes longer to load into a process than all the rest of a first call, so code that the cache
has is placed by this room. It understands what LLVM makes for our modules (``reloc=pic``,
``codemodel=small``) and refuses everything else; whoever calls it has another way then.

All is checked before it is used: no damaged object makes it read or write where it must not.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import mmap
import platform
import struct
import sys
import weakref
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Find = Callable[[str], int | None]
"""The address of an external function of this name; None: there is none."""


class RefusedError(Exception):
    """An object that this room does not understand, or cannot place."""


_HEADER: Final = struct.Struct("<16s HHI QQQ I 6H")
_IDENT: Final = b"\x7fELF\x02\x01\x01"
_RELOCATABLE, _X86_64 = 1, 62
_SECTION: Final = np.dtype(
    [(name, "<u4") for name in ("name", "type")]
    + [(name, "<u8") for name in ("flags", "address", "offset", "size")]
    + [(name, "<u4") for name in ("link", "info")]
    + [(name, "<u8") for name in ("align", "entry")]
)
_SYMBOL: Final = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2")]
    + [(name, "<u8") for name in ("value", "size")]
)
_RELOCATION: Final = np.dtype(
    [("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")]
)

# Of sections.
_PROGBITS, _SYMTAB, _STRTAB, _RELA, _NOBITS, _REL, _UNWIND = 1, 2, 3, 4, 8, 9, 0x70000001
_WRITE, _ALLOC, _EXECUTE, _TLS, _COMPRESSED = 0x1, 0x2, 0x4, 0x400, 0x800
_KINDS: Final = (".text", ".ltext", ".rodata", ".lrodata", ".data", ".ldata", ".bss", ".lbss")
# Of symbols.
_UNDEFINED, _ABSOLUTE, _RESERVED = 0, 0xFFF1, 0xFF00
_NOTYPE, _OBJECT, _FUNC, _SECTION_TYPE = 0, 1, 2, 3
# Of relocations.
_64, _PC32, _PLT32, _GOTPCREL, _32S, _PC64, _GOTPCRELX, _REX_GOTPCRELX = 1, 2, 4, 9, 11, 24, 41, 42


def _table_of(*types: int) -> Array:
    """For each type of relocation, whether it is one of these."""
    found = np.zeros(64, bool)
    found[list(types)] = True
    return found


_IS_WIDE: Final = _table_of(_64, _PC64)
_IS_GOT: Final = _table_of(_GOTPCREL, _GOTPCRELX, _REX_GOTPCRELX)
_IS_ABSOLUTE: Final = _table_of(_64, _32S)
_IS_KNOWN: Final = _table_of(_PC32, _PLT32, _32S) | _IS_WIDE | _IS_GOT

_MOST: Final = 1 << 29
"""Bytes that one object may take: all of it is in reach of 32 bits."""
_SLACK: Final = 64
"""How far an addend may lead out of the block: it counts from the end of an instruction."""
_STUB: Final = b"\xff\x25\x00\x00\x00\x00"
"""``jmp [rip]``: to the address that follows."""
_STUB_SIZE: Final = 16


class _Section(NamedTuple):
    """A section that is placed: where its bytes are in the file, and in the block."""

    file: int
    size: int
    place: int
    is_empty: bool
    is_code: bool


class Placed:
    """An object in memory, ready to run; the memory is given back with this Python object.

    Attributes:
        size: Bytes of memory.

    Args:
        code: The object file.
        find: Gives the addresses of what the object does not define.

    Raises:
        RefusedError: The object is not understood, or this system does not let it be placed.
        LookupError: It calls a function that ``find`` does not know.
    """

    def __init__(self, code: bytes, find: Find) -> None:
        if not available():
            raise RefusedError("this system is not x86-64 Linux")
        made = _Object(code)
        made.resolve(find)
        self.size = made.size
        try:
            self._memory = mmap.mmap(-1, made.size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        except (OSError, ValueError) as error:
            raise RefusedError("no memory") from error
        block = np.frombuffer(self._memory, np.uint8)
        base = block.ctypes.data
        made.write(block, base)
        protect = _mprotect()
        if made.read_only and protect(base, made.read_only, mmap.PROT_READ | mmap.PROT_EXEC):
            raise RefusedError("memory may not become executable")
        _alive.add(self)
        self._functions = {name: base + place for name, place in made.functions.items()}

    def keep(self) -> None:
        """Never give the memory back."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._memory))

    def address(self, name: str) -> int:
        """Where a function starts.

        Raises:
            KeyError: There is no function of this name.
        """
        return self._functions[name]


_alive: Final[weakref.WeakSet[Placed]] = weakref.WeakSet()


@atexit.register
def _keep_all() -> None:
    """When the process ends, threads may still run code: it stays where it is."""
    for placed in _alive:
        placed.keep()


@functools.cache
def available() -> bool:
    """Whether this process can be given code by this room."""
    return (
        sys.platform == "linux"
        and platform.machine() in ("x86_64", "AMD64")
        and sys.maxsize > 1 << 32
    )


@functools.cache
def _mprotect() -> Callable[[int, int, int], int]:
    function = ctypes.CDLL(None, use_errno=True).mprotect
    function.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    function.restype = ctypes.c_int
    return function


@functools.cache
def _libraries() -> list[ctypes.CDLL]:
    """What this process has loaded for all to see, then the mathematics of the C library."""
    found = [ctypes.CDLL(None)]
    for name in ("libm.so.6", "libm.so"):
        try:
            found.append(ctypes.CDLL(name))
            break
        except OSError:
            continue
    return found


def of_process(name: str) -> int | None:
    """The address of a C function of this process; None: it has none of this name."""
    for library in _libraries():
        try:
            function = library[name]
        except (AttributeError, ValueError):
            continue
        return ctypes.cast(function, ctypes.c_void_p).value
    return None


class _Object:
    """An object file, taken apart and checked.

    Attributes:
        size: Bytes of the block it needs: whole pages.
        read_only: Bytes at the beginning that are not written when it runs: whole pages.
        functions: The places of its functions in the block, by name.
    """

    def __init__(self, code: bytes) -> None:
        self._code = code
        self._headers = self._section_headers()
        self._sections = self._placed_sections()
        self._relocations: list[tuple[_Section, Array]] = []
        self._read_symbols()
        self._read_relocations()

    # --- reading --------------------------------------------------------------------------------

    def _section_headers(self) -> Array:
        code = self._code
        if len(code) < _HEADER.size:
            raise RefusedError("no header")
        (ident, kind, machine, version, _, _, at, _, _, _, _, size, count, names) = (
            _HEADER.unpack_from(code)
        )
        if not ident.startswith(_IDENT) or (kind, machine, version) != (_RELOCATABLE, _X86_64, 1):
            raise RefusedError("not a relocatable object for x86-64")
        if size != _SECTION.itemsize or not count or names >= count:
            raise RefusedError("no sections")
        headers = self._table(at, size * count, _SECTION)
        self._names = self._strings(headers[names])
        return headers

    def _table(self, at: int, size: int, kind: np.dtype[Any]) -> Array:
        """Records of the file."""
        if at > len(self._code) or size > len(self._code) - at or size % kind.itemsize:
            raise RefusedError("a table outside the file")
        return np.frombuffer(self._code, kind, size // kind.itemsize, at)

    def _strings(self, header: Any) -> bytes:
        if header["type"] != _STRTAB:
            raise RefusedError("no table of names")
        strings = self._table(int(header["offset"]), int(header["size"]), np.dtype(np.uint8))
        return strings.tobytes()

    def _placed_sections(self) -> dict[int, _Section]:
        """The sections that are needed to run it: first those that nobody writes to."""
        chosen = []
        for at, header in enumerate(self._headers.tolist()):
            name, kind, flags, _, offset, size, _, _, align, _ = header
            title = _name(self._names, name)
            if not flags & _ALLOC or title.startswith(".eh_frame") or kind == _UNWIND:
                continue
            if flags & (_TLS | _COMPRESSED) or kind not in (_PROGBITS, _NOBITS):
                raise RefusedError(f"section {title}")
            if not any(title == k or title.startswith(k + ".") for k in _KINDS):
                raise RefusedError(f"section {title}")
            if flags & _WRITE and flags & _EXECUTE:
                raise RefusedError(f"section {title} is code that may be written")
            align = max(align, 1)
            if align > mmap.PAGESIZE or align & (align - 1) or size > _MOST:
                raise RefusedError(f"section {title}: size or alignment")
            if kind == _PROGBITS and (offset > len(self._code) or size > len(self._code) - offset):
                raise RefusedError(f"section {title} ends after the file")
            chosen.append((bool(flags & _WRITE), at, offset, size, align, kind, flags))
        placed = {}
        end, self._stubs = 0, -1
        for writable, at, offset, size, align, kind, flags in sorted(chosen):
            if writable and self._stubs < 0:
                end = self._leave_room(end)
            end = -(-end // align) * align
            empty = kind == _NOBITS
            placed[at] = _Section(offset, size, end, empty, bool(flags & _EXECUTE))
            end += size
            if end > _MOST:
                raise RefusedError("too large")
        if self._stubs < 0:
            end = self._leave_room(end)
        self.size = max(_pages(end), mmap.PAGESIZE)
        return placed

    def _leave_room(self, end: int) -> int:
        """Room for a stub and an address for each symbol, and the end of what stays as it is."""
        self._stubs = -(-end // _STUB_SIZE) * _STUB_SIZE
        symbols = [h for h in self._headers if h["type"] == _SYMTAB]
        count = sum(int(h["size"]) // _SYMBOL.itemsize for h in symbols)
        if count > _MOST // _STUB_SIZE:
            raise RefusedError("too many symbols")
        self.read_only = _pages(self._stubs + count * (_STUB_SIZE + 8))
        return self.read_only

    def _read_symbols(self) -> None:
        tables = [at for at, h in enumerate(self._headers) if h["type"] == _SYMTAB]
        if len(tables) != 1:
            raise RefusedError("not one table of symbols")
        (self._symbol_table,) = tables
        header = self._headers[self._symbol_table]
        link = int(header["link"])
        if link >= len(self._headers):
            raise RefusedError("symbols without names")
        self._symbol_names = self._strings(self._headers[link])
        self._symbols = symbols = self._table(int(header["offset"]), int(header["size"]), _SYMBOL)
        section = symbols["section"]
        if section.size and bool(((section >= _RESERVED) & (section != _ABSOLUTE)).any()):
            raise RefusedError("a symbol of an unknown kind")
        self._values = np.zeros(len(symbols), np.int64)
        self._is_placed = np.zeros(len(symbols), bool)
        for at, own in self._sections.items():
            mine = section == at
            if bool((symbols["value"][mine] > own.size).any()):
                raise RefusedError("a symbol outside its section")
            self._values[mine] = symbols["value"][mine].astype(np.int64) + own.place
            self._is_placed |= mine
        self.functions = {}
        for at in np.flatnonzero(self._is_placed & (symbols["info"] == (1 << 4 | _FUNC))).tolist():
            if self._sections[int(section[at])].is_code:
                name = _name(self._symbol_names, int(symbols["name"][at]))
                self.functions[name] = int(self._values[at])

    def _read_relocations(self) -> None:
        for header in self._headers:
            if header["type"] not in (_RELA, _REL):
                continue
            section = self._sections.get(int(header["info"]))
            if section is None:
                continue  # of a section that is not placed
            if header["type"] == _REL or int(header["link"]) != self._symbol_table:
                raise RefusedError("relocations of another kind")
            found = self._table(int(header["offset"]), int(header["size"]), _RELOCATION)
            if not found.size:
                continue
            if section.is_empty or not bool(_IS_KNOWN[np.minimum(found["type"], 63)].all()):
                raise RefusedError("a relocation of an unknown kind")
            if bool((found["symbol"] >= len(self._symbols)).any()):
                raise RefusedError("a relocation of no symbol")
            width = np.where(_IS_WIDE[found["type"]], 8, 4).astype(np.uint64)
            last = np.uint64(section.size) - width
            if section.size < width.max() or bool((found["offset"] > last).any()):
                raise RefusedError("a relocation outside its section")
            if bool((np.abs(found["addend"] // 2) > _MOST).any()):
                raise RefusedError("a relocation far outside")
            self._relocations.append((section, found))

    # --- what it needs from outside -------------------------------------------------------------

    def resolve(self, find: Find) -> None:
        """Look up the functions that the relocations name and the object does not define."""
        self._outside: dict[int, int] = {}
        used = [found["symbol"] for _, found in self._relocations]
        if not used:
            return
        symbols = self._symbols
        for at in sorted(set(np.concatenate(used).tolist())):
            if self._is_placed[at]:
                continue
            kind = int(symbols["info"][at]) & 15
            if int(symbols["section"][at]) != _UNDEFINED or kind not in (_NOTYPE, _FUNC) or not at:
                raise RefusedError("a relocation of a symbol that is not placed")
            name = _name(self._symbol_names, int(symbols["name"][at]))
            address = find(name) if name else None
            if not address:
                raise LookupError(f"no function {name}")
            self._outside[at] = address

    # --- writing --------------------------------------------------------------------------------

    def write(self, block: Array, base: int) -> None:
        """Write the object into a block that lies at this address."""
        for own in self._sections.values():
            if not own.is_empty:
                piece = np.frombuffer(self._code, np.uint8, own.size, own.file)
                block[own.place : own.place + own.size] = piece
        addresses = self._values + base
        table = self._stubs + _STUB_SIZE * len(self._symbols)
        stubs = addresses.copy()
        for number, (at, address) in enumerate(self._outside.items()):
            place = self._stubs + _STUB_SIZE * number
            stub = _STUB + address.to_bytes(8, "little")
            block[place : place + len(stub)] = np.frombuffer(stub, np.uint8)
            stubs[at] = base + place
            addresses[at] = np.uint64(address).astype(np.int64)
        outside = np.zeros(len(self._symbols), bool)
        outside[list(self._outside)] = True
        for section, found in self._relocations:
            symbol, kind = found["symbol"], found["type"]
            places = section.place + found["offset"].astype(np.int64)
            is_got = _IS_GOT[kind]
            is_direct = ~is_got & (kind != _PLT32)
            slots = table + 8 * symbol.astype(np.int64)
            if bool(is_got.any()):
                _put(block, slots[is_got], addresses[symbol[is_got]], 8)
            values = np.where(kind == _PLT32, stubs[symbol], addresses[symbol])
            values = np.where(is_got, base + slots, values) + found["addend"]
            inside = (values >= base - _SLACK) & (values <= base + self.size + _SLACK)
            if not bool((inside | (is_direct & outside[symbol])).all()):
                raise RefusedError("an address outside")
            values -= np.where(_IS_ABSOLUTE[kind], 0, base + places)
            is_wide = _IS_WIDE[kind]
            if bool((values[~is_wide] != values[~is_wide].astype(np.int32)).any()):
                raise RefusedError("an address out of reach")
            _put(block, places[is_wide], values[is_wide], 8)
            _put(block, places[~is_wide], values[~is_wide], 4)


def _put(block: Array, places: Array, values: Array, size: int) -> None:
    """Write numbers of so many bytes at these places."""
    if places.size:
        octets = values.astype("<i8").view(np.uint8).reshape(-1, 8)[:, :size]
        block[places[:, None] + np.arange(size)] = octets


def _name(names: bytes, at: int) -> str:
    end = names.find(b"\0", at)
    if at >= len(names) or end < 0:
        raise RefusedError("a name outside its table")
    return names[at:end].decode("latin-1")


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
