"""Prepares what artifacts hold to be read, large ones in a child process: to lay out or compare megabytes in
this one would hold up the interface. Never imports Qt.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, Final

from app.services.records.rows import in_parts
from app.services.runs.contents import ContentKind, LaidOut, prepare, single
from app.services.runs.text_diff import Aligned, DiffRow, Equal, TextDiff, lines_of_text
from app.workers.child import Caller, Children, Job
from models.progress import Breath, Monitor

_SMALL: Final = 200_000
"""Characters that take no longer here than a child takes to start."""
_ROWS, _CHARACTERS = 1_000, 32_768
"""In one message."""
Stretch = Equal | Sequence[DiffRow]


def prepare_contents(contents: Sequence[str], monitor: Monitor) -> LaidOut:
    """As `contents.prepare`. Raises `Cancelled`, and the errors of `Children`."""
    breathe = Breath(monitor.cancelled)
    if sum(map(len, contents)) <= _SMALL:
        return prepare(contents, breathe)
    encoded = [content.encode("utf-8", "surrogatepass") for content in contents]
    texts: list[list[str]] = [[] for _ in contents]
    pages, stretches = list[str](), list[Stretch]()

    def take(_index: int, part: dict[str, Any]) -> None:
        breathe()
        match part:
            case {"side": side, "text": text}:
                texts[side].append(text)
            case {"page": page}:
                pages.append(page)
            case {"stretches": found}:
                stretches.extend(_stretch(one) for one in found)

    with Children("contents", "preparation", behind=False) as children:
        job = {"sizes": [*map(len, encoded)]}
        (kind,) = children.run([job], b"".join(encoded), monitor=monitor, part=take)
    # Only what was laid out comes back.
    sides = ["".join(parts) or content for parts, content in zip(texts, contents, strict=True)]
    if len(contents) == 1:
        diff = single(sides[0], breathe)
        return LaidOut(ContentKind(kind), contents[0], diff, is_single=True, pages=tuple(pages))
    left, right = (lines_of_text(side, breathe) for side in sides)
    diff, same = TextDiff(left, right, Aligned(stretches)), contents[0] == contents[1]
    return LaidOut(ContentKind(kind), contents[1], diff, is_single=False, same=same)


def work(job: Job, attached: BinaryIO, caller: Caller) -> str:
    """In the child."""
    contents = [attached.read(size).decode("utf-8", "surrogatepass") for size in job["sizes"]]
    found = prepare(contents, lambda: None, whole=True)
    for side, text in enumerate(found.laid_out):
        for start in range(0, len(text), _CHARACTERS):
            caller.part({"side": side, "text": text[start : start + _CHARACTERS]})
    for page in found.pages:
        caller.part({"page": page})
    for some in _in_messages(found.diff.rows.stretches if isinstance(found.diff.rows, Aligned) else ()):
        caller.part({"stretches": some})
    return found.kind.value


def _in_messages(stretches: Iterable[Stretch]) -> Iterator[list[Stretch]]:
    """As many of them in one as have some rows: each message wakes this process and the interface up."""
    some, rows = list[Stretch](), 0
    for stretch in stretches:
        parts: Iterable[Stretch] = [stretch] if isinstance(stretch, Equal) else in_parts(stretch, _ROWS)
        for part in parts:
            some.append(part)
            rows += 1 if isinstance(part, Equal) else len(part)
            if rows >= _ROWS:
                yield some
                some, rows = [], 0
    if some:
        yield some


def _stretch(told: list[Any]) -> Stretch:
    """Of numbers alone a stretch of equal lines is made, of rows one that differs."""
    return Equal(*told) if isinstance(told[0], int) else [DiffRow(*row) for row in told]
