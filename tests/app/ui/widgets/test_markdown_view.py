"""Markdown that tries to load something, to be HTML, or to be too long."""

import struct
import zlib
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocument, QTextFormat, QTextTable
from pytestqt.qtbot import QtBot

from app.services.runs.contents import MOST, MOST_LINES, pages_of
from app.ui.theme import Mode, Theme
from app.ui.widgets.markdown_view import MarkdownView


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> MarkdownView:
    view = MarkdownView(theme, "Content")
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    return view


def red_picture(path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = zlib.compress(b"".join(b"\x00" + b"\xff\x00\x00" * 80 for _ in range(80)))
    head = struct.pack(">IIBBBBB", 80, 80, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_nothing_is_loaded_and_html_is_text(view: MarkdownView, tmp_path: Path) -> None:
    picture = tmp_path / "red.png"
    red_picture(picture)
    text = (
        f"# Title\n\n![alt]({picture}) ![b](file://{picture})\n\n<img src='{picture}'> <b>bold</b>\n\n"
        "[a link](https://example.com/x) and https://example.com/y\n\n- one\n- two\u202e\n"
    )
    view.show_markdown(text)
    shown = view.toPlainText()
    assert f"[image: alt, {picture}]" in shown and "<b>bold</b>" in shown and "<img src=" in shown
    assert "a link (https://example.com/x)" in shown and "\\u202e" in shown.lower()
    image = view.grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(0, 400, 4) for y in range(0, 300, 4)}
    assert "#ff0000" not in colours
    assert view.document().resource(QTextDocument.ResourceType.ImageResource, str(picture)).width() == 1
    flags = view.textInteractionFlags()
    assert not flags & Qt.TextInteractionFlag.LinksAccessibleByMouse


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("---\nverdict: KILL\n~~~~\n---\n# Strategy", ["verdict: KILL", "~~~~", "Strategy"]),
        ("---\nverdict: KILL", ["verdict: KILL"]),
        ('See [it][at].\n\n[at]: http://x.example "a remark"', ["[at]: http://x.example", "a remark"]),
        ("> - [^1]: a footnote", ["[^1]: a footnote"]),
        ("| a | b |\n|---|---|\n| x | y | more |\n| 1 | 2 |", ["more"]),
        ("a | b | c\n-|-\nx | y | more\n\nafter", ["c", "more", "after"]),
        ("```python and words\ncode\n```\n\n~~~ other words\ncode\n~~~", ["python and words", "other words"]),
        ('[it](http://x.example "said") ![b](c "of it")', ["(http://x.example, said)", "b, c, of it]"]),
        ("```\n[code]: x\n```\n[no code]: y", ["[code]: x", "[no code]: y"]),
    ],
)
def test_nothing_of_a_text_is_kept_back(view: MarkdownView, text: str, seen: list[str]) -> None:
    view.show_markdown(text)
    shown = view.toPlainText()
    assert [part for part in seen if part not in shown] == [] and "\\[" not in shown


def test_a_long_text_is_whole_in_its_parts(view: MarkdownView) -> None:
    for text in ("A paragraph.\n\n" * 4_000, "x" * 50_001, "words " * 9_000, "", "short"):
        pages = pages_of(text)
        assert "".join(pages) == text and max(map(len, pages)) <= MOST
    text = f"before\n\n```py\n{'code = 1' + chr(10) * 2}" * 1 + "code = 2\n\n" * 4_000 + "```\n# after\n" * 2
    assert max(page.count("\n") for page in pages_of("- \n" * 20_000)) <= MOST_LINES
    first, second, *_, last = pages_of(text)
    assert first.startswith("before") and second.startswith("```py\ncode = 2")
    assert last.startswith("```py\n")
    view.show_markdown(second)
    assert "```" not in view.toPlainText() and view.toPlainText().startswith("code = 2")


def test_one_that_is_gone_hears_of_no_other_theme(qtbot: QtBot, theme: Theme) -> None:
    view = MarkdownView(theme, "Content")
    view.show_markdown("# One")
    with qtbot.waitSignal(view.destroyed):
        view.deleteLater()
    with qtbot.captureExceptions() as raised:
        theme.set_mode(Mode.DARK)
    assert raised == []


def test_headings_and_tables_stand_apart(qtbot: QtBot, theme: Theme) -> None:
    view = MarkdownView(theme, "Content")
    qtbot.addWidget(view)
    view.show_markdown("# One\n\nwords\n\n## Two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    block = view.document().begin()
    sizes = []
    while block.isValid():
        if block.blockFormat().headingLevel():
            form = block.begin().fragment().charFormat()
            sizes.append(
                (form.property(QTextFormat.Property.FontSizeAdjustment), block.blockFormat().topMargin())
            )
        block = block.next()
    assert sizes == [(2, 0), (1, 14)]
    (table,) = view.document().rootFrame().childFrames()
    assert isinstance(table, QTextTable)
    assert table.format().borderCollapse() and table.format().cellPadding() == 5
    for text in ("|" + "a|" * 100, "> " * 50_000 + "word"):  # else it takes long, or has no room for a word
        view.show_markdown(text)
        assert view.toPlainText() == text
