"""How a secret is written: password hashes, tokens, keys, and what in a URL or a header lets somebody in.

And secrets within a text, told by what they are called there (`names`): in JSON, in lines, and in commands;
and what is told of one that is stored: its form by name and parameters, and nothing of the secret.
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from app.services.secrets.names import IN_URLS, is_secret_text
from models.patterns import compiled_later
from models.progress import Pause


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


GONE: Final = "…"
_JSON_TOKEN: Final = compiled_later(
    r'"(?:(?>[^"\\\n]|\\.))*+(?:"(?P<colon>\s*+:)?|\\?\Z)|[\[\]{}]', re.DOTALL
)
"""What of JSON tells where a text stands, which may lack its end: a name has a colon behind it. None goes
over lines: an inch sign in what surrounds it would turn inside and outside over.
"""

_VALUE: Final = compiled_later(r"\s*+(?:(?P<many>[\[{])|(?P<text>\")|(?P<number>-?\d[\d.eE+-]*+))")
_MEMBER: Final = compiled_later(
    r'"(?P<name>[\w .-]{1,64})"\s*+:\s*+"(?P<text>(?:(?>[^"\\]|\\.))*+)"', re.DOTALL
)
"""The same wherever it stands, as in what is no whole JSON."""

_SEPARATOR: Final = compiled_later("[:=]")
_BACKWARDS: Final = compiled_later(r"[ \t]{0,16}['*_`]{0,2}(?P<name>\w[\w-]{0,63})(?![\w-])")
_QUOTED: Final = r"(?P<quote>['\"])(?P<quoted>[^'\"\r\n…]{1,200})(?P=quote)"
_SET: Final = compiled_later(
    rf"[ \t]{{0,16}}(?:{_QUOTED}|"
    r"['\"]?(?P<value>[^\s\"'&,;<>{}\[\]()\\=…][^\s\"'&,;<>{}\[\]\\…]*+))"
)
_SAID: Final = compiled_later(
    rf"[*_]{{0,2}}[ \t]{{0,16}}(?:{_QUOTED}|"
    r"['\"]?(?P<value>[^\s\"'&,;<>{}\[\]()\\=…:/*_][^\s\"'&,;<>{}\[\]\\…]*+))"
    r"(?=['\",}]|[ \t]{0,4}(?:[\r\n#]|\Z))"
)
"""`NAME=value`, and `name: value` with nothing behind it, as there is behind a word of prose; what is quoted
may have spaces.
"""

_CURL: Final = compiled_later("curl")
_COMMAND: Final = compiled_later(
    r"(?P<before>\bcurl\b(?:\\\r?\n|[^\n]){0,300}?\s(?:-[A-Za-z]{0,8}u|-U|--user|--proxy-user)[ =]?[ \t]{0,4}"
    r"(?P<quote>['\"])?[^\s:'\"]{1,100}:)(?(quote)[^'\"\r\n…]+|[^\s'\"…]+)"
)
_NO_VALUE: Final = frozenset(
    [
        "string",
        "str",
        "text",
        "number",
        "int",
        "bool",
        "boolean",
        "null",
        "none",
        "nil",
        "true",
        "false",
        "any",
        "undefined",
        "required",
        "optional",
        "bytes",
        "varchar",
        "yes",
        "no",
    ]
)
"""What a type or a setting says of a secret, which is none itself."""

_NUMBERS: Final = compiled_later(r"pass|pwd|pin$|otp|secret|code", re.IGNORECASE)
"""Of a number what it is called so is a secret: tokens, elsewhere, are counted."""

_DEEPEST: Final = 5

SEPARATORS: Final = (":", "=")
"""A text without any of these has nothing that is called something."""


def without_secrets(text: str, pause: Pause = lambda: None, depth: int = 0) -> str:
    """The text without the values of what is called as secrets are, in JSON and beside it. Valid JSON stays
    valid. Raises what `pause` does.
    """
    if '"' in text and ":" in text:
        text = _MEMBER.sub(partial(_member, pause), _without_members(text, pause, depth))
    if depth == 0 and ("=" in text or ":" in text):
        text = _without_commands(_without_lines(text, pause), pause)
    return text


def _without_members(text: str, pause: Pause, depth: int) -> str:
    """The texts and numbers below such a name, and those in a text that is JSON itself."""
    found: list[str] = []
    end = below = 0
    is_next = False
    for token in _JSON_TOKEN.finditer(text):
        pause()
        said, start = token.group(), token.start()
        if start < end:
            continue
        if said in "[]{}":
            if below or is_next:
                below += 1 if said in "[{" else -1
            is_next = False
        elif token["colon"]:
            is_next = is_secret_text(name := _name(said[: said.rindex('"') + 1]))
            if is_next and (value := _VALUE.match(text, token.end())) is None:
                is_next = False
            elif is_next and value is not None and value["number"]:
                is_next = False
                if _NUMBERS.search(name):
                    found += (text[end : value.start("number")], f'"{GONE}"')
                    end = value.end()
        elif is_next or below:
            found += (text[end:start], f'"{GONE}"')
            end, is_next = token.end(), False
        elif depth < _DEEPEST and '\\"' in said and (inner := _inner(said, pause, depth)) is not None:
            found += (text[end:start], inner)
            end = token.end()
    return "".join((*found, text[end:])) if found else text


def _name(said: str) -> str:
    if "\\" not in said:
        return said[1:-1][:100]
    try:
        return str(json.loads(said))[:100]
    except ValueError:
        return said[1:-1][:100]


def _inner(said: str, pause: Pause, depth: int) -> str | None:
    """A text of JSON within JSON as it may be shown; None where it is as it was."""
    try:
        text = str(json.loads(said, strict=False))
    except ValueError:
        return None
    kept = without_secrets(text, pause, depth + 1)
    return None if kept == text else json.dumps(kept, ensure_ascii=False)


def _member(pause: Pause, found: re.Match[str]) -> str:
    pause()
    if not is_secret_text(found["name"]):
        return found[0]
    return f'{found[0][: found.start("text") - found.start()]}{GONE}"'


def _without_lines(text: str, pause: Pause) -> str:
    found: list[str] = []
    end = 0
    for separator in _SEPARATOR.finditer(text):
        pause()
        at = separator.start()
        named = _BACKWARDS.match(text[max(end, at - 80) : at][::-1])
        if named is None or not is_secret_text(named["name"][::-1]):
            continue
        value = (_SET if separator.group() == "=" else _SAID).match(text, at + 1)
        if value is None:
            continue
        part = "value" if value["quoted"] is None else "quoted"
        if value[part].lower() not in _NO_VALUE:
            found += (text[end : value.start(part)], GONE)
            end = value.end(part)
    return "".join((*found, text[end:])) if found else text


def _without_commands(text: str, pause: Pause) -> str:
    found: list[str] = []
    end = 0
    for word in _CURL.finditer(text):
        pause()
        if word.start() >= end and (command := _COMMAND.match(text, word.start())) is not None:
            found += (text[end : command.end("before")], GONE)
            end = command.end()
    return "".join((*found, text[end:])) if found else text


MOST_ITERATIONS: Final = 100_000
"""Of PBKDF2, which the platform's Workers take in production; they have no Argon2 of their own."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a person is told of a secret: by name and parameters what form it has, and what is to be said
    against that. Nothing of the secret itself.
    """

    form: str
    doubt: str = ""

    def __str__(self) -> str:
        return f"{self.form} — {self.doubt}" if self.doubt else self.form


_B64 = r"[A-Za-z0-9+/.=_-]+"
_NO_ARGON2 = "the platform's Workers have none of their own to check it by"
_TOO_MANY = f"the platform's Workers refuse more than {MOST_ITERATIONS:,}"
_FORMS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        rf"(?:argon2)?\$argon2(?P<kind>id|i|d)(?:\$v=\d{{1,3}})?\$m=(?P<m>\d{{1,9}}),t=(?P<t>\d{{1,6}})"
        rf",p=(?P<p>\d{{1,4}})(?:,\w+={_B64})*(?:\${_B64}){{1,2}}",
        "Argon2{kind}, m={m} KiB, t={t}, p={p}",
        _NO_ARGON2,
    ),
    (
        r"(?:bcrypt(?:_sha256)?\$)?\$(?P<kind>2[abxy]?)\$(?P<cost>0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}",
        "bcrypt ({kind}), cost {cost}",
        "",
    ),
    (
        rf"\$scrypt\$ln=(?P<ln>\d{{1,2}}),r=(?P<r>\d{{1,5}}),p=(?P<p>\d{{1,5}})(?:\${_B64}){{1,2}}",
        "scrypt, N=2^{ln}, r={r}, p={p}",
        "",
    ),
    (
        rf"scrypt:(?P<n>\d{{1,9}}):(?P<r>\d{{1,5}}):(?P<p>\d{{1,5}})\${_B64}\${_B64}",
        "scrypt, N={n}, r={r}, p={p}",
        "",
    ),
    (
        rf"scrypt\$(?P<n>\d{{1,9}})\${_B64}\$(?P<r>\d{{1,5}})\$(?P<p>\d{{1,5}})\${_B64}",
        "scrypt, N={n}, r={r}, p={p}",
        "",
    ),
    (
        rf"\$pbkdf2-sha(?P<sha>1|256|512)\$(?:i=)?(?P<i>\d{{1,9}})(?:,l=\d{{1,3}})?\${_B64}\${_B64}",
        "PBKDF2-HMAC-SHA{sha}, {i} iterations",
        "",
    ),
    (rf"\$pbkdf2\$(?P<i>\d{{1,9}})\${_B64}\${_B64}", "PBKDF2-HMAC-SHA1, {i} iterations", ""),
    (
        rf"pbkdf2[_:]sha(?P<sha>1|256|512)[$:](?P<i>\d{{1,9}})\${_B64}\${_B64}",
        "PBKDF2-HMAC-SHA{sha}, {i} iterations",
        "",
    ),
    (
        r"SCRAM-SHA-(?P<sha>1|256|512)\$(?P<n>\d{1,9}):[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+",
        "SCRAM-SHA-{sha}, {n} iterations",
        "",
    ),
    (r"md5[0-9a-f]{32}", "MD5 as of PostgreSQL", "weak: it is guessed fast"),
    (r"\$y\$[./A-Za-z0-9]+\$[./A-Za-z0-9]+\$[./A-Za-z0-9]{43}", "yescrypt", ""),
    (
        r"\$5\$(?:rounds=(?P<rounds>\d{1,9})\$)?[^$]{0,16}\$[./A-Za-z0-9]{43}",
        "SHA-256-crypt, {rounds} rounds",
        "",
    ),
    (
        r"\$6\$(?:rounds=(?P<rounds>\d{1,9})\$)?[^$]{0,16}\$[./A-Za-z0-9]{86}",
        "SHA-512-crypt, {rounds} rounds",
        "",
    ),
    (r"\$(?:1|apr1)\$[^$]{0,8}\$[./A-Za-z0-9]{22}", "MD5-crypt", "weak: it is guessed fast"),
    (r"\$[PH]\$[./A-Za-z0-9]{31}", "phpass", "weak: it is guessed fast"),
    (r"\{S?SHA(?:256|512)?\}[A-Za-z0-9+/=]{28,}", "an LDAP digest of SHA", "weak: it is guessed fast"),
    *(
        (rf"[0-9a-fA-F]{{{digits}}}", f"{digits} hexadecimal digits, as of {name} alone", "weak: no salt")
        for digits, name in ((32, "MD5"), (40, "SHA-1"), (64, "SHA-256"), (96, "SHA-384"), (128, "SHA-512"))
    ),
)
"""Patterns, what a person calls what they match, and what is to be said against it."""

_MOST_READ: Final = 512
_CRYPT_ROUNDS: Final = "5000"
"""Of crypt's SHA where it names none (akkadia.org/drepper/SHA-crypt.txt)."""


def told(stored: object) -> Told | None:
    """What form a stored password has; None where none is stored."""
    if stored in (None, ""):
        return None
    if isinstance(stored, str) and len(stored) <= _MOST_READ:
        for pattern, form, doubt in _FORMS:
            if (found := re.fullmatch(pattern, stored, re.ASCII)) is not None:
                named = found.groupdict(_CRYPT_ROUNDS)
                said = form.format(**{key: _grouped(part) for key, part in named.items()})
                iterations = int(named.get("i", 1))
                if not iterations:
                    return Told(said, "nobody can check it")
                return Told(said, doubt or (_TOO_MANY if iterations > MOST_ITERATIONS else ""))
        if without_passwords(stored) != stored:
            return Told("set", "a hash in no form that is known here")
    return Told("set", "in no known form; it may be the password itself")


_DIGEST: Final = compiled_later(
    r"(?:[^\s:$.]{1,64}[:$.])?(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{48}|[0-9a-fA-F]{56}|[0-9a-fA-F]{64}"
    r"|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})(?:[:$.][^\s:$.]{1,64})?"
)
"""A hexadecimal digest, with its salt before or behind it where one is there."""


def is_digest(text: str) -> bool:
    """Whether a text is a digest and nothing else, as a hash of a password may be stored."""
    return len(text) <= _MOST_READ and _DIGEST.fullmatch(text) is not None


def hides(value: object) -> bool:
    """Whether something was taken out of what is shown."""
    return isinstance(value, str) and (PASSWORD_MARK in value or SECRET_MARK in value)


def _grouped(part: str) -> str:
    return f"{int(part):,}" if part.isdigit() else part
