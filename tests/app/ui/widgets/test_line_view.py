"""Lines of any length and number, side by side."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.services.runs.text_diff import Aligned, compare
from app.ui.theme import Theme
from app.ui.widgets.line_view import (
    LEFT,
    NUMBER,
    RIGHT,
    LineKind,
    LinesAlone,
    LinesBeside,
    LineView,
    SideBySide,
    count_lines,
    laid_over,
    one_text,
    rows_of,
)
from models.progress import Breath, Pause, never

LINES = [f"line {number}" for number in range(40)]
OTHER = [*LINES[:20], "line 20 new", *LINES[21:]]


@pytest.fixture
def view(qtbot: QtBot, theme: Theme) -> LineView:
    def work(make: Callable[[Pause], Any], done: Callable[[Any], None]) -> None:
        done(make(Breath(never)))

    view = LineView(theme, "Content", work)
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show()
    QAbstractItemModelTester(view.lines, QAbstractItemModelTester.FailureReportingMode.Fatal, view)
    return view


def side_by_side() -> SideBySide:
    return SideBySide(compare("\n".join(LINES), "\n".join(OTHER)))


def text(view: LineView, row: int, column: int) -> str:
    return str(view.lines.index(row, column).data())


def test_one_sees_that_it_has_the_focus(view: LineView, qtbot: QtBot, theme: Theme) -> None:
    def edge() -> str:
        return view.viewport().grab().toImage().pixelColor(view.viewport().width() - 1, 150).name()

    view.show_lines(one_text("\n".join(LINES)))
    view.clearFocus()
    assert edge() != theme.colour("accent").name()
    view.activateWindow()
    view.setFocus()
    qtbot.waitUntil(lambda: edge() == theme.colour("accent").name())


def test_of_one_text_no_row_is_made_before_it_is_in_sight(view: LineView, qtbot: QtBot) -> None:
    long = "word " * 30
    lines = [long, "short", "", long, *[""] * 2_000, long]
    view.show_lines(one_text("\n".join(lines)))
    rows = view.lines.rows
    assert isinstance(rows, LinesAlone) and not isinstance(view.lines.shown.diff.rows, tuple)
    assert view.lines.shown.diff.different() == 0
    pieces = [row.left for row in rows if row.left is not None]
    assert len(pieces) == len(rows) == view.lines.rowCount()
    told = ["" for _ in lines]
    for number, start, end in pieces:
        assert len(told[number]) == start
        told[number] += lines[number][start:end]
    assert told == lines
    for number in (0, 1, 3, 4, len(lines) - 1):
        assert pieces[rows.row_of(number)][:2] == (number, 0)
    view.seek("word")
    told_of: list[tuple[int, int]] = []
    view.find_next(1, lambda place, count: told_of.append((place, count)))
    assert told_of == [(1, 3)] and view.currentIndex().row() == 0
    view.seek("A WORD")  # it goes on in the next row
    assert view.hits("not a word", 0, 6) == ((4, 6),) and view.hits("not a word", 6, 10) == ((0, 4),)
    assert view.hits("not a word, a word", 4, 18) == ((0, 6), (8, 14)) and view.hits("no word", 0, 7) == ()
    view.seek("istanbul")
    assert view.hits("in İstanbul", 0, 11) == ((3, 11),)
    assert view.hits("I\u0307STANBUL İ", 0, 11) == ((0, 9),)
    view.seek("strasse")
    assert view.hits("İ, die Straße", 0, 13) == ((7, 13),) and view.hits("die Straße", 0, 6) == ((4, 6),)
    assert count_lines(one_text("Straße\nSTRASSE\nStrand").diff, "strasse", lambda: None) == 2


def test_what_is_found_is_marked_within_what_differs() -> None:
    assert laid_over(((0, 10), (12, 14)), ((3, 5), (9, 13))) == [
        (0, 3, False),
        (3, 5, True),
        (5, 9, False),
        (9, 13, True),
        (13, 14, False),
    ]
    assert laid_over(((4, 6),), ()) == [(4, 6, False)]


def test_a_character_with_thousands_of_marks_is_drawn_with_some(view: LineView) -> None:
    view.show_lines(one_text("a" + "\u0301" * 60 + "b"))
    assert text(view, 0, LEFT).startswith("a" + "\u0301" * 8 + "\u25cc")
    assert view.lines.text(0, True) == "a" + "\u0301" * 60 + "b", "it is copied as it is"


def test_of_two_texts_no_row_of_short_lines_is_kept(view: LineView) -> None:
    long = "word " * 60
    left = [*LINES, long, "x", *["same"] * 5_000]
    right = [*OTHER, long + "end", "y", *["same"] * 5_000]
    diff = compare("\n".join(left), "\n".join(right))
    assert isinstance(diff.rows, Aligned) and list(diff.rows) == list(diff.rows[:])
    assert len(diff.rows.stretches) < 12, "what stands beside each other is one"
    for only in (False, True):
        view.show_lines(SideBySide(diff), only_different=only)
        rows = view.lines.rows
        assert isinstance(rows, LinesBeside) and len(rows._stretches) < 12
        kinds = [row.kind for row in rows]
        differs = [kind is LineKind.DIFFERENT for kind in kinds]
        begins = [n for n, here in enumerate(differs) if here and (n == 0 or not differs[n - 1])]
        assert rows.changes == begins
        told = {"left": "", "right": ""}
        for row in rows:
            for side, lines in (("left", diff.left), ("right", diff.right)):
                if (piece := getattr(row, side)) is not None:
                    told[side] += lines[piece[0]][piece[1] : piece[2]]
            if row.kind is LineKind.FOLD:
                told["left"] += "".join(diff.left[diff.rows[place].left or 0] for place in row.fold)
                told["right"] += "".join(diff.right[diff.rows[place].right or 0] for place in row.fold)
        assert told == {"left": "".join(left), "right": "".join(right)}
        at = [view.currentIndex().row() for _ in begins if view.go_to_change(1)]
        assert at == begins and rows.having({20}, (), lambda: None) == [rows.changes[0]]
        view.setCurrentIndex(view.lines.index(0, LEFT))


def test_equal_lines_fold_and_unfold(view: LineView, qtbot: QtBot) -> None:
    view.show_lines(side_by_side(), only_different=True)
    rows = [row.kind for row in view.lines.rows]
    assert rows == [
        LineKind.FOLD,
        *[LineKind.SAME] * 2,
        LineKind.DIFFERENT,
        *[LineKind.SAME] * 2,
        LineKind.FOLD,
    ]
    assert text(view, 0, LEFT) == "⋯ 18 equal lines"
    assert (text(view, 3, NUMBER), text(view, 3, RIGHT)) == ("21 −", "line 20 new")
    said = view.lines.index(3, RIGHT).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said == "added: line 20 new"
    assert view.lines.marks(3, False) == ((7, 11),)
    view.setCurrentIndex(view.lines.index(0, LEFT))
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert view.lines.rowCount() == 18 + 6
    view.show_only_different(False)
    assert view.lines.rowCount() == 40
    assert view.go_to_change(1) and view.currentIndex().row() == 20
    assert not view.grab().isNull()


def test_a_long_line_goes_on_in_the_next_rows(view: LineView) -> None:
    long = "word " * 100
    view.show_lines(one_text(f"{long}\nend\x07\u202e"))
    pieces = [row.left for row in view.lines.rows[:-1]]
    assert len(pieces) > 3
    assert "".join(long[piece[1] : piece[2]] for piece in pieces if piece) == long
    assert (text(view, 0, NUMBER), text(view, 1, NUMBER)) == ("1", "")
    assert text(view, len(pieces), LEFT) == "end\\u0007\\u202e"
    view.selectAll()
    view._copy()
    assert QGuiApplication.clipboard().text().startswith(long)
    view.show_lines(one_text("a NUL\0 is no end"))
    view.selectAll()
    view._copy()
    assert QGuiApplication.clipboard().text() == "a NUL␀ is no end"


def test_parts_of_a_changed_line_are_marked_where_they_stand(view: LineView) -> None:
    left = "a " * 90 + "old end"
    right = "a " * 90 + "new end"
    rows = rows_of(SideBySide(compare(left, right)), 40)
    view.lines.show_rows(SideBySide(compare(left, right)), rows)
    marked = [view.lines.marks(row, True) for row in range(len(rows))]
    assert [part for part in marked if part] == [((180 - rows[-1].left[1], 183 - rows[-1].left[1]),)]  # type: ignore[index]


def test_it_is_searched(view: LineView) -> None:
    view.show_lines(one_text("\n".join(LINES)))
    told = list[tuple[int, int]]()

    def tell(place: int, count: int) -> None:
        told.append((place, count))

    view.seek("LINE 3")
    for step, row in ((1, 3), (1, 30), (-1, 3), (-1, 39)):
        view.find_next(step, tell)
        assert view.currentIndex().row() == row
    assert told == [(1, 11), (2, 11), (1, 11), (11, 11)]
    view.seek("none")
    view.find_next(1, tell)
    assert told[-1] == (0, 0)
    assert not view.grab().isNull()
