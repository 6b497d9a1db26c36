"""What an artifact holds, prepared to be read: what kind of text it is, laid out over lines or in parts, and
two of them beside each other.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from app.services.runs.text_diff import Alone, TextDiff, compare, lines_of_text
from models.progress import Pause

LARGE: Final = 256 * 1024
"""Characters of JSON from which on nothing but a child process reads all of it."""

MOST: Final = 20_000
"""Characters that are laid out at once without being felt, in up to `MOST_LINES`."""
MOST_LINES: Final = 4_000

_MARKED = re.compile(r"^(?:#{1,6} |[-*+] |\d+[.)] |> |```|\|.*\|)|\*\*[^*\n]+\*\*|\]\(", re.MULTILINE)
"""What tells Markdown from any other text."""
_LOOKED_AT: Final = 20_000
_WHOLE, _DEEPEST = 1 << 20, 2
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
_INDENT = "  "
_BETWEEN_PAUSES = 2_000
"""Parts of JSON, some milliseconds."""


class ContentKind(Enum):
    """By what a content is, not by what its phase is called."""

    JSON = "json"
    BROKEN_JSON = "broken"
    DEEP_JSON = "deep"
    MARKDOWN = "markdown"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class LaidOut:
    """One or two contents as they are shown: `kind` and `text` are of the last, `diff` has one as its left
    side where it `is_single`, `pages` are a Markdown text's, and `laid_out` is what each was made to be
    compared, empty where that is itself. Two that are not the `same` may have no line that differs: their
    line breaks may, or how their JSON is laid out.
    """

    kind: ContentKind
    text: str
    diff: TextDiff
    is_single: bool
    pages: tuple[str, ...] = ()
    laid_out: tuple[str, ...] = ()
    same: bool = True


def kind_of(content: str, *, whole: bool = False) -> ContentKind:
    """What it is. Of a `LARGE` text that begins as JSON only the end is looked at, unless the `whole` is to
    be read, which would keep every other thread waiting.
    """
    start = content[:200].lstrip()[:1]
    if start in ("{", "["):
        if len(content) > LARGE and not whole:
            is_whole = content[-200:].rstrip()[-1:] == {"{": "}", "[": "]"}[start]
            return ContentKind.JSON if is_whole else ContentKind.BROKEN_JSON
        try:
            json.loads(content, parse_int=str, parse_float=str, parse_constant=_refuse)
        except RecursionError:
            return ContentKind.DEEP_JSON
        except ValueError:
            return ContentKind.BROKEN_JSON
        return ContentKind.JSON
    if start != "<" and _MARKED.search(content[:_LOOKED_AT]):
        return ContentKind.MARKDOWN
    return ContentKind.TEXT


def _refuse(constant: str) -> None:
    """NaN and Infinity, which are no JSON; but a number may have any length."""
    raise ValueError(constant)


def prepare(contents: Sequence[str], pause: Pause, *, whole: bool = False) -> LaidOut:
    """Lays JSON out over lines, and compares two. Raises what `pause` does."""
    kinds = [kind_of(content, whole=whole) for content in contents]
    texts = [laid_out(content, kind, pause) for content, kind in zip(contents, kinds, strict=True)]
    changed = tuple("" if text is own else text for text, own in zip(texts, contents, strict=True))
    if len(texts) > 1:
        diff = compare(texts[0], texts[1], pause)
        same = contents[0] == contents[1]
        return LaidOut(kinds[1], contents[1], diff, is_single=False, laid_out=changed, same=same)
    pages = tuple(pages_of(contents[0])) if kinds[0] is ContentKind.MARKDOWN else ()
    diff = single(texts[0], pause)
    return LaidOut(kinds[0], contents[0], diff, is_single=True, pages=pages, laid_out=changed)


def single(text: str, pause: Pause = lambda: None) -> TextDiff:
    """One text by its lines."""
    lines = lines_of_text(text, pause)
    return TextDiff(lines, (), Alone(len(lines)))


def laid_out(content: str, kind: ContentKind, pause: Pause) -> str:
    """JSON over lines; of one that would have a million of them what is deep in it stays on one line."""
    if kind is not ContentKind.JSON:
        return content
    return indented(content, pause, deepest=_DEEPEST if len(content) > _WHOLE else 1_000)


def indented(text: str, pause: Pause = lambda: None, *, deepest: int = 1_000) -> str:
    """JSON text laid out over lines, part by part, each part as written; raises nothing but what `pause()`
    does, which is called now and then. What is `deepest` stays on the line of what holds it.

    Works on broken JSON as well, and on any depth (lines are indented by at most 40 steps).
    """
    laid_out: list[str] = []
    depth = 0
    # One by one: a list of all would keep every other thread waiting while it is made.
    parts = (found[0] for found in _TOKEN.finditer(text))
    before, part = "", next(parts, "")
    count = 0
    while part:
        count += 1
        if count % _BETWEEN_PAUSES == 0:
            pause()
        after = next(parts, "")
        if part in "{[":
            depth += 1
            laid_out += [part, "" if after in ("}", "]") or depth > deepest else _newline(depth)]
        elif part in "}]":
            depth = max(0, depth - 1)
            laid_out += ["" if before in ("{", "[") or depth >= deepest else _newline(depth), part]
        elif part == ",":
            laid_out += [part, _newline(depth) if depth <= deepest else " "]
        else:
            laid_out += [": " if part == ":" else part]
        before, part = part, after
    return "".join(laid_out)


def _newline(depth: int) -> str:
    return "\n" + _INDENT * min(depth, 40)


def pages_of(text: str) -> list[str]:
    """A text in parts of up to `MOST` characters, each up to the end of a paragraph, a line or a word.
    Code that goes on in the next part is code there, too.
    """
    found, start, fence = list[str](), 0, ""
    while start < len(text) or not found:
        end = _end(text, start)
        part = text[start:end]
        found.append(f"{fence}\n{part}" if fence else part)
        fence = _open_fence(part, fence)
        start = end
    return found


def _end(text: str, start: int) -> int:
    most = start
    for _ in range(MOST_LINES):
        if (most := text.find("\n", most, start + MOST) + 1) == 0:
            break
    else:
        return most
    if len(text) - start <= MOST:
        return len(text)
    half, most = start + MOST // 2, start + MOST
    for mark in ("\n\n", "\n", " "):
        if (at := text.rfind(mark, half, most)) >= 0:
            return at + len(mark)
    return most


_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)", re.MULTILINE)


def _open_fence(part: str, fence: str) -> str:
    """What began the code that is not at its end where the part is (CommonMark 0.31, 4.5)."""
    for found in _FENCE.finditer(part):
        marks, info = found[1], found[2]
        if not fence:
            fence = "" if marks[0] == "`" and "`" in info else found[0].strip()[:80]
        elif marks[0] == fence[0] and not info.strip() and len(marks) >= _marks(fence):
            fence = ""
    return fence


def _marks(fence: str) -> int:
    return len(fence) - len(fence.lstrip(fence[0]))
