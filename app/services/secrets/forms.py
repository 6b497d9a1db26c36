"""How a secret is written: password hashes, tokens, keys, and what in a URL or a header lets somebody in."""

import re
from base64 import b64decode
from collections.abc import Iterable, Sequence

from app.services.secrets.names import IN_URLS
from models.patterns import compiled_later


def _word(beginning: str) -> str:
    """A pattern for what begins a word, also behind what JSON writes for a line break or a tab. It is looked
    at behind the beginning, which is seldom there.
    """
    return rf"{beginning}(?<=(?:\b|(?<=\\[bfnrt])){beginning})"


_SLASH = r"(?:\\*/|\\+u002f|%2f)"
"""As it is, in JSON, and within a URL."""

_SLASHES, _SLASH_OF_JSON = ("/", "%2"), "u002"
"""Where there is none of these, the last in any case, there is no slash, and nothing of a URL."""

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

PASSWORD_MARK, SECRET_MARK = "[password hash]", "[secret]"
_BASE64 = r"[\w./+=-]"
_PASSWORD_HASH = compiled_later(
    rf"\$(?:argon2(?:id|i|d)?|bcrypt(?:-sha\d+)?|scrypt|s0|pbkdf2(?:-\w+)?)\$(?:{_BASE64}|[$,:]){{16,}}"
    rf"|\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{{16,53}}"
    rf"|\$(?:y|gy|7)\${_BASE64}+\$(?:{_BASE64}|\$){{16,}}"
    r"|\$(?:5|6)\$(?:rounds=\d{1,9}\$)?[./A-Za-z0-9]{0,16}\$[./A-Za-z0-9]{43,86}"
    r"|\$(?:1|apr1|md5)\$[./A-Za-z0-9]{0,8}\$[./A-Za-z0-9]{22}|\$[PHS]\$[./A-Za-z0-9]{31,52}"
    rf"|(?:{_word('pbkdf2')}|{_word('scrypt')})(?:[_:-]\w{{1,12}}){{0,3}}[$:](?:{_BASE64}|[$:,]){{24,}}"
    rf"|{_word('SCRAM-SHA-')}\d{{1,3}}\$\d{{1,9}}:(?:{_BASE64}|[$:,]){{16,}}|{_word('md5[0-9a-f]{32}')}\b"
    rf"|(?:{_word('sha')}\d{{1,3}}|{_word('md5')})\$[^$\s\"'\\]{{0,64}}\$[0-9a-fA-F]{{32,128}}\b"
    rf"|\{{(?:S?(?:SHA|MD5)(?:224|256|384|512)?|CRYPT|PBKDF2[\w-]{{0,12}})\}}(?:{_BASE64}|[$,:]){{20,}}"
)
"""A stored password by how it is written, wherever it stands: in a PHC string, as crypt has it, or as
libraries do (`told` tells these forms apart).
"""

_HASHES_BEGIN = ("{S", "{C", "MD5}", "md5", "pbkdf2", "scrypt:")
"""Where there is none of these, nor a “$”, there is no password hash."""

_LINK = re.compile(r"""[^\s"'<>]++""")
_IN_QUERY = compiled_later(
    rf"((?:[?&#;]|\\+u0026|%3f|%26)[\w.-]{{0,40}}?(?:{'|'.join(IN_URLS)})(?:=|%3d))"
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

_SPACE = r"(?:\s|\\[nrt]|%20){1,4}"
_PROSE = r"(?![A-Za-z]?[a-z]{0,19}(?:[\s,;:!?()\"'<\\]|\.(?:\W|\Z)|\Z))"
"""No single word, behind which prose goes on."""
_BEARER = compiled_later(rf"((?i:{_word('bearer')}){_SPACE}){_PROSE}[A-Za-z0-9._~+/=-]{{8,}}")
_BASIC = compiled_later(rf"((?i:{_word('basic')}){_SPACE})(?P<both>[A-Za-z0-9+/_-]{{6,}}={{0,2}})")
"""A word of prose, too: hidden is what `_basic` reads as a name and a password."""
_SCHEMES = "basic|bearer|digest|token|negotiate"
_HEADER = compiled_later(
    rf"""({_word("authorization")}\\?["']?\s{{0,4}}[:=]\s{{0,4}}\\?["']?(?:(?:{_SCHEMES})\s{{1,4}})?)"""
    rf"""(?!(?:{_SCHEMES})\b)[^\s"'\\,;…]{{6,}}""",
    re.IGNORECASE,
)
_PRIVATE_KEY = compiled_later(
    r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)(?:\\[nrt]|[A-Za-z0-9+/=:,._\s-])+?"
    r"(?=-----END|\\[^nrt]|[^A-Za-z0-9+/=:,._\s\\-]|\Z)"
)
_TOKENS = (
    (r"gh[pousr]_", r"\w{16}"),
    ("github_pat_", r"\w{20}"),
    ("glpat-", r"[\w-]{16}"),
    ("npm_", r"\w{30}"),
    ("[prs]k_(?:live|test)_", r"\w{10}"),
    ("whsec_", r"[\w+/-]{8}"),
    ("xox[abceoprs]-", r"[\w-]{10}"),
    ("(?:AKIA|ASIA)", r"[0-9A-Z]{16}\b"),
    ("AIza", r"[\w-]{30}"),
    (r"SG\.", r"[\w-]{16,64}\.[\w-]{16}"),
    ("eyJ", r"[\w-]{8,2000}\.[\w-]{0,2000}\.[\w-]{8}"),
)
_TOKEN = compiled_later(rf"({'|'.join(f'{_word(begin)}(?={then})' for begin, then in _TOKENS)})[\w+/=.-]+")
"""As the services that give them out write them, and a JSON Web Token (RFC 7519)."""
_TOKENS_BEGIN = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "k_live_", "k_test_"),
    *("whsec_", "xox", "AKIA", "ASIA", "AIza", "SG.", "eyJ"),
)
"""One of which each of those has; to look for them takes a tenth of the time."""

_KEY = compiled_later(
    rf"{_word('[prs]k[-_]')}"
    r"(?=[\w-]{0,60}?(?=[A-Za-z_]{0,40}\d)(?=\d{0,40}[A-Za-z])[A-Za-z0-9]{16}|[0-9a-f]{8}-[0-9a-f]{4}-)[\w-]+"
)
"""A secret, public or restricted key (`sk-…`, `sk-proj-…`, `pk_…`), by 16 letters and digits in a row, both
among them: `sk-learn` is none, nor is the name of a rule that begins so.
"""
_KEYS_BEGIN = ("pk-", "pk_", "rk-", "rk_", "sk-", "sk_")
_HEADERS = ("bearer", "basic", "uthor")
"""In small letters; of `Authorization` i and z are written in other ways, too."""

_BLOCK = "PRIVATE KEY"

_SMALL_MARKS = (_SLASH_OF_JSON, *_HEADERS)
_MARKS = (*_SLASHES, "$", _BLOCK, *_TOKENS_BEGIN, *_KEYS_BEGIN, *_HASHES_BEGIN)
"""`without_credentials` changes no text that has none of all these, the first in any case."""

_FIRST = ("k_", "k-", "gh", "I", "J", "G", "M", "x", "{", "%")
"""What several marks have, or one, and is found faster or seldom there."""

_MOST_AT_ONCE = 4_000_000
"""Letters that are looked through at once: that takes three times their room."""


def _by_first() -> dict[str, list[str]]:
    found = dict[str, list[str]]()
    for mark in _MARKS:
        found.setdefault(next((one for one in _FIRST if one in mark), mark), []).append(mark)
    return found


_BY_FIRST = _by_first()


def marked(texts: Sequence[str], also: Iterable[str] = ()) -> Iterable[int]:
    """Which of many texts, by their places, may hold what `without_credentials` takes out, or have one of
    what is given `also`. Where most do not, it takes a twentieth of the time of looking at each.
    """
    if sum(map(len, texts)) > _MOST_AT_ONCE:
        return range(len(texts))
    whole = "\0".join(set(texts))
    marks = [mark for first, marks in _BY_FIRST.items() if first in whole for mark in marks]
    found = set[int]()
    for mark in (*marks, *also):
        if mark in whole:
            found.update(at for at, text in enumerate(texts) if mark in text)
    whole = whole.lower()
    for mark in _SMALL_MARKS:
        if mark in whole:
            found.update(at for at, text in enumerate(texts) if mark in text.lower())
    return found


def without_credentials(text: str) -> str:
    """The text without the paths of Slack's, Discord's, Teams' and Zapier's webhooks, which let anybody post
    there, without the user names, passwords and tokens in URLs, and links to reset them, and without whatever
    `without_keys` takes out. Valid JSON stays valid.
    """
    has_path = any(one in text for one in _SLASHES) or _SLASH_OF_JSON in text.lower()
    if has_path:
        if "@" in text or "%40" in text:
            text = _USER.sub(r"\1…", text)
        if "=" in text or "%3" in text:
            text = _LINK.sub(_without_query, text)
        text = _IN_PATH.sub(r"\1…", text)
    text = without_keys(text)
    return _HOOK.sub(r"\g<host>/…", text) if has_path else text


def without_keys(text: str, mark: str = "…") -> str:
    """The text without tokens, private keys and what the header `Authorization` has, in the place of which a
    `mark` stands, and without stored passwords (`without_passwords`).
    """
    small = text.lower()
    bearer, basic, authorization = (one in small for one in _HEADERS)
    if bearer:
        text = _BEARER.sub(rf"\1{mark}", text)
    if basic:
        text = _BASIC.sub(lambda found: _basic(found, mark), text)
    if authorization:
        text = _HEADER.sub(rf"\1{mark}", text)
    if _BLOCK in text:
        text = _PRIVATE_KEY.sub(rf"\1{mark}", text)
    if any(one in text for one in _TOKENS_BEGIN):
        text = _TOKEN.sub(rf"\1{mark}", text)
    if any(one in text for one in _KEYS_BEGIN):
        text = _KEY.sub(lambda found: found[0][:3] + mark, text)
    return without_passwords(text)


def _basic(found: re.Match[str], mark: str) -> str:
    """Of the scheme Basic (RFC 7617): a name, a colon and a password in Base64."""
    both = found["both"].rstrip("=").replace("-", "+").replace("_", "/")
    try:
        said = b64decode(both + "=" * (-len(both) % 4), validate=True).decode()
    except ValueError:
        return found[0]
    return found[1] + mark if ":" in said and said.isprintable() else found[0]


def _without_query(found: re.Match[str]) -> str:
    """Of a link, which has a path: an e-mail address or a tenant's id may look like a query by itself."""
    link = found[0]
    return _IN_QUERY.sub(r"\1…", link) if re.search(_SLASH, link, re.IGNORECASE) else link


def without_passwords(text: str) -> str:
    """The text without what is known by its form as a hash of a password, from which that can be guessed."""
    if "$" in text or any(one in text for one in _HASHES_BEGIN):
        return _PASSWORD_HASH.sub(PASSWORD_MARK, text)
    return text
