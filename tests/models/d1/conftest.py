"""A new file as a live D1 behind the edge, as `tests/d1` has it."""

from tests.d1.conftest import file, production

__all__ = ["file", "production"]
