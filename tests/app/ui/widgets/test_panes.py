"""A table and an inspector share the width until somebody moves the handle."""

import pytest
from PySide6.QtCore import QByteArray, QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QToolButton, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import StatusChip, push_button
from app.ui.widgets.labels import FoldedLabel, IconLabel, Label, in_column, in_lines
from app.ui.widgets.panes import GAP, EmptyState, Field, FieldList, Inspector, MasterDetail
from tests.fixtures.seen import cut
from tests.fixtures.window import added, value_of


def shown(qtbot: QtBot, width: int, state: QByteArray | None = None) -> tuple[MasterDetail, list[QByteArray]]:
    kept: list[QByteArray] = []
    pair = MasterDetail(load=lambda: state or QByteArray(), save=kept.append)
    pair.set_parts(QWidget(pair), QWidget(pair))
    qtbot.addWidget(pair)
    pair.resize(width, 300)
    with qtbot.waitExposed(pair):
        pair.show()
    return pair, kept


def move_handle(pair: MasterDetail, place: int) -> None:
    pair.moveSplitter(place, 1)


def test_the_detail_gets_a_third_within_bounds(qtbot: QtBot) -> None:
    pair, kept = shown(qtbot, 1182)
    assert pair.sizes() == [1170 - 390, 390]
    pair.resize(1612, 300)
    assert pair.sizes() == [1200, 400]
    pair.resize(912, 300)
    assert pair.sizes() == [516, 384]
    pair.save_sizes()
    assert not kept, "nobody has arranged anything"


def test_what_was_moved_by_hand_stays_and_is_kept(qtbot: QtBot) -> None:
    pair, kept = shown(qtbot, 1012)
    move_handle(pair, 400)
    for width in (1100, 1012):
        pair.resize(width, pair.height())
    assert pair.sizes() == [400, 1012 - GAP - 400]
    pair.save_sizes()
    again, _ = shown(qtbot, 1012, kept[0])
    assert again.sizes() == pair.sizes()


def test_inspector(qtbot: QtBot, theme: Theme) -> None:
    inspector = added(qtbot, Inspector(theme))
    assert not inspector.empty.isHidden()
    inspector.set_header("A <b>run</b>\u202e", "acme", ("running", Tone.ACCENT, None))
    (first,) = inspector.findChildren(StatusChip)
    inspector.show_record()
    assert inspector.title.text() == "A <b>run</b>\\u202e"
    assert inspector.empty.isHidden()
    with qtbot.waitSignal(first.destroyed):
        inspector.set_header("Another")


def test_the_acts_for_several_records_stand_below_the_words(qtbot: QtBot, theme: Theme) -> None:
    inspector = added(qtbot, Inspector(theme))
    body, act, other = QWidget(), push_button(theme, "Delete"), push_button(theme, "Edit")
    body.setMinimumHeight(900)
    inspector.add_widget(body)
    inspector.resize(400, 600)
    inspector.show()
    inspector.show_many("3 users selected", "What is done here is done with all of them.")
    assert inspector.said_of_acts.isHidden(), "there is nothing to be done"
    inspector.set_actions([act, other])
    inspector.show_record()
    qtbot.waitUntil(lambda: body.isVisible() and act.mapTo(inspector, QPoint()).y() < 80)
    inspector.show_many("3 users selected", "What is done here is done with all of them.")
    qtbot.waitUntil(lambda: not body.isVisible() and act.mapTo(inspector, QPoint()).y() < 80)
    assert inspector.said_of_acts.isVisible()
    before = act.mapTo(inspector, QPoint())
    other.setEnabled(False)
    inspector.show_many("3 users selected", "What is done here is done with all of them.")
    assert inspector.said_of_acts.isHidden(), "there is one act alone"
    assert act.mapTo(inspector, QPoint()) == before


def test_in_a_low_card_acts_are_whole_and_scroll_with_the_rest(qtbot: QtBot, theme: Theme) -> None:
    host, inspector, many = added(qtbot, QWidget()), Inspector(theme), QWidget()
    acts = [push_button(theme, f"Do this to {number} of 58…") for number in range(8)]
    inspector.set_actions(acts)
    many.setMinimumHeight(300)
    inspector.set_many(many)
    inspector.add_widget(QPushButton("a fact"))
    in_column(inspector, within=host)
    host.resize(380, 460)
    with qtbot.waitActive(host):
        host.show()
        host.activateWindow()
    inspector.show_many("58 runs selected", "Each button acts on those that it applies to.")

    def is_whole(act: QPushButton) -> bool:
        return act.visibleRegion().boundingRect().height() == act.height()

    qtbot.waitUntil(lambda: all(map(is_whole, acts)) and inspector._many is not None)
    assert inspector._parts.indexOf(inspector._acts) == 1, "as there is room below them"
    acts[2].setFocus()
    for high in (200, 150):
        host.resize(380, high)
        qtbot.waitUntil(lambda: inspector._parts.indexOf(inspector._acts) < 0)
        assert acts[2].hasFocus()
        for act in acts:
            act.setFocus()
            qtbot.waitUntil(lambda act=act: is_whole(act))  # type: ignore[misc]
            assert act.geometry().bottom() <= inspector._foot.height()
        acts[2].setFocus()
    inspector.show_record()
    qtbot.waitUntil(lambda: inspector._scroll.isAncestorOf(acts[0]) and acts[0].isVisible())
    host.resize(380, 460)
    qtbot.waitUntil(lambda: inspector._parts.indexOf(inspector._acts) == 1 and all(map(is_whole, acts)))


@pytest.mark.parametrize("scrolls_first", [False, True])
@pytest.mark.parametrize("order", ["notice, rows", "rows, notice", "rows, away, notice, back"])
@pytest.mark.parametrize("high", [170, 230, 260, 300])
def test_acts_are_whole_or_scroll_after_any_order(
    qtbot: QtBot, theme: Theme, high: int, order: str, scrolls_first: bool
) -> None:
    """Of several records the acts have longer words than of one, which they get when they are in sight."""
    host, inspector, many, tab = added(qtbot, QWidget()), Inspector(theme), QWidget(), QWidget()
    elsewhere, notice = QPushButton("elsewhere"), QWidget()
    acts = [push_button(theme, "Do it") for _ in range(8)]
    inspector.set_actions(acts)
    many.setMinimumHeight(300)
    inspector.set_many(many)
    inspector.add_widget(QPushButton("a fact"))
    in_column((inspector, 1), within=tab, margins=(0, 0, 0, 0))
    in_column(elsewhere, (tab, 1), notice, within=host, margins=(0, 0, 0, 0), spacing=0)
    notice.setFixedHeight(60)
    notice.hide()
    host.resize(384, high + elsewhere.sizeHint().height() + 60)
    with qtbot.waitActive(host):
        host.show()
        host.activateWindow()
    inspector.set_header("A run")
    inspector.show_record()

    def select(many: bool) -> None:
        if many:
            inspector.show_many("58 runs selected", "Each button acts on those that it applies to.")
        for number, act in enumerate(acts):
            act.setText(f"Do this to {number} of 58…" if many else "Do it")
        if not many:
            inspector.show_record()

    for step in order.split(", "):
        if step == "notice":
            notice.show()
        elif step in {"rows", "one"}:
            select(step == "rows")
        else:
            tab.setVisible(step == "back")
        passed = QTimer(host, singleShot=True)
        with qtbot.waitSignal(passed.timeout):  # all that was asked for until then is laid out
            passed.start(0)
    body = inspector._many
    assert body is not None
    if scrolls_first:
        body.verticalScrollBar().setValue(40)

    def is_in_sight(act: QPushButton) -> bool:
        return act.visibleRegion().boundingRect().height() == act.height() > 0

    def is_laid_out() -> bool:
        return acts[-1].geometry().bottom() < inspector._foot.height()

    qtbot.waitUntil(is_laid_out)
    stays = inspector._parts.indexOf(inspector._acts) == 1
    assert stays or body.isAncestorOf(acts[0])
    assert not stays or body.height() >= 40, "there is something to read"
    assert not stays or all(map(is_in_sight, acts))
    elsewhere.setFocus()
    for act in acts:
        act.setFocus()
        qtbot.waitUntil(lambda act=act: is_in_sight(act))  # type: ignore[misc]
    select(many=False)  # short words, in fewer lines
    select(many=True)
    qtbot.waitUntil(is_laid_out)
    for act in acts:
        act.setFocus()
        qtbot.waitUntil(lambda act=act: is_in_sight(act))  # type: ignore[misc]


def test_the_acts_stand_in_one_place_whatever_there_is_to_read(qtbot: QtBot, theme: Theme) -> None:
    host, inspector, act = added(qtbot, QWidget()), Inspector(theme), push_button(theme, "Delete")
    past, fact = QWidget(), QWidget()
    inspector.set_actions([act])
    inspector.add_below(past)
    inspector.add_widget(fact)
    in_column(inspector, within=host)
    host.resize(400, 600)
    host.show()

    def top(part: QWidget) -> int:
        return part.mapTo(inspector, QPoint()).y()

    before = 0
    for title, height, chips in (("A user", 20, ()), ("W" * 300, 900, (("gone", Tone.BAD, None),))):
        fact.setFixedHeight(height)
        past.setFixedHeight(height)
        inspector.set_header(title, f"{title} of acme", *chips)
        inspector.show_record()
        qtbot.waitUntil(lambda: top(act) + act.height() < top(fact) < top(past))
        qtbot.waitUntil(lambda: inspector.whole_title.isVisible() is (len(title) > 9))  # noqa: B023
        assert before in {0, top(act)} and top(act) < 80
        before = top(act)


def test_fields_are_plain_and_copied_whole(qtbot: QtBot, theme: Theme) -> None:
    fields = added(qtbot, FieldList(theme))
    whole = "9f3c" + "0" * 56 + "a1e7"
    fields.set_fields(
        [Field("Hash", "9f3c…a1e7", mono=True, copy=whole), Field("Note", "<b>x</b>\0"), Field("Secret", "")]
    )
    assert value_of(fields, "Note") == "<b>x</b>\\0"
    assert value_of(fields, "Secret") == "—"
    of_hash, of_note = fields.findChildren(QToolButton)
    assert of_note.accessibleName() == "Copy note", "of nothing there is nothing to copy"
    qtbot.mouseClick(of_hash, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == whole
    qtbot.mouseClick(of_note, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "<b>x</b>␀"
    assert QToolTip.text().startswith("Copied; 1 NUL became “␀”")


def test_the_values_of_lists_below_each_other_begin_at_one_line(qtbot: QtBot, theme: Theme) -> None:
    host, lists = added(qtbot, QWidget()), [FieldList(theme), FieldList(theme)]
    in_column(*lists, within=host)
    lists[0].set_fields([Field("Id", "one")])
    lists[1].set_fields([Field("Potential revenue", "two")])
    host.show()
    values = [next(one for one in host.findChildren(Label) if one.text() == said) for said in ("one", "two")]
    qtbot.waitUntil(lambda: len({value.mapTo(host, QPoint()).x() for value in values}) == 1)


def test_of_many_lines_the_first_show_and_each_whole(qtbot: QtBot, theme: Theme) -> None:
    fields = added(qtbot, FieldList(theme))
    lines = [f"{count} of a tenant" for count in range(9)]
    fields.set_fields([Field("Few", "\n".join(lines[:8])), Field("Many", "\n".join(lines))])
    assert value_of(fields, "Few").count("\n") == 7
    assert value_of(fields, "Many") == "\n".join([*lines[:5], "…"])
    assert [one.text() for one in fields.findChildren(QPushButton)] == ["Show all 9 lines"]


def test_a_long_value_opens_on_demand(qtbot: QtBot, theme: Theme) -> None:
    fields = added(qtbot, FieldList(theme))
    text = "line one\n" + "x" * 100_000
    fields.set_fields([Field("Note", text)])
    assert value_of(fields, "Note") == f"line one\n{'x' * 151}…"
    [show] = [b for b in fields.findChildren(type(push_button(theme, ""))) if b.text().startswith("Show all")]
    show.click()
    assert fields.findChildren(QPlainTextEdit)[0].toPlainText() == in_lines(text)


def test_a_long_word_goes_on_in_the_next_line(qtbot: QtBot, theme: Theme) -> None:
    fields = added(qtbot, FieldList(theme))
    url = "https://hooks.example.com/" + "0123456789" * 5
    email = ",".join(["a.text.that.goes.on"] * 3)
    words = "see " + "W" * 60
    fields.set_fields(
        [
            Field("URL", url),
            Field("E-mail", email),
            Field("Note", "some words that wrap " * 3),
            Field("Last", words),
        ]
    )
    folded = fields.findChildren(FoldedLabel)
    assert [one.text() for one in folded] == [url, email, words]
    fields.resize(300, 400)
    fields.show()
    for one in folded:
        assert not one.is_long and one.height() >= one.heightForWidth(one.width()) > one.sizeHint().height()


def test_a_heading_that_is_cut_is_told_below_the_acts(qtbot: QtBot, theme: Theme) -> None:
    inspector = added(qtbot, Inspector(theme))
    inspector.resize(400, 500)
    inspector.show()
    inspector.set_header(" ")
    assert inspector.title.text() == "(empty)", "a record without a title still has a head"
    chip = ("active", Tone.OK, None)
    inspector.set_header("A user", "user of acme-corp", chip)
    inspector.show_record()
    lines = inspector.title, inspector.subtitle
    assert {line.toolTip() for line in lines} == {""} and inspector.whole_title.isHidden()
    long = "A user\n" + "W" * 300
    inspector.set_header(long, long, chip)
    assert inspector.title.text() == inspector.whole_title.text() == "A user " + "W" * 300
    assert inspector.whole_title.isVisible() and inspector.whole_subtitle.isVisible()
    assert all("W" * 300 in line.accessibleDescription() for line in lines)
    inspector.set_header(long, long, chip, is_told=True)
    assert inspector.whole_title.isHidden(), "a fact says it"
    inspector.set_header("A user", "user of acme-corp", chip)
    inspector.resize(400, 160)
    assert inspector.subtitle.isHidden() and inspector.whole_subtitle.isVisible(), (
        "what is below needs the room"
    )


def test_an_id_that_has_no_room_is_broken_and_stays_whole(qtbot: QtBot, theme: Theme) -> None:
    fields = added(qtbot, FieldList(theme))
    run = "run_" + "0123456789" * 6
    fields.set_fields([Field("Id", run, mono=True)])
    fields.resize(240, 40)
    fields.show()
    label = next(one for one in fields.findChildren(FoldedLabel) if one.text() == run)
    assert not label.is_long and label.heightForWidth(label.width()) > 2 * label.fontMetrics().height()


def test_acts_keep_their_words_in_a_second_line(qtbot: QtBot, theme: Theme) -> None:
    inspector = added(qtbot, Inspector(theme))
    names = ("Pause 3 of 4", "Cancel run 3 of 4", "Kill 3 of 4", "Delete")
    acts = [push_button(theme, name, icon=Icon.BAD) for name in names]
    inspector.set_actions(acts)
    inspector.resize(384, 600)
    inspector.show()
    inspector.show_many("4 runs selected", "Each button acts on those that it applies to.")
    qtbot.waitUntil(lambda: acts[0].isVisible() and len({act.y() for act in acts}) == 2)
    assert tuple(act.text() for act in acts) == names
    assert all(act.width() >= act.sizeHint().width() for act in acts)
    within = [inspector.rect().contains(QRect(act.mapTo(inspector, QPoint()), act.size())) for act in acts]
    assert all(within), "and none is cut"


def test_what_gets_the_focus_from_elsewhere_is_scrolled_into_sight(qtbot: QtBot, theme: Theme) -> None:
    host, inspector = added(qtbot, QWidget()), Inspector(theme)
    before, first, last = (push_button(theme, name) for name in ("before", "first", "last"))
    body = QWidget()
    body.setMinimumHeight(900)
    for part in (first, body, last):
        inspector.add_widget(part)
    inspector.show_record()
    in_column(before, (inspector, 1), within=host)
    host.resize(400, 400)
    host.show()
    qtbot.waitUntil(host.isActiveWindow)
    for target in (last, first):
        before.setFocus()
        qtbot.waitUntil(target.visibleRegion().isEmpty)
        target.setFocus()
        qtbot.waitUntil(lambda target=target: not target.visibleRegion().isEmpty())  # type: ignore[misc]


def test_an_empty_state_keeps_its_words_where_there_is_no_room_for_its_icon(
    qtbot: QtBot, theme: Theme
) -> None:
    state = added(qtbot, EmptyState(theme, Icon.INFO, "Nothing selected", "Select a row to see all of it."))
    (icon,) = state.findChildren(IconLabel)
    for height, is_shown in ((300, True), (118, False), (300, True)):
        state.resize(380, height)
        state.show()
        assert icon.isVisible() is is_shown and state.title.isVisible()
    buttons = (push_button(theme, "Clear filters"),)
    state = added(qtbot, EmptyState(theme, Icon.INFO, "No match", "No run matches these filters.", buttons))
    (icon,) = state.findChildren(IconLabel)
    for height, is_shown in ((300, True), (177, False)):
        state.resize(380, height)
        state.show()
        assert icon.isVisible() is is_shown, "nor where it has no room for its buttons"
    over = added(qtbot, QWidget())
    state.setParent(over)  # which does not hold it at its least, nor does a table
    over.show()
    state.resize(198, 85)
    state.show()
    qtbot.waitUntil(lambda: cut(over) == [], timeout=5_000)
    assert state.toolTip() and state.title.isVisible() and buttons[0].isVisible()


@pytest.mark.parametrize("value", ["never", "not known", "7 new entries"])
def test_what_leads_on_from_a_value_leaves_it_beside_its_name(qtbot: QtBot, theme: Theme, value: str) -> None:
    fields, page = FieldList(theme), added(qtbot, QWidget())
    leads = Field("Verified", value, can_copy=False, go=lambda: None, go_words="Verify it", go_in_words=True)
    fields.set_fields([leads, Field("Checkpoint", "none yet", can_copy=False)])
    in_column(fields, None, within=page)
    page.resize(360, 200)
    page.show()
    qtbot.waitExposed(page)
    verified, never, checkpoint, none_yet = fields.findChildren(Label)

    def lower(value: Label, name: Label) -> int:
        """By how much the middle of its words lies below that of its name's."""
        return sum(sign * one.mapTo(page, one.rect().center()).y() for sign, one in ((1, value), (-1, name)))

    assert lower(never, verified) == lower(none_yet, checkpoint) and cut(fields) == []
    assert never.height() < 2 * never.fontMetrics().height(), "in one line"


def first_line(image: QImage, place: QRect) -> int:
    """The last row of the first line of capitals that are painted there."""
    paper = image.pixelColor(place.topLeft()).rgb()
    inked = [
        any(image.pixelColor(x, y).rgb() != paper for x in range(place.left(), place.right()))
        for y in range(place.top(), place.bottom())
    ]
    begin = inked.index(True)
    return place.top() + begin + (inked[begin:].index(False))


def test_a_value_stands_on_the_line_of_its_name(qtbot: QtBot, theme: Theme) -> None:
    """In either face, in one line and in several."""
    fields = added(qtbot, FieldList(theme))
    many = "HHH " * 40
    values = [Field("HHH", "HHH"), Field("HHH", "HHH", mono=True), Field("HHH", many, can_copy=False)]
    fields.set_fields([*values, Field("HHH", many, mono=True)])
    fields.resize(300, fields.heightForWidth(300))
    fields.show()
    image = fields.grab().toImage()
    for name in fields._names:
        value = name.buddy()
        assert value is not None
        place = QRect(value.mapTo(fields, QPoint()), value.size())
        assert first_line(image, name.geometry()) == first_line(image, place), value


def test_an_empty_state_gives_its_margins_up_before_its_sentence_and_holds_its_buttons(
    qtbot: QtBot, theme: Theme
) -> None:
    buttons = push_button(theme, "Clear filters"), push_button(theme, "Try again")
    state = EmptyState(theme, Icon.INFO, "No users yet", "Create the first one.", buttons)
    over = added(qtbot, QWidget())
    state.setParent(over)
    over.resize(400, 300)
    over.show()
    for button in buttons:
        button.hide()
    for height, says in ((110, True), (74, True), (40, False)):  # what is hidden takes no room
        state.resize(380, height)
        state.show()
        qtbot.waitUntil(lambda says=says: bool(state.toolTip()) is not says)  # type: ignore[misc]
        assert state.title.isVisible()
    buttons[0].show()
    state.resize(380, 68)
    qtbot.waitUntil(lambda: state.rect().contains(buttons[0].geometry()) and cut(over) == [])
    assert state.title.geometry().bottom() < buttons[0].y()


def test_a_value_that_is_not_copied_has_the_room_of_the_button(qtbot: QtBot, theme: Theme) -> None:
    fields = added(qtbot, FieldList(theme))
    words = "PBKDF2-HMAC-SHA256, 100,000 iterations"
    fields.set_fields([Field("Id", words), Field("Password", words, can_copy=False)])
    fields.resize(400, 80)
    fields.show()
    copied, kept = (one for one in fields.findChildren(Label) if one.text() == words)
    qtbot.waitUntil(lambda: kept.width() >= copied.width() + 24)
    right = kept.mapTo(fields, kept.rect().topRight()).x()
    assert copied.mapTo(fields, copied.rect().topRight()).x() + 24 <= right <= fields.rect().right()


def test_an_empty_state_is_laid_out_once_and_rests(qtbot: QtBot, theme: Theme) -> None:
    state = added(qtbot, EmptyState(theme, Icon.INFO, "Nothing selected", "Select a row to see all of it."))
    laid_out = turns = 0

    class Counting(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's own name
            nonlocal laid_out
            laid_out += event.type() == QEvent.Type.LayoutRequest
            return False

    def turn() -> None:
        nonlocal turns
        turns += 1

    counting, each_turn = Counting(state), QTimer(state, interval=0)
    state.installEventFilter(counting)
    each_turn.timeout.connect(turn)
    with qtbot.waitExposed(state):
        state.show()
    each_turn.start()
    for height in (300, 60, 30, 300):
        state.resize(400, height)
        until = turns + 50
        qtbot.waitUntil(lambda until=until: turns >= until)  # type: ignore[misc]
    assert laid_out < 20
