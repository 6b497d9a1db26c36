"""What a single line of text that is stored may look like."""

import unicodedata

from app.services.errors import InvalidInput


def single_line(field: str, label: str, value: str, *, longest: int, required: bool = True) -> str:
    """`value` without surrounding space. Raises `InvalidInput` when empty, too long or not printable."""
    text = value.strip()
    if required and not text:
        raise InvalidInput(field, f"{label} is missing.")
    if len(text) > longest:
        raise InvalidInput(field, f"{label} is longer than {longest} characters.")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for character in text):
        raise InvalidInput(field, f"{label} holds characters that cannot be seen; type it again.")
    return text


def tenant_id(value: str) -> str:
    """A tenant's id as it may be stored. Raises `InvalidInput`."""
    return single_line("tenant_id", "The tenant", value, longest=200)


def plural(count: int, noun: str) -> str:
    """ "1 user", "1,204 users"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
