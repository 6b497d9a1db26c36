"""What is told of a secret that is stored: its form by name and parameters, and nothing of the secret."""

import re
from dataclasses import dataclass
from typing import Final

from app.services.secrets.forms import PASSWORD_MARK, SECRET_MARK, without_passwords
from models.patterns import compiled_later

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
