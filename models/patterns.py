"""Regular expressions that are compiled when they are first used, as few of them are at a start."""

import re
from typing import Any, cast


class _Later:
    """Stands for a pattern until something but its text is asked of it."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern, self.flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        asked = self.__dict__[name] = getattr(re.compile(self.pattern, self.flags), name)
        return asked


def compiled_later(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """As `re.compile`, for what is asked by its own methods: `re`'s functions do not take it."""
    return cast("re.Pattern[str]", _Later(pattern, flags))
