"""What is called a secret: a column, a setting, a member of JSON, a parameter of a URL, a header."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from models.patterns import compiled_later

_SECRET = compiled_later(
    r"pass_?(?:word|wd|phrase|code|hash|hint)|pwd|(?:^|_)pw(?:_|$|hash)|(?:^|_)salt$|secret|credential|bearer"
    r"|authorization|auth_?header|^(?:(?:basic|http)_?)?auth$"
    r"|(?:access|api|private|signing|client)_?key|token(?:_?(?:hash|value))?$|(?:backup|recovery|reset)_?codes?"
    r"|(?:^|_)(?:cookies?|jwts?|t?otps?|pin|seed|pat|sk|assertion)$|(?:bind|smtp|imap|mail|db"
    r"|ldap|ftp|proxy)_?pass$"
    r"|mnemonic|seed_?(?:phrase|words)|pkcs_?12|(?:^|_)p(?:fx|12)$|(?:key|cert)_?pem$|(?:x509|license"
    r"|licence)_?key$"
    r"|парол|contraseña|passwort|kennwort|mot_de_passe|senha|wachtwoord|hasło|^токен$|^секрет|密[码碼]"
    r"|パスワード|비밀번호"
)
"""What a column is called that holds one, of those that nobody has declared, by its words (`_words`)."""

_SECRET_TEXT = compiled_later(
    rf"{_SECRET.pattern}|^(?:pass|auth)$|(?:^|_)(?:tokens?|cookies?)_|(?:tokens?_?\d*|cookies?)$"
)
"""The same of a text, which is no count of such."""

_SECRET_OF_PEOPLE = compiled_later(
    r"^(?:recovery$|(?:(?:user|login|account|member|auth|old|new|last|previous|legacy|original|current)_)?(?:hash|hashed|hash_?val(?:ue)?|hash_?\d"
    r"|digest|pass|crypt(?:ed)?|bcrypt|argon2(?:id?|d)?|scrypt|pbkdf2|verifier|kdf|hashed_?pass)$)"
)
"""The same in a table of people, where a hash is that of a password."""

_PEOPLE = compiled_later(
    r"(?:^|_)(?:users?|accounts?|members?|operators?|admins?|people|persons?|customers?|logins?|credentials?"
    r"|passwords?|identit(?:y|ies))(?:_|$)"
)
_PERSON = compiled_later(r"(?:^|_)(?:e_?mail|mail|login|user_?name)(?:_(?:address|addr|name|id))?$")
_CHAINED = compiled_later(r"^(?:prev(?:ious)?|parent|last)_?hash$")
_NO_PASSWORD = compiled_later(
    r"(?:^|_)(?:id|uuid|guid|ref|external|key|content|file|avatar|gravatar|image|photo|picture|etag|checksum"
    r"|commit|trace|prev|previous|e?_?mail|ip|device)(?:_|$)"
)
"""What a column of a table of people is called that may hold digests of other things."""

_CREDENTIALS = compiled_later(
    r"(?:^|_)(?:(?:api|access|ssh|private|signing|encryption|auth)_?keys?|tokens?|secrets?|credentials?"
    r"|passwords?"
    r"|passcodes?|oauth\d?|ssh|t?otp|mfa|2fa|two_?factor|webauthn|passkeys?|verifications?|pats?|certs?"
    r"|wallets?"
    r"|vaults?|invites?|invitations?|magic_?links?|env_?vars?)(?:_|$)"
    r"|(?:^|_)keys?(?:_(?:store|vault|ring))?$|^(?:(?:user|auth|login|web|admin)_)?sessions?$"
)
_CREDENTIAL = compiled_later(
    r"(?:^|_)(?:key|token|secret|value|code|hash|hashed|digest|data|sid|link|ur[il]|pem|material|verifier"
    r"|challenge|backup|private|shared|recovery)(?:_?(?:value|data|material|codes?))?$|^(?:access"
    r"|refresh|id_token)$"
)
"""What is called one in a table that is called so."""

_SESSIONS = compiled_later(r"^(?:(?:user|auth|login|web|admin)_)?sessions?$")
"""Whose ids themselves let somebody in."""

_WEBHOOK = compiled_later(r"webhook|(?:^|_)hook(?:_|$)|callback_?ur[il]")
"""What one is called whose URL lets anybody post there."""

_ADDRESS = compiled_later(r"(?:^|_)(?:ur[il]|href|endpoint|target)$")
"""The same in a table that is called so."""

_LOGINS = frozenset({"user", "username", "user_name", "login", "host", "server"})
"""Beside which a pass is a password, and not what somebody passed."""

_NAMES = ("name", "key", "k", "setting", "option", "property", "variable")
_VALUES = ("value", "v", "val", "content")
"""What the columns of a table of settings are called."""

_BETWEEN_WORDS = compiled_later(r"(?<=[a-z0-9])(?=[A-Z])|[\W_]+")


def words(name: str) -> str:
    """A name's words in lower case with one underscore between: people write `API-Token`, `privateKey`, "api
    key".
    """
    return _BETWEEN_WORDS.sub("_", name).lower()


def is_of_people(table: str, names: Iterable[str]) -> bool:
    """Whether a table with these columns is one of people who log in, by its name, or because they have an
    address or a name to log in by. One whose rows are chained by hashes is none.
    """
    said = [*map(words, names)]
    if any(map(_CHAINED.search, said)):
        return False
    return _PEOPLE.search(words(table)) is not None or any(map(_PERSON.search, said))


def is_secret(name: object, *, of_people: bool = False) -> bool:
    """Whether a column or a setting that is called so is a secret; in a table `of_people` a hash is one, too.
    A stored name may be of any type.
    """
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    if not isinstance(name, str):
        return False
    said = words(name)
    return _SECRET.search(said) is not None or (of_people and _SECRET_OF_PEOPLE.search(said) is not None)


def is_secret_beside(table: str, name: str, beside: Iterable[str]) -> bool:
    """The same of a column of a table that nobody has declared: that is called, and what is `beside` it, tell
    more of it.
    """
    called, said = words(table), words(name)
    return (
        is_secret(name, of_people=is_of_people(table, beside))
        or (_CREDENTIALS.search(called) is not None and _CREDENTIAL.search(said) is not None)
        or (said == "pass" and not _LOGINS.isdisjoint(map(words, beside)))
        or (said == "id" and _SESSIONS.search(called) is not None)
    )


def is_webhook(name: str) -> bool:
    """Whether what is called so may be a URL that lets anybody post there."""
    return _WEBHOOK.search(words(name)) is not None


def is_webhook_beside(table: str, name: str) -> bool:
    """The same of a column of a table that nobody has declared."""
    return is_webhook(name) or (is_webhook(table) and _ADDRESS.search(words(name)) is not None)


def may_hold_passwords(name: str) -> bool:
    """Whether a digest in a column of people may be that of a password, and not that of something else."""
    return _NO_PASSWORD.search(words(name)) is None


def pairs_of(names: Iterable[str]) -> tuple[str, str] | None:
    """The columns of names and of their values in a table whose rows are settings; None of any other."""
    found = {words(name): name for name in names}
    of_names = next((found[one] for one in _NAMES if one in found), None)
    of_values = next((found[one] for one in _VALUES if one in found), None)
    return None if of_names is None or of_values is None else (of_names, of_values)


@lru_cache(maxsize=1_000)
def is_secret_text(name: str) -> bool:
    """The same of a text that is called so within a value, as a member of JSON is; a seed is money there."""
    said = words(name)
    return _SECRET_TEXT.search(said) is not None and said != "seed"


def is_signature(name: str) -> bool:
    """Whether what is called so is a signature: by it one could try secrets without asking anybody."""
    return name.lower().endswith("signature")


IN_URLS: Final = (
    *("token", "key", "secret", "password", "passwd", "pwd", "code", "otp", "signature", "sig", "jwt"),
    *("credential", "reset", "invite", "ticket", "hint"),
)
"""How the name of a parameter of a URL ends that lets somebody in. A member of JSON that is called `code`
or `ticket` need not be a secret: the link is one by what it opens.
"""

_KEYS: Final = frozenset({*IN_URLS, "auth", "access"})


def is_secret_in_urls(name: str) -> bool:
    """Whether a parameter of a webhook's URL that is called so lets somebody in."""
    return is_secret_text(name) or is_signature(name) or name.lower() in _KEYS
