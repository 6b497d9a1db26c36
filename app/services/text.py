"""What a single line of text that is stored may look like, and how text is shown and names are quoted."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import isinf

from models import errors, patterns, status

_RUN = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", "\t", "\r", "\n", "'")
"""What makes a spreadsheet run a cell, full-width signs too; the apostrophe as well, so that taking one off
always undoes it.
"""

_NAME = 200
"""Letters of a tenant's id."""

_WITHIN = str.maketrans("“”", "‘’")

NUL_SEEN = "␀"
"""What a NUL is on a clipboard, as which most programs end a text."""

_GAPS = ("\t", "\r", "\n")
_BETWEEN = re.compile(f"[{''.join(_GAPS)}]")
_BEFORE_RUN = patterns.compiled_later(r"(\A|[\t\r\n])(?=[=+\-@\uff1d\uff0b\uff0d\uff20'])")

_JOINING = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_FLAGS = "|".join(
    "".join(chr(0xE0000 + ord(letter)) for letter in of) + "\U000e007f" for of in ("gbeng", "gbsct", "gbwls")
)
"""England's, Scotland's and Wales': what follows the black flag, in letters that alone are not seen."""
_JOINED = patterns.compiled_later(
    f"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
    f"|(?<=\U0001f3f4)(?:{_FLAGS})"
)
"""What belongs to the writing: a joiner between letters of scripts that need it, and in an emoji; a flag,
of which other letters could say what nobody sees.
"""

_MARKUP = patterns.compiled_later(
    r"(?P<link>&|:(?=//)|@|(?<=www)\.|(?<=mailto):|(?<=xmpp):)"
    r"|[\\`*\[\]<>|~#$^]|(?<!\w)_|_(?!\w)|\A[-+=]|(?<=\A\d)[.)]|(?<=\A\d\d)[.)]",
    re.IGNORECASE,
)
"""What Markdown takes for more than itself in a line. A backslash before it says that it is not, but for what
begins a reference or, by itself, a link.
"""

HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories of what cannot be seen or changes how the rest is seen."""


def single_line(field: str, label: str, value: str, *, longest: int, required: bool = True) -> str:
    """`value` without surrounding space. Raises `InvalidInput` when empty, too long or not printable."""
    text = value.strip()
    if required and not text:
        raise errors.InvalidInput(field, f"{label} is missing.")
    if len(text) > longest:
        raise errors.InvalidInput(field, f"{label} is longer than {longest} characters.")
    if visible(text) != text:
        raise errors.InvalidInput(field, f"{label} holds characters that cannot be seen; type it again.")
    return text


def several_lines(field: str, label: str, value: str, *, longest: int, required: bool = False) -> str:
    """Lines of text without space at their ends. Raises `InvalidInput` as `single_line` does."""
    text = "\n".join(line.rstrip() for line in value.strip().splitlines())
    if required and not text:
        raise errors.InvalidInput(field, f"{label} is missing.")
    if len(text) > longest:
        raise errors.InvalidInput(field, f"{label} is longer than {longest:,} characters.")
    if visible(text, keep="\n\t") != text:
        raise errors.InvalidInput(field, f"{label} holds characters that cannot be seen; type it again.")
    return text


def tenant_id(value: str) -> str:
    """A tenant's id as it is given, if it may be stored: one that is there may begin or end with a space, and
    is not the one without. Raises `InvalidInput`.
    """
    single_line("tenant_id", "The tenant", value, longest=_NAME)
    return value


def tenant_name(tenant: str) -> str:
    """A stored tenant's id in a sentence; an empty one is one as well, and of one that is longer than any may
    be, start and end.
    """
    if len(tenant) > _NAME:
        return f"{tenant[: _NAME - 40]}…{tenant[-39:]}"
    return apart(tenant) or "a tenant without a name"


def apart(name: str) -> str:
    """A tenant's id as it is shown; of one with accents that are characters of their own it says so: nobody
    could tell it from the tenant of the same letters, and it is another one.
    """
    return name if name.isascii() or composed(name) == name else f"{name} (accents apart)"


def shown_tenant(tenant: str) -> str:
    """The same of one as it is stored, whatever characters it has."""
    return apart(visible(tenant))


def composed(text: str) -> str:
    """The same letters in one form, however they were put together: what a person reads as equal is equal."""
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """The text as all spellings of it are compared: É and é, composed or not, straße and STRASSE."""
    # Canonical caseless matching, Unicode 15, D145; and composed again, so that ASCII stays what it is.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def address(email: str) -> str:
    """An e-mail address as all spellings of the same mailbox are compared: `folded`, its host as DNS has it
    (bücher.de is xn--bcher-kva.de, and straße.de another host than strasse.de). Of one that is ASCII it is
    that in small letters, which SQLite's `lower` makes of it, too.
    """
    if email.isascii():
        return email.lower()
    name, at, host = email.rpartition("@")
    return f"{folded(name)}{at}{host.lower() if host.isascii() else _host_in_ascii(host)}"


@lru_cache(maxsize=4096)  # of 100,000 addresses few hosts differ
def _host_in_ascii(host: str) -> str:
    import idna  # noqa: PLC0415 - few hosts have one

    try:
        mapped = idna.uts46_remap(host, std3_rules=False)
    except (idna.IDNAError, UnicodeError):  # no name of a host, so nobody's but its own
        mapped = folded(host)
    return ".".join(
        one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in mapped.split(".")
    )


def host_in_unicode(email: str) -> str:
    """An address with its host in letters, where that is one as DNS has it; else as it is."""
    name, at, host = email.rpartition("@")
    try:
        read = [
            one[4:].encode().decode("punycode") if one[:4].lower() == "xn--" else one
            for one in host.split(".")
        ]
    except UnicodeError:
        return email
    return f"{name}{at}{'.'.join(read)}"


def counted(number: int, singular: str, plural: str = "") -> str:
    """`1 entry`, `184,220 entries`; the plural adds an "s" unless given."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def some_of(
    names: Sequence[str],
    most: int,
    of: int | None = None,
    *,
    noun: str = "",
    shown: Callable[[str], str] = str,
) -> str:
    """`A, B`, and of more than `most`: `A, B and 3 more`, or with a noun `A, B and 1 more table`. `of` is how
    many there are where there are more than `names`.
    """
    rest = (len(names) if of is None else of) - most
    more = f" and {counted(rest, noun) if noun else f'{rest:,} more'}" if rest > 0 else ""
    return f"{', '.join(map(shown, names[:most]))}{more}"


def byte_size(count: int) -> str:
    """`812 B`, `4.2 KiB`, `342 MiB`, in steps of 1,024, as Qt's own dialogs say it."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1000:
            return f"{count} B" if unit == "B" else f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:,.3g} TiB" if size < 1000 else f"{size:,.0f} TiB"


def quoted(text: str) -> str:
    """`“text”`, with single quotation marks for those within it."""
    return f"“{text.translate(_WITHIN)}”"


def in_one_line(text: str) -> str:
    """With a space in place of each line break."""
    return text.replace("\r\n", " ").replace("\n", " ")


def cell(text: str) -> str:
    """`text` for one cell of a spreadsheet: what that would run has an apostrophe in front."""
    return f"'{text}" if text.startswith(_RUN) else text


def uncell(text: str) -> str:
    """What `cell` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_RUN) else text


def one_cell(text: str) -> str:
    """The same where tabs and line breaks would begin another cell: they are spaces."""
    return _BETWEEN.sub(" ", cell(text))


def one_cells(texts: Sequence[str]) -> Sequence[str]:
    """The same of many, most of which stay as they are."""
    whole = "".join(texts)
    if any(gap in whole for gap in _GAPS) or not {text[:1] for text in texts}.isdisjoint(_RUN):
        return [*map(one_cell, texts)]
    return texts


def to_the_end(text: str) -> str:
    """`text` for a clipboard: most programs make a NUL the end of what they paste."""
    return text.replace("\0", NUL_SEEN)


def nuls_told(count: int) -> str:
    """Behind what says that something was copied: what became of so many NULs in it; "" of none."""
    became = f"{counted(count, 'NUL')} became “{NUL_SEEN}”, as most programs paste no further than a NUL"
    return f"; {became}" if count else ""


def cells(text: str) -> str:
    """`text` for a spreadsheet, which makes several cells of tabs and line breaks. Of one cell it stays as it
    is: it is pasted elsewhere more often, and stands alone under its own name. No paste ends at a NUL.
    """
    text = to_the_end(text)
    return _BEFORE_RUN.sub(r"\1'", text) if _BETWEEN.search(text) else text


def markdown(text: str) -> str:
    """`text` on one line of Markdown, in which nothing of it is markup, a link or HTML."""
    line = " ".join(visible(text, keep="\n\t\r").split())
    return _MARKUP.sub(lambda it: f"&#{ord(it[0])};" if it["link"] else f"\\{it[0]}", line)


def lasted(seconds: int) -> str:
    """`12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 2 h`, without the second where that is 0."""
    large, small, unit, below = (
        (status.DAY, status.HOUR, "d", "h")
        if seconds >= status.DAY
        else (status.HOUR, 60, "h", "min")
        if seconds >= status.HOUR
        else (60, 1, "min", "s")
    )
    parts = (seconds // large, unit), (seconds % large // small, below)
    return " ".join(f"{count:,} {of}" for count, of in parts if count) or "0 s"


def readable(value: object) -> str:
    """A stored value in words: a BLOB as `x'…'`, infinity as `∞`, nothing for NULL."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float) and isinf(value):
        return "∞" if value > 0 else "-∞"
    return "" if value is None else str(value)


def visible(text: str, keep: str = "") -> str:
    r"""`text` with characters that hide or reorder text shown as escapes, `\u202e`.

    Bidirectional marks, other format characters, control characters (line breaks and tabs too, unless in
    `keep`), lone surrogates, private use (`HIDING`). Joiners that Persian, Sinhala and emoji are written with
    stay.
    """
    if text.isascii() and text.isprintable():
        return text
    hiding = {char for char in set(text) if unicodedata.category(char) in HIDING}.difference(keep)
    if not hiding:
        return text
    joined = {at for found in _JOINED.finditer(text) for at in range(*found.span())}
    return re.sub(
        f"[{re.escape(''.join(hiding))}]",
        lambda found: found[0] if found.start() in joined else _escape(found[0]),
        text,
    )


def unstacked(text: str) -> str:
    """`text` in which no character carries more than some marks, which would take long to draw; a circle
    stands for each other one.
    """
    if text.isascii():
        return text
    found, marks = list[str](), 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        found.append(char if marks <= _MOST_MARKS else "\u25cc")
    return "".join(found)


_MOST_MARKS = 8


def _escape(char: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\0": r"\0"}.get(char)
    if named is not None:
        return named
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def utc_time(at: float) -> str:
    """`2026-11-22 13:55:07 UTC`, of epoch seconds; a number beyond the calendar."""
    try:
        moment = datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):
        return f"{at:,} s"
    return f"{moment.isoformat(' ', 'seconds')[:19]} UTC"
