from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.banner import Banner
from app.ui.widgets.buttons import SplitButton, push_button

DETAIL = "6 tenants from the first entry · checkpoint 1 signed over every entry · 48 ms"


def test_buttons_give_their_words_up_for_the_verdict_and_take_them_back(qtbot: QtBot, theme: Theme) -> None:
    banner = Banner(theme)
    qtbot.addWidget(banner)
    less = push_button(theme, "Export report…", icon=Icon.EXPORT)
    main = push_button(theme, "Verify chain", icon=Icon.VERIFY)
    banner.add_button(less, shrinks=True)
    banner.add_button(main)
    banner.show_verdict(Tone.OK, "Chain intact", "— 4,000 entries verified", DETAIL)
    banner.resize(1200, 54)
    banner.show()
    assert less.text() == "Export report…" and less.toolTip() == ""
    wide = less.width()
    banner.resize(700, 54)
    qtbot.waitUntil(lambda: less.text() == "")
    assert (less.accessibleName(), less.toolTip()) == ("Export report…", "Export report…")
    assert main.text() == "Verify chain"
    qtbot.waitUntil(lambda: less.width() < wide)
    banner.resize(1200, 54)
    qtbot.waitUntil(lambda: less.text() == "Export report…")
    banner.resize(700, 54)
    banner.show_verdict(Tone.OK, "Chain intact")
    qtbot.waitUntil(lambda: less.text() == "Export report…")


def test_progress_leaves_the_banner_as_high_as_it_was(qtbot: QtBot, theme: Theme) -> None:
    banner = Banner(theme)
    qtbot.addWidget(banner)
    banner.show_verdict(Tone.OK, "Chain intact", "— 4,000 entries verified", DETAIL)
    banner.resize(900, banner.sizeHint().height())
    banner.show()
    before = banner.sizeHint().height()
    banner.show_progress("Verifying…", 5, 10, "5 of 10 entries · 2 entries/s")
    assert banner.sizeHint().height() <= before
    assert (banner.headline(), banner.detail()) == ("Verifying…", "5 of 10 entries · 2 entries/s")
    assert banner.accessibleDescription() == "5 of 10 entries · 2 entries/s"


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
