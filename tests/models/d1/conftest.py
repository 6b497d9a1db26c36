"""A new file as a live D1 behind the edge, as `tests/d1` has it."""

from tests.d1.conftest import _edge, edge, file, production

__all__ = ["_edge", "edge", "file", "production"]
