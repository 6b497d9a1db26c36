"""The program's own modules, found and read with fewer calls of the system than Python's own way takes."""

import os
import sys
from _imp import _fix_co_filename as name_file  # type: ignore[attr-defined]
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER
from marshal import loads

TYPE_CHECKING = False  # that of `typing`, which is loaded later
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

_OWN = ("app.", "models.")
_COMPILED = f"{sys.implementation.cache_tag}.pyc"
"""How the files end that Python keeps what it has compiled in, `-O` aside."""


def find_own_modules() -> None:
    """Has those that are compiled found at once: for each Python looks at a folder and a file, asks other
    finders, and reads with nine calls, 6 ms of a start for 150 modules. What is not compiled, or not as its
    source is now, or in an archive, Python finds itself; all does so where it keeps the compiled elsewhere.
    """
    if sys.implementation.cache_tag and not sys.pycache_prefix and not sys.flags.optimize:
        sys.meta_path.insert(0, _Finder())


class _Compiled(SourceFileLoader):
    """One that is read already."""

    def __init__(self, name: str, source: str, code: "CodeType") -> None:
        super().__init__(name, source)
        self._code: CodeType | None = code

    def get_code(self, fullname: str) -> "CodeType | None":
        code, self._code = self._code, None
        return code or super().get_code(fullname)  # once read again, as it is then


class _Finder:
    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> ModuleSpec | None:
        if not (path and name.startswith(_OWN)):
            return None
        folder, last = path[0], name.rpartition(".")[2]
        package = f"{folder}/{last}"
        return _spec(name, folder, last) or _spec(name, package, "__init__", [package])


def _spec(name: str, folder: str, stem: str, within: list[str] | None = None) -> ModuleSpec | None:
    source, compiled = f"{folder}/{stem}.py", f"{folder}/__pycache__/{stem}.{_COMPILED}"
    try:
        content, about = _read(compiled), os.stat(source)  # noqa: PTH116 - Path is loaded later
    except OSError:
        return None
    if content[:16] != _header(about):
        return None
    code = loads(memoryview(content)[16:])  # noqa: S302 - from where Python would load it
    name_file(code, source)  # it may have been compiled under another one
    spec = ModuleSpec(name, _Compiled(name, source, code), origin=source)
    spec.submodule_search_locations = within
    spec.cached, spec.has_location = compiled, True
    return spec


def _header(source: os.stat_result) -> bytes:
    """What it begins with if it was compiled of this (PEP 552, by the time and size)."""
    numbers = (0, int(source.st_mtime), source.st_size)
    return MAGIC_NUMBER + b"".join((number & 0xFFFF_FFFF).to_bytes(4, "little") for number in numbers)


def _read(file: str) -> bytes:
    reading = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        return os.read(reading, os.fstat(reading).st_size)
    finally:
        os.close(reading)
