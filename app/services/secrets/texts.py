"""Secrets within a text, told by what they are called there: in JSON, in lines, and in commands."""

import json
import re
from functools import partial
from typing import Final

from app.services.secrets.names import is_secret_text
from models.progress import Pause

GONE: Final = "…"
_TOKEN: Final = re.compile(r'"(?:(?>[^"\\\n]|\\.))*+(?:"(?P<colon>\s*+:)?|\\?\Z)|[\[\]{}]', re.DOTALL)
"""What of JSON tells where a text stands, which may lack its end: a name has a colon behind it. None goes
over lines: an inch sign in what surrounds it would turn inside and outside over.
"""

_VALUE: Final = re.compile(r"\s*+(?:(?P<many>[\[{])|(?P<text>\")|(?P<number>-?\d[\d.eE+-]*+))")
_MEMBER: Final = re.compile(r'"(?P<name>[\w .-]{1,64})"\s*+:\s*+"(?P<text>(?:(?>[^"\\]|\\.))*+)"', re.DOTALL)
"""The same wherever it stands, as in what is no whole JSON."""

_SEPARATOR: Final = re.compile("[:=]")
_BACKWARDS: Final = re.compile(r"[ \t]{0,16}['*_`]{0,2}(?P<name>\w[\w-]{0,63})(?![\w-])")
_QUOTED: Final = r"(?P<quote>['\"])(?P<quoted>[^'\"\r\n…]{1,200})(?P=quote)"
_SET: Final = re.compile(
    rf"[ \t]{{0,16}}(?:{_QUOTED}|"
    r"['\"]?(?P<value>[^\s\"'&,;<>{}\[\]()\\=…][^\s\"'&,;<>{}\[\]\\…]*+))"
)
_SAID: Final = re.compile(
    rf"[*_]{{0,2}}[ \t]{{0,16}}(?:{_QUOTED}|"
    r"['\"]?(?P<value>[^\s\"'&,;<>{}\[\]()\\=…:/*_][^\s\"'&,;<>{}\[\]\\…]*+))"
    r"(?=['\",}]|[ \t]{0,4}(?:[\r\n#]|\Z))"
)
"""`NAME=value`, and `name: value` with nothing behind it, as there is behind a word of prose; what is quoted
may have spaces.
"""

_CURL: Final = re.compile("curl")
_COMMAND: Final = re.compile(
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

_NUMBERS: Final = re.compile(r"pass|pwd|pin$|otp|secret|code", re.IGNORECASE)
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
    for token in _TOKEN.finditer(text):
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
