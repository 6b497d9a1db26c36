"""What a single line of text that is stored may look like, and how text is shown and names are quoted."""

import unicodedata

from models.errors import InvalidInput

HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories of what cannot be seen or changes how the rest is seen."""


def single_line(field: str, label: str, value: str, *, longest: int, required: bool = True) -> str:
    """`value` without surrounding space. Raises `InvalidInput` when empty, too long or not printable."""
    text = value.strip()
    if required and not text:
        raise InvalidInput(field, f"{label} is missing.")
    if len(text) > longest:
        raise InvalidInput(field, f"{label} is longer than {longest} characters.")
    if any(unicodedata.category(character) in HIDING for character in text):
        raise InvalidInput(field, f"{label} holds characters that cannot be seen; type it again.")
    return text


def tenant_id(value: str) -> str:
    """A tenant's id as it may be stored. Raises `InvalidInput`."""
    return single_line("tenant_id", "The tenant", value, longest=200)


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 entry`, `184,220 entries`; the plural adds an "s" unless given."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def sql_name(name: str) -> str:
    """A table's, column's or index's name as SQL takes it, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def visible(text: str, keep: str = "") -> str:
    r"""`text` with characters that hide or reorder text shown as escapes, `\u202e`.

    Bidirectional marks, other format characters, control characters (line breaks and tabs too, unless in
    `keep`), lone surrogates, private use (`HIDING`).
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escape(char) if char not in keep and unicodedata.category(char) in HIDING else char for char in text
    )


def _escape(char: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\0": r"\0"}.get(char)
    if named is not None:
        return named
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
