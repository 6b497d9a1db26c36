"""What a single line of text that is stored may look like, and how text is shown and names are quoted."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from models.errors import InvalidInput
from models.patterns import compiled_later
from models.status import DAY, HOUR

_RUN = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", "\t", "\r", "\n", "'")
"""What makes a spreadsheet run a cell, full-width signs too; the apostrophe as well, so that taking one off
always undoes it.
"""

_NAME = 200
"""Letters of a tenant's id."""

_WITHIN = str.maketrans("“”", "‘’")

NUL_SEEN = "␀"
"""What a NUL is on a clipboard, as which most programs end a text."""

_BETWEEN = re.compile(r"[\t\r\n]")
_BEFORE_RUN = compiled_later(r"(\A|[\t\r\n])(?=[=+\-@\uff1d\uff0b\uff0d\uff20'])")

_JOINING = "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINED = compiled_later(
    f"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
)
"""A joiner where it belongs to the writing: between letters of scripts that need it, and in an emoji."""

_MARKUP = compiled_later(
    r"(?P<link>&|:(?=//)|@|(?<=www)\.|(?<=mailto):|(?<=xmpp):)"
    r"|[\\`*\[\]<>|~#$^]|(?<!\w)_|_(?!\w)|\A[-+=]|(?<=\A\d)[.)]|(?<=\A\d\d)[.)]",
    re.IGNORECASE,
)
"""What Markdown takes for more than itself in a line. A backslash before it says that it is not, but for what
begins a reference or, by itself, a link.
"""

_SLASH = r"(?:\\*/|\\+u002f|%2f)"
"""As it is, in JSON, and within a URL."""

_HOOK = compiled_later(
    rf"(?P<host>hooks\.slack(?:-gov)?\.com\.?(?::\d+)?(?={_SLASH})"
    rf"|discord(?:app)?\.com\.?(?::\d+)?(?={_SLASH}+api{_SLASH}+(?:v\d+{_SLASH}+)?webhooks{_SLASH})"
    rf"|webhook\.office\.com\.?(?::\d+)?(?={_SLASH})"
    rf"|outlook\.office(?:365)?\.com\.?(?::\d+)?(?={_SLASH}+webhook{_SLASH})"
    rf"|hooks\.zapier\.com\.?(?::\d+)?(?={_SLASH}+hooks{_SLASH})"
    rf"|api\.telegram\.org\.?(?::\d+)?(?={_SLASH}+bot))"
    r"""(?:[^\s"'<>\\]|\\+(?:/|u002f))+""",
    re.IGNORECASE,
)

_USER = compiled_later(
    rf"""((?::|%3a){_SLASH}{{2}})(?:(?!\\+u002f|%2f)[^\x00- /"'<>,;(){{}}\[\]])*(?=@|%40)""", re.IGNORECASE
)
"""Up to the last @ of what may be a host: people write passwords with any sign in them."""

PASSWORD_MARK = "[password hash]"  # noqa: S105 - what is said in the place of one
_BASE64 = r"[\w./+=-]"
_PASSWORD_HASH = compiled_later(
    rf"\$(?:argon2(?:id|i|d)?|bcrypt(?:-sha\d+)?|scrypt|s0|pbkdf2(?:-\w+)?)\$(?:{_BASE64}|[$,:]){{16,}}"
    rf"|\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{{16,53}}"
    rf"|\$(?:y|gy|7)\${_BASE64}+\$(?:{_BASE64}|\$){{16,}}"
    r"|\$(?:5|6)\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{0,16}\$[./A-Za-z0-9]{43,86}"
    r"|\$(?:1|apr1|md5)\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22}|\$[PHS]\$[./A-Za-z0-9]{31,52}"
    rf"|\b(?:pbkdf2|scrypt)(?:[_:-]\w{{1,12}}){{0,3}}[$:](?:{_BASE64}|[$:,]){{24,}}"
    rf"|\bSCRAM-SHA-\d{{1,3}}\$\d{{1,9}}:(?:{_BASE64}|[$:,]){{16,}}|\bmd5[0-9a-f]{{32}}\b"
    r"|\b(?:sha\d{1,3}|md5)\$[^$\s\"'\\]{0,64}\$[0-9a-fA-F]{32,128}\b"
    rf"|\{{(?:S?(?:SHA|MD5)(?:224|256|384|512)?|CRYPT|PBKDF2[\w-]{{0,12}})\}}(?:{_BASE64}|[$,:]){{20,}}"
)
"""A stored password by how it is written, wherever it stands: in a PHC string, as crypt has it, or as
libraries do (`secret_forms` tells these forms apart).
"""

_HASHES_BEGIN = ("{S", "{C", "MD5}", "md5", "pbkdf2", "scrypt:")
"""Where there is none of these, nor a “$”, there is none.
"""

_LINK = re.compile(r"""[^\s"'<>]++""")
_IN_QUERY = compiled_later(
    r"((?:[?&#;]|\\+u0026|%3f|%26)[\w.-]{0,40}?(?:token|key|secret|password|passwd|pwd|code|otp|signature|sig|jwt"
    r"|credential|reset|invite|ticket|hint)(?:=|%3d))"
    r"""[^&\s"'<>#\\;]+""",
    re.IGNORECASE,
)
_IN_PATH = compiled_later(
    rf"""({_SLASH}(?:(?:re)?set[_-]?password|password[_-]?reset|reset|forgot(?:ten)?(?:[_-]?password)?|recover"""
    r"""|magic(?:[_-]?links?)?|verify(?:[_-]?e?mail)?|confirm(?:[_-]?e?mail)?|activate|invit(?:e|ation)s?)"""
    rf"""{_SLASH})(?=[\w.~=-]{{0,200}}?\d)[\w.~=-]{{16,}}""",
    re.IGNORECASE,
)
"""A link that lets whoever has it choose a password, or in: what its path ends with."""

_BEARER = compiled_later(r"\b(bearer(?:\s|\\[nrt]){1,4})[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_HEADER = compiled_later(
    r"""(\bauthorization\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?(?:(?:basic|digest|token|negotiate)\s{1,4})?)"""
    r"""(?!bearer\b)[^\s"'\\,;…]{6,}""",
    re.IGNORECASE,
)
_PRIVATE_KEY = compiled_later(
    r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)(?:\\[nrt]|[A-Za-z0-9+/=:,._\s-])+?"
    r"(?=-----END|\\[^nrt]|[^A-Za-z0-9+/=:,._\s\\-]|\Z)"
)
_KNOWN_TOKEN = compiled_later(
    r"\b(gh[pousr]_(?=\w{20})|github_pat_(?=\w{20})|glpat-(?=[\w-]{16})|npm_(?=\w{30})|[rs]k_(?:live|test)_(?=\w{10})"
    r"|whsec_(?=[\w+/]{16})|xox[abeprs]-(?=[\w-]{10})|(?:AKIA|ASIA)(?=[0-9A-Z]{16}\b)|AIza(?=[\w-]{30})"
    r"|SG\.(?=[\w-]{16,64}\.[\w-]{16})|eyJ(?=[\w-]{8,2000}\.eyJ[\w-]{8}))[\w+/=.-]+"
)
"""As the services that give them out write them, and a JSON Web Token (RFC 7519)."""
_TOKENS_BEGIN = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "k_live_", "k_test_"),
    *("whsec_", "xox", "AKIA", "ASIA", "AIza", "SG.", "eyJ"),
)
"""One of which each of those has; to look for them takes a tenth of the time."""

"""What lets somebody in by how it is written: in a URL, in a header, and a key as OpenSSL does it."""

HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode categories of what cannot be seen or changes how the rest is seen."""


def single_line(field: str, label: str, value: str, *, longest: int, required: bool = True) -> str:
    """`value` without surrounding space. Raises `InvalidInput` when empty, too long or not printable."""
    text = value.strip()
    if required and not text:
        raise InvalidInput(field, f"{label} is missing.")
    if len(text) > longest:
        raise InvalidInput(field, f"{label} is longer than {longest} characters.")
    if visible(text) != text:
        raise InvalidInput(field, f"{label} holds characters that cannot be seen; type it again.")
    return text


def several_lines(field: str, label: str, value: str, *, longest: int, required: bool = False) -> str:
    """Lines of text without space at their ends. Raises `InvalidInput` as `single_line` does."""
    text = "\n".join(line.rstrip() for line in value.strip().splitlines())
    if required and not text:
        raise InvalidInput(field, f"{label} is missing.")
    if len(text) > longest:
        raise InvalidInput(field, f"{label} is longer than {longest:,} characters.")
    if visible(text, keep="\n\t") != text:
        raise InvalidInput(field, f"{label} holds characters that cannot be seen; type it again.")
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
    return tenant or "a tenant without a name"


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


def without_credentials(text: str) -> str:
    """The text without the paths of Slack's, Discord's, Teams' and Zapier's webhooks, which let anybody post
    there, without the user names, passwords and tokens in URLs, and links to reset them, without bearer
    tokens and private keys, and without stored passwords (`without_passwords`). Valid JSON stays valid.
    """
    if "@" in text or "%40" in text:
        text = _USER.sub(r"\1…", text)
    if "=" in text or "%3" in text:
        text = _LINK.sub(_without_query, text)
    small = text.lower()
    has_path = "/" in text or "%2" in text or "u002" in small
    if has_path:
        text = _IN_PATH.sub(r"\1…", text)
    if "bearer" in small:
        text = _BEARER.sub(r"\1…", text)
    if "uthor" in small:  # its i and z are written in other ways, too
        text = _HEADER.sub(r"\1…", text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(r"\1…", text)
    if any(one in text for one in _TOKENS_BEGIN):
        text = _KNOWN_TOKEN.sub(r"\1…", text)
    return without_passwords(_HOOK.sub(r"\g<host>/…", text) if has_path else text)


def _without_query(found: re.Match[str]) -> str:
    """Of a link, which has a path: an e-mail address or a tenant's id may look like a query by itself."""
    link = found[0]
    return _IN_QUERY.sub(r"\1…", link) if re.search(_SLASH, link, re.IGNORECASE) else link


def without_passwords(text: str) -> str:
    """The text without what is known by its form as a hash of a password, from which that can be guessed."""
    if "$" in text or any(one in text for one in _HASHES_BEGIN):
        return _PASSWORD_HASH.sub(PASSWORD_MARK, text)
    return text


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


def to_the_end(text: str) -> str:
    """`text` for a clipboard: most programs make a NUL the end of what they paste."""
    return text.replace("\0", NUL_SEEN)


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
        (DAY, HOUR, "d", "h")
        if seconds >= DAY
        else (HOUR, 60, "h", "min")
        if seconds >= HOUR
        else (60, 1, "min", "s")
    )
    parts = (seconds // large, unit), (seconds % large // small, below)
    return " ".join(f"{count:,} {of}" for count, of in parts if count) or "0 s"


def readable(value: object) -> str:
    """A stored value in words: a BLOB as `x'…'`, nothing for NULL."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
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
    joined = {found.start() for found in _JOINED.finditer(text)}
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
