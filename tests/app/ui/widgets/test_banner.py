import pytest
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.banner import _VERDICT, Banner, ProgressBar, Toast, WaitLine
from app.ui.widgets.buttons import KEEPS, SHORT, SplitButton, push_button
from app.ui.widgets.labels import ElidedLabel, FoldedLabel, in_column
from app.ui.widgets.later import later
from tests.fixtures.window import added

DETAIL = "6 tenants from the first entry · checkpoint 1 signed over every entry · 48 ms"


def test_buttons_give_their_words_up_where_room_is_short_whatever_the_verdict_is(
    qtbot: QtBot, theme: Theme
) -> None:
    banner = added(qtbot, Banner(theme))
    less = push_button(theme, "Export report…", icon=Icon.EXPORT)
    main = push_button(theme, "Verify chain", icon=Icon.VERIFY)
    banner.add_button(less, shrinks=True)
    banner.add_button(main)
    banner.show_verdict(Tone.OK, "Chain intact", "— 4,000 entries verified", DETAIL)
    banner.resize(1200, 54)
    banner.show()
    assert less.text() == "Export report…" and less.toolTip() == ""
    wide = less.width()
    banner.show_verdict(Tone.OK, "Chain intact", "— 4,000 entries verified", DETAIL * 9)
    QApplication.sendPostedEvents()
    assert less.text() == "Export report…"
    banner.resize(640, 54)
    qtbot.waitUntil(lambda: less.text() == "")
    assert (less.accessibleName(), less.toolTip()) == ("Export report…", "Export report…")
    assert main.text() == "Verify chain"
    qtbot.waitUntil(lambda: less.width() < wide)
    banner.resize(1200, 54)
    qtbot.waitUntil(lambda: less.text() == "Export report…")
    banner.resize(640, 54)
    banner.show_verdict(Tone.OK, "Chain intact")
    QApplication.sendPostedEvents()
    assert less.text() == ""


def test_a_headline_is_read_before_buttons_have_all_their_words(qtbot: QtBot, theme: Theme) -> None:
    banner = added(qtbot, Banner(theme))
    save, restore = (
        push_button(theme, words) for words in ("Save what can be read…", "Restore from a copy…")
    )
    for button, short in ((save, "Save…"), (restore, "Restore…")):
        button.setProperty(SHORT, short)
        button.setProperty(KEEPS, True)
        banner.add_button(button, shrinks=True)
    banner.show_verdict(Tone.BAD, "The file is damaged", "— what can be read of it is shown")
    banner.resize(900, 54)
    banner.show()
    assert save.text() == "Save what can be read…"
    banner.resize(600, 54)
    qtbot.waitUntil(lambda: save.text() == "Save…")
    assert restore.text() == "Restore…", "and never nothing, since it has no icon"
    qtbot.waitUntil(lambda: not banner._headline.is_long)
    banner.resize(900, 54)
    qtbot.waitUntil(lambda: restore.text() == "Restore from a copy…")


def test_progress_leaves_the_banner_as_high_as_it_was(qtbot: QtBot, theme: Theme) -> None:
    banner = added(qtbot, Banner(theme))
    banner.show_verdict(Tone.OK, "Chain intact", "— 4,000 entries verified", DETAIL)
    banner.resize(900, banner.sizeHint().height())
    banner.show()
    before = banner.sizeHint().height()
    banner.show_progress("Verifying…", 5, 10, "5 of 10 entries · 2 entries/s")
    assert banner.sizeHint().height() <= before
    assert (banner.headline(), banner.detail()) == ("Verifying…", "5 of 10 entries · 2 entries/s")
    assert banner.accessibleDescription() == "5 of 10 entries · 2 entries/s"
    assert banner.findChildren(ProgressBar)[0].accessibleName() == banner.headline()


def test_a_split_button_is_two_that_look_like_one(qtbot: QtBot, theme: Theme) -> None:
    split = SplitButton(
        theme, push_button(theme, "Verify chain", icon=Icon.VERIFY, kind=Kind.PRIMARY), "Other ways to verify"
    )
    qtbot.addWidget(split)
    other = split.menu.addAction("Another way")
    split.show()
    assert split.main.height() == split.arrow.height()
    assert split.arrow.geometry().left() - split.main.geometry().right() <= 2
    assert split.arrow.accessibleName() == split.arrow.toolTip() == "Other ways to verify"
    with qtbot.waitSignal(split.main.clicked):
        qtbot.mouseClick(split.main, Qt.MouseButton.LeftButton)
    assert not split.menu.isVisible()
    split.arrow.setFocus()
    qtbot.keyClick(split.arrow, Qt.Key.Key_Space)
    qtbot.waitUntil(split.menu.isVisible)
    with qtbot.waitSignal(other.triggered):
        qtbot.keyClick(split.menu, Qt.Key.Key_Down)
        qtbot.keyClick(split.menu, Qt.Key.Key_Return)


def test_banner_verdict_and_progress(qtbot: QtBot, theme: Theme) -> None:
    banner = added(qtbot, Banner(theme))
    again = push_button(theme, "Verify chain")
    banner.add_button(again)
    banner.show_verdict(Tone.BAD, "Tampered", "— 2 findings", "in 0.31 s")
    banner.show()
    assert banner.headline() == "Tampered — 2 findings"
    assert banner.accessibleName() == "Tampered — 2 findings"
    assert again.isVisible()
    banner.show_progress("Verifying", 10**12, 2 * 10**12, "1,000 rows/s")
    assert banner.is_busy()
    assert not again.isVisible()
    with qtbot.waitSignal(banner.cancelled, timeout=0):
        banner.cancel_button.click()
    assert not banner.cancel_button.isEnabled()
    banner.show_verdict(Tone.OK, "Chain intact")
    assert not banner.is_busy()
    banner.show_progress("Verifying", 0, 0)
    assert banner.cancel_button.isEnabled()


def test_toast_undoes_and_goes(qtbot: QtBot, theme: Theme) -> None:
    host = added(qtbot, QWidget())
    host.resize(600, 300)
    host.show()
    toast = Toast(theme, host)
    undone: list[str] = []
    toast.show_message("3 users deleted", "Undo", lambda: undone.append("3 users"))
    assert toast.isVisible()
    toast.action_button.click()
    assert undone == ["3 users"] and not toast.isVisible()
    toast.show_message("3 users deleted", "Undo", lambda: undone.append("again"))
    toast.show_message("Select a single user.", of_place=True, beside=True)  # which takes no Undo away
    toast.show_message("E-mail copied", beside=True)
    assert toast.label.text() == "E-mail copied · 3 users deleted" and toast.action_button.isVisible()
    toast.leave_place()
    toast.action_button.click()
    assert undone == ["3 users", "again"] and not toast.isVisible()
    toast.show_message("E-mail copied", beside=True)
    assert toast.label.text() == "E-mail copied" and not toast.action_button.isVisible()


def test_a_toast_cuts_no_sentence_in_its_middle(qtbot: QtBot, theme: Theme) -> None:
    host = added(qtbot, QWidget())
    toast = Toast(theme, host)
    label = toast.label
    assert isinstance(label, ElidedLabel)
    toast.resize(400, 30)
    said = "An earlier state was brought back, or the end cut off: the chain ends at entry 5,043 now"
    for text, begin, end in (
        (said * 2, said[:30], "…"),
        (f"{'soren' * 40}@acme-corp.example deleted", "sorensoren", "p.example deleted"),
    ):
        toast.show_message(text)
        label.resize(300, 20)
        assert label.shown().startswith(begin) and label.shown().endswith(end)


def test_a_toast_that_the_keyboard_is_in_gives_the_focus_back(qtbot: QtBot, theme: Theme) -> None:
    within = QWidget()
    qtbot.addWidget(within)
    field, toast = QLineEdit(within), Toast(theme, within)
    in_column(field, toast, within=within)
    within.show()
    qtbot.waitExposed(within)
    within.activateWindow()
    for ends in (toast.close_button.click, lambda: qtbot.keyClick(toast, Qt.Key.Key_Escape)):
        field.setFocus()
        qtbot.waitUntil(field.hasFocus)
        toast.show_message("Done")
        toast.close_button.setFocus()
        ends()
        assert toast.isHidden() and field.hasFocus()


def test_toast_waits_under_the_mouse(qtbot: QtBot, theme: Theme) -> None:
    host = added(qtbot, QWidget())
    field = QLineEdit(host)
    host.show()
    toast = Toast(theme, host)
    toast.move(300, 200)  # away from where the mouse may be
    field.setFocus()
    toast.show_message("Copied")
    leaving = toast.findChild(QTimer)
    assert leaving is not None and leaving.isActive()
    QApplication.sendEvent(toast, QEnterEvent(QPointF(), QPointF(), QPointF()))
    assert toast.isVisible() and not leaving.isActive()
    QApplication.sendEvent(toast, QEvent(QEvent.Type.Leave))
    assert toast.isVisible() and leaving.isActive()
    leaving.start(1)
    qtbot.waitUntil(lambda: not toast.isVisible())


def test_a_bad_verdict_is_a_surface_and_goes_with_it(theme: Theme, qtbot: QtBot) -> None:
    banner = added(qtbot, Banner(theme))
    banner.resize(600, 60)
    banner.show()

    def surface() -> str:
        return banner.grab().toImage().pixelColor(300, 6).name()

    banner.show_verdict(Tone.OK, "Chain verified")
    calm = surface()
    banner.show_verdict(Tone.BAD, "Chain broken")
    assert surface() == theme.colour("bad_on").name() != calm
    banner.show_verdict(Tone.OK, "Chain verified")
    assert surface() == calm


def test_a_banner_wraps_to_two_lines_and_offers_more_of_what_is_longer(theme: Theme, qtbot: QtBot) -> None:
    host = QWidget()
    banner = Banner(theme)
    in_column(banner, None, within=host)
    qtbot.addWidget(host)
    host.resize(600, 700)
    host.show()
    detail = next(one for one in banner.findChildren(FoldedLabel) if one.property("look") == "dim")

    def lines() -> int:
        return round(detail.height() / detail.fontMetrics().lineSpacing())

    banner.show_verdict(Tone.WARN, "Read-only", detail="Short.")
    qtbot.waitUntil(lambda: lines() == 1)
    assert not banner.more_button.isVisible()
    banner.show_verdict(Tone.WARN, "Read-only", detail="It is twice as long as that. " * 4)
    qtbot.waitUntil(lambda: lines() == 2)
    assert not banner.more_button.isVisible()
    banner.show_verdict(Tone.WARN, "Read-only", detail="It is longer than all of the room there is. " * 12)
    qtbot.waitUntil(banner.more_button.isVisible)
    assert lines() == 2 and banner.more_button.accessibleName() == "More of this notice: Read-only"
    qtbot.mouseClick(banner.more_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: lines() > 4)
    assert banner.more_button.accessibleName() == "Less of this notice: Read-only"
    assert detail.height() >= QLabel.heightForWidth(detail, detail.width())
    qtbot.mouseClick(banner.more_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: lines() == 2)


def test_in_a_low_window_a_banner_is_one_line_until_more_is_asked_for(theme: Theme, qtbot: QtBot) -> None:
    host = QWidget()
    banner = Banner(theme)
    in_column(banner, None, within=host)
    qtbot.addWidget(host)
    host.resize(700, 560)
    host.show()
    banner.show_verdict(Tone.BAD, "Chain broken", "— 4,000 entries checked, 2 findings", DETAIL)
    detail = next(one for one in banner.findChildren(FoldedLabel) if one.property("look") == "dim")
    qtbot.waitUntil(banner.more_button.isVisible)
    assert not detail.isVisible() and banner.height() <= 46
    qtbot.mouseClick(banner.more_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(detail.isVisible)
    host.resize(700, 800)
    qtbot.mouseClick(banner.more_button, Qt.MouseButton.LeftButton)
    assert detail.isVisible()


def test_a_headline_beside_buttons_is_unfolded_in_their_place(theme: Theme, qtbot: QtBot) -> None:
    host = QWidget()
    banner = Banner(theme)
    button = push_button(theme, "Open through wrangler dev")
    banner.add_button(button)
    in_column(banner, None, within=host)
    qtbot.addWidget(host)
    host.resize(400, 388)
    host.show()
    banner.show_verdict(Tone.OK, "Chain verified through entry 4,000", "— 4,000 entries")
    head, rest = (one for one in banner.findChildren(FoldedLabel) if "4,000" in one.text())
    qtbot.waitUntil(banner.more_button.isVisible)
    assert head.is_long and head.text() in head.toolTip()
    qtbot.mouseClick(banner.more_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: rest.y() > head.y() and head.height() >= head.heightForWidth(head.width()))
    assert head.toolTip() == "" and not button.isVisible()
    qtbot.mouseClick(banner.more_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: button.isVisible() and rest.y() < head.geometry().bottom())


def test_a_button_that_was_put_away_stays_so(qtbot: QtBot, theme: Theme) -> None:
    banner = added(qtbot, Banner(theme))
    away, other = push_button(theme, "Show findings"), push_button(theme, "Dismiss")
    for button in (away, other):
        banner.add_button(button)
    away.hide()
    banner.show()
    banner.show_verdict(Tone.OK, "This file continues the one you saw last")
    assert (away.isVisible(), other.isVisible()) == (False, True)
    banner.show_progress("Verifying…", 1, 2)
    assert not other.isVisible()
    banner.show_verdict(Tone.OK, "Chain intact")
    assert (away.isVisible(), other.isVisible()) == (False, True)


def test_what_waits_is_stopped_by_its_own_words_and_from_the_keyboard(qtbot: QtBot, theme: Theme) -> None:
    host = added(qtbot, QWidget())
    field, line = QLineEdit(), WaitLine(theme)
    in_column(field, line, within=host)
    host.show()
    host.activateWindow()
    field.setFocus()
    ended: list[bool] = []
    line.say("Waiting for sqlite3: 1 s", lambda: ended.append(True))
    assert host.focusWidget() is field, "nobody who types is disturbed"
    line.hide()  # as it is when what has the focus is disabled
    field.setEnabled(False)
    field.clearFocus()
    line.say("Waiting for sqlite3: 2 s", lambda: ended.append(True))
    assert line.cancel_button.text() == "Stop waiting" and host.focusWidget() is None
    qtbot.keyClick(host, Qt.Key.Key_Return)
    assert not ended, "which was meant for the field"
    qtbot.keyClick(host, Qt.Key.Key_Tab)
    assert host.focusWidget() is line.cancel_button
    qtbot.keyClick(line.cancel_button, Qt.Key.Key_Space)
    assert ended == [True]


def test_a_step_of_progress_paints_nothing_at_once(qtbot: QtBot, theme: Theme) -> None:
    bar = added(qtbot, ProgressBar())
    with qtbot.waitExposed(bar):
        bar.show()
    painted = list[int]()
    bar.paintEvent = lambda event: painted.append(bar.value())  # type: ignore[method-assign]
    for step in range(50):
        bar.show_progress(step, 50)
    assert painted == []
    qtbot.waitUntil(lambda: painted == [98])


def test_more_is_offered_where_its_own_room_is_not_what_is_missing(qtbot: QtBot, theme: Theme) -> None:
    banner = added(qtbot, Banner(theme))
    banner.show_verdict(
        Tone.OK, "Chain intact", "— 4,000 entries verified", "all of it can be read here " * 4
    )
    banner.show()
    offered = []
    for widths in range(360, 760, 20), range(740, 340, -20):
        offered.append(dict[int, bool]())
        for width in widths:
            banner.resize(width, banner.sizeHint().height())
            QApplication.sendPostedEvents()
            offered[-1][width] = banner.more_button.isVisible()
    assert offered[0] == offered[1] and set(offered[0].values()) == {True, False}


def test_what_is_read_on_stays_open_while_it_grows_old(qtbot: QtBot, theme: Theme) -> None:
    banner = added(qtbot, Banner(theme, steady=True))
    said = "verified through entry 4,000, and ends at entry 3,950 now " * 5
    banner.show_verdict(Tone.WARN, "Older state, or cut off", f"— {said}just now")
    banner.resize(500, banner.sizeHint().height())
    banner.show()
    qtbot.waitUntil(banner.more_button.isVisible)
    banner.more_button.click()
    high = banner.sizeHint().height()
    banner.show_verdict(Tone.WARN, "Older state, or cut off", f"— {said}1 min ago")
    assert banner.more_button.isChecked() and banner.sizeHint().height() == high
    banner.show_verdict(Tone.OK, "Chain verified", f"— {said}")
    assert not banner.more_button.isChecked()


def test_in_a_low_window_a_headline_takes_two_even_lines_before_it_is_cut(theme: Theme, qtbot: QtBot) -> None:
    host, banner = QWidget(), Banner(theme)
    for words in ("Save what can be read…", "Restore from a copy…"):
        banner.add_button(push_button(theme, words))
    in_column(banner, None, within=host)
    qtbot.addWidget(host)
    host.resize(600, 360)
    host.show()
    banner.show_verdict(Tone.BAD, "The file is damaged", "— what can be read of it is shown", DETAIL)
    head = next(one for one in banner.findChildren(FoldedLabel) if one.text() == "The file is damaged")
    qtbot.waitUntil(lambda: not head.is_long and head.toolTip() == "")
    assert head._lines(head.width()) == ["The file is ", "damaged"] and banner.height() <= 46
    assert head.height() >= head.heightForWidth(head.width())
    host.resize(600, 800)
    qtbot.waitUntil(lambda: not banner.is_low and head.is_long)


def test_two_lines_are_about_as_long(theme: Theme, qtbot: QtBot) -> None:
    words = "Another program has changed the tables of this file"
    wide = FoldedLabel().fontMetrics().horizontalAdvance
    lines = added(qtbot, FoldedLabel(words, even=True))._lines(wide(words) - 10)
    assert lines == ["Another program has ", "changed the tables of this file"]
    assert FoldedLabel(words)._lines(wide(words) - 10)[1] == "file"
    clauses = (
        "6 tenants from the first entry · as checkpoint 1 knew it, not as later ones do · newest entry 5,000"
    )
    lines = added(qtbot, FoldedLabel(clauses, even=True))._lines(wide(clauses) - 90)
    assert lines[0].endswith(" ·") and " · ".join(line.removesuffix(" ·") for line in lines) == clauses
    lines = added(qtbot, FoldedLabel(clauses, even=True))._lines(wide(clauses) // 2 + 12)
    assert len(lines) == 2 and "".join(lines) == clauses, "where no clause has room it is broken within"


def test_a_button_whose_icon_says_too_little_keeps_its_short_words(theme: Theme, qtbot: QtBot) -> None:
    banner = added(qtbot, Banner(theme))
    button = push_button(theme, "Accept this end…", icon=Icon.CHECK)
    button.setProperty(SHORT, "Accept…")
    button.setProperty(KEEPS, True)
    banner.add_button(button, shrinks=True)
    banner.show_verdict(Tone.WARN, "Older state, or cut off", detail=DETAIL)
    banner.resize(300, 54)
    banner.show()
    qtbot.waitUntil(lambda: button.text() == "Accept…")
    banner.resize(1200, 54)
    qtbot.waitUntil(lambda: button.text() == "Accept this end…")


def test_the_rest_is_a_line_of_its_own_where_it_has_no_room_beside_the_headline(
    qtbot: QtBot, theme: Theme
) -> None:
    banner = added(qtbot, Banner(theme))
    headline, rest = "Older state, or cut off", "— verified through entry 5,003, and ends at entry 5,001 now"
    banner.show_verdict(Tone.WARN, headline, rest, "What is there holds as it stands.")
    banner.resize(banner._in_one_line() + 200, 90)
    banner.show()
    qtbot.waitUntil(lambda: banner._rest.x() > banner._headline.x())
    assert banner._rest.text() == rest
    banner.resize(banner._rest.sizeHint().width() + 90, 90)
    qtbot.waitUntil(lambda: banner._rest.y() > banner._headline.y())
    qtbot.waitUntil(lambda: banner._rest.x() == banner._headline.x() == banner._detail.x())
    assert not banner._rest.is_long and not banner.more_button.isVisible()
    assert banner._rest.text() == rest.removeprefix("— "), "no dash begins a line"
    assert banner.headline() == f"{headline} {rest}"
    banner.resize(banner._in_one_line() + 200, 90)
    qtbot.waitUntil(lambda: banner._rest.text() == rest)


class Counted(Banner):
    """Counts how often it is laid out."""

    laid_out = 0

    def event(self, event: QEvent) -> bool:
        self.laid_out += event.type() == QEvent.Type.LayoutRequest
        return super().event(event)


@pytest.mark.slow
def test_it_comes_to_rest_at_any_width(theme: Theme, qtbot: QtBot) -> None:
    host, banner = QWidget(), Counted(theme, steady=True)
    for words, icon in (("Checkpoints…", Icon.ANCHOR), ("Export report…", Icon.EXPORT)):
        banner.add_button(push_button(theme, words, icon=icon), shrinks=True)
    banner.add_button(push_button(theme, "Verify chain"))
    in_column(banner, None, within=host)
    qtbot.addWidget(host)
    host.show()
    rest = "— older than its latest checkpoint, 1 finding, 5,000 entries checked"
    detail = "exactly as checkpoint 1 knew it, not as later ones do · newest entry 5,000 · 0.92 s"
    banner.show_verdict(Tone.WARN, "Earlier state", rest, detail)

    def turn() -> int:
        """How often it has been laid out when all that was asked for by now is done."""
        done = list[int]()
        later(host, 0, lambda: done.append(banner.laid_out))
        qtbot.waitUntil(lambda: bool(done))
        return done[0]

    for width in range(1000, 560, -10):
        host.resize(width, 800)
        for _ in range(3):
            before = turn()
        assert turn() == before, width


def test_in_a_low_window_buttons_leave_a_verdict_its_room_beside_more(qtbot: QtBot, theme: Theme) -> None:
    host, banner = added(qtbot, QWidget()), Banner(theme)
    button = push_button(theme, "Export report…", icon=Icon.EXPORT)
    button.setProperty(SHORT, "Report…")
    banner.add_button(button, shrinks=True)
    in_column(banner, None, within=host)
    banner.show_verdict(Tone.BAD, "Chain broken", "— 1 finding, 3,990 entries checked", "6 tenants · 0.3 s")
    host.resize(900, 500)
    host.show()
    qtbot.waitUntil(lambda: banner.is_low and banner.more_button.isVisible())
    said = set[str]()
    for width in range(900, 440, -10):
        host.resize(width, 500)
        qtbot.waitUntil(lambda: not button.text() or banner._words.geometry().width() >= _VERDICT)
        said.add(button.text())
    assert {"Export report…", "Report…"} <= said
