"""The theme in force: switching, re-tinting; every colour comes from tokens, and reads (WCAG 2.2, 1.4.3)."""

import gc
import re
import runpy
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QImage, QPainter, QPalette, QPixmap, QRawFont
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QFrame,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.paths import resources_dir
from app.ui.theme import DARK, LIGHT, Mode, Theme, Tokens, fill_in, read_sheets, set_property
from app.ui.theme.icons import Icon, IconFont, glyphs_of
from app.ui.widgets.buttons import field_icons
from app.ui.widgets.labels import Label, Look, in_column
from app.ui.widgets.picker import ChoiceBox
from tests.fixtures.window import added

WRITTEN = re.compile(r"[\"']#[0-9a-fA-F]{6}[\"']|QColor\(\d")
"""A colour written down, not taken from the theme."""


def strongest(icon: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> str:
    """The colour of the most opaque pixel of an icon."""
    image = icon.pixmap(24, 24, mode).toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return max(pixels, key=lambda colour: colour.alpha()).name()


def test_switching_changes_palette_and_sheet(qtbot: QtBot, theme: Theme, qapp: QApplication) -> None:
    with qtbot.waitSignal(theme.changed):
        theme.set_mode(Mode.DARK)
    assert theme.tokens is DARK
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK["window"]
    assert DARK["panel"] in qapp.styleSheet()
    assert LIGHT["panel"] not in qapp.styleSheet()
    theme.set_mode(Mode.LIGHT)
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == LIGHT["window"]


def text_colour(label: Label) -> str:
    return label.palette().color(label.foregroundRole()).name()


def test_what_is_in_sight_is_styled_at_once_and_the_rest_soon(qtbot: QtBot, theme: Theme) -> None:
    window = added(qtbot, QWidget())
    seen, later, card = Label("seen", Look.DIM), Label("later", Look.BAD), QFrame()
    card.setProperty("card", True)
    within = [Label(str(number)) for number in range(9)]
    in_column(*within, later, within=card)
    in_column(seen, card, within=window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)  # else one that another test left is in front
    card.hide()
    theme.set_mode(Mode.DARK)
    assert text_colour(seen) == DARK["dim"] != LIGHT["dim"]
    qtbot.waitUntil(lambda: text_colour(later) == DARK["bad"])
    assert window.updatesEnabled()
    set_property(later, "look", Look.TEXT)
    qtbot.waitUntil(lambda: {text_colour(label) for label in (later, *within)} == {DARK["text"]})


def test_windows_behind_are_styled_and_painted_when_the_one_in_front_is(qtbot: QtBot, theme: Theme) -> None:
    front, behind = added(qtbot, QWidget()), added(qtbot, QWidget())
    first, second = Label("first", Look.DIM), Label("second", Look.DIM)
    in_column(first, within=front)
    in_column(second, within=behind)
    for window in (behind, front):
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
    for mode, tokens in ((Mode.DARK, DARK), (Mode.LIGHT, LIGHT), (Mode.DARK, DARK)):
        theme.set_mode(mode)
        assert text_colour(first) == tokens["dim"] and text_colour(second) == LIGHT["dim"]
        assert not front.updatesEnabled() and not behind.updatesEnabled(), "none is painted in parts"
    qtbot.waitUntil(lambda: front.updatesEnabled() and behind.updatesEnabled())
    assert text_colour(second) == DARK["dim"]


def test_the_theme_may_change_again_before_all_is_styled(qtbot: QtBot, theme: Theme) -> None:
    window, gone = QWidget(), QWidget()
    qtbot.addWidget(window)
    labels = [Label(str(number), Look.DIM) for number in range(20)]
    in_column(*labels, within=window)
    doomed = Label("doomed", Look.DIM, wrap=True)
    in_column(doomed, within=gone)
    for one in (window, gone):
        one.show()
        one.hide()
    theme.set_mode(Mode.DARK)
    gone.deleteLater()
    QApplication.sendPostedEvents(gone, QEvent.Type.DeferredDelete)
    window.show()
    theme.set_mode(Mode.LIGHT)
    assert {text_colour(label) for label in labels} == {LIGHT["dim"]}
    labels[0].hide()
    theme.set_mode(Mode.DARK)
    theme.set_mode(Mode.LIGHT)
    theme.set_mode(Mode.DARK)
    qtbot.waitUntil(lambda: {text_colour(label) for label in labels} == {DARK["dim"]})
    set_property(labels[0], "look", Look.TEXT)
    assert text_colour(labels[0]) == DARK["text"]


def test_same_choice_again_changes_nothing(qtbot: QtBot, theme: Theme) -> None:
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode(Mode.LIGHT)


def test_system_mode_follows_the_system_live(qtbot: QtBot, theme: Theme) -> None:
    theme.set_mode(Mode.SYSTEM)
    for scheme, dark in ((Qt.ColorScheme.Dark, True), (Qt.ColorScheme.Light, False)):
        QGuiApplication.styleHints().colorSchemeChanged.emit(scheme)
        assert (theme.tokens is DARK) is dark


def test_an_icon_follows_the_theme(qtbot: QtBot, theme: Theme) -> None:
    button = added(qtbot, QPushButton())
    button.setIcon(theme.icon(Icon.SHIELD_OK, "bad"))
    assert strongest(button.icon()) == LIGHT["bad"]
    theme.set_mode(Mode.DARK)
    assert strongest(button.icon()) == DARK["bad"]
    assert strongest(button.icon(), QIcon.Mode.Disabled) == DARK["disabled"]


@pytest.mark.slow
def test_an_icon_that_is_changed_leaves_the_others_as_they_are(theme: Theme) -> None:
    icon = QIcon(theme.icon(Icon.SHIELD_OK, "bad"))
    icon.addPixmap(QPixmap(8, 8))  # Qt clones the engine that they share
    gc.collect()
    assert strongest(icon) == strongest(theme.icon(Icon.SHIELD_OK, "bad")) == LIGHT["bad"]


def test_every_icon_exists_and_an_unknown_one_is_drawn(qapp: QApplication) -> None:
    font = IconFont()
    unknown = font.pixmap("no-such-icon", "#000000", 16, 1).toImage()
    drawn = {icon.name: font.pixmap(icon.value, "#000000", 16, 1).toImage() for icon in Icon}
    assert not unknown.isNull()
    assert [name for name, image in drawn.items() if image == unknown] == ["UNKNOWN"]


def test_icons_are_crisp_at_twice_the_size(theme: Theme) -> None:
    pixmap = theme.pixmap(Icon.LINK, "ok", 16, 2)
    assert (pixmap.width(), pixmap.devicePixelRatio()) == (32, 2)


def test_style_sheet_writes_no_colour_itself() -> None:
    sheet = read_sheets(resources_dir() / "themes")
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", sheet) == []
    assert not re.search(r"\brgba?\(", sheet)


def test_unknown_placeholder_is_an_error() -> None:
    with pytest.raises(KeyError):
        fill_in("{{nothing}}", {})


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
def test_images_of_the_sheet_exist_for_every_screen(theme: Theme, qapp: QApplication, mode: Mode) -> None:
    theme.set_mode(mode)
    paths = re.findall(r'url\("([^"]+).png"\)', qapp.styleSheet())
    assert paths
    for path in paths:
        one, two = QImage(f"{path}.png"), QImage(f"{path}@2x.png")
        assert one.width() > 0 and two.size() == one.size() * 2


def test_images_of_the_sheet_are_drawn_in_the_colours_of_their_theme(qapp: QApplication) -> None:
    kept, script = resources_dir() / "themes", resources_dir() / "packaging" / "render_images.py"
    for place, drawn in runpy.run_path(str(script))["images"]():
        now = drawn.toImage().convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        then = QImage(str(kept / place)).convertToFormat(now.format())
        assert then.size() == now.size(), f"{place}: run {script.name}"
        # Processors round the edges of a glyph differently, by one step.
        apart = max(abs(one - other) for one, other in zip(now.bits(), then.bits(), strict=True))
        assert apart <= 1, f"{place}: run {script.name}"


def test_an_icon_is_painted_in_the_pixels_of_its_device(theme: Theme) -> None:
    sharp = theme.pixmap(Icon.LINK, "text", 16, 2)
    target = QPixmap(sharp.size())
    target.fill(Qt.GlobalColor.transparent)
    target.setDevicePixelRatio(2)
    painter = QPainter(target)
    theme.icon(Icon.LINK).paint(painter, QRect(0, 0, 16, 16))
    painter.end()
    assert target.toImage() == sharp.toImage()


def test_no_colour_is_written_outside_the_theme() -> None:
    root = Path(__file__).parents[4] / "app" / "ui"
    written = [
        path.name
        for path in root.rglob("*.py")
        if "theme" not in path.parts and WRITTEN.search(path.read_text("utf-8"))
    ]
    assert written == []


def test_every_icon_is_in_the_font(qapp: QApplication) -> None:
    font = IconFont()
    face = QRawFont(str(resources_dir() / "fonts" / "phosphor.ttf"), 16)
    for glyph in {glyph for icon in Icon for glyph in glyphs_of(icon.value)}:
        assert glyph in font._codes, "run resources/packaging/subset_icons.py"
        assert face.supportsCharacter(int(font._codes[glyph], 16))


def test_a_field_is_emptied_by_its_button(qtbot: QtBot, theme: Theme) -> None:
    field = added(qtbot, QLineEdit())
    field_icons(theme, field, Icon.SEARCH)
    _, clear = field.actions()
    assert not clear.isVisible()
    qtbot.keyClicks(field, "some")
    assert clear.isVisible()
    clear.trigger()
    assert field.text() == "" and not clear.isVisible()


SURFACES = ("window", "panel", "alternate", "selection", "hover")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_of_several_wrong_fields_one_sees_which_has_the_focus(qtbot: QtBot, theme: Theme) -> None:
    both = added(qtbot, QWidget())
    fields = QLineEdit(), QLineEdit()
    in_column(*fields, within=both)
    for field in fields:
        set_property(field, "invalid", True)
    with qtbot.waitActive(both):
        both.show()
        both.activateWindow()
    fields[1].setFocus()

    def edge(field: QLineEdit) -> str:
        return field.grab().toImage().pixelColor(field.width() // 2, 0).name()

    qtbot.waitUntil(lambda: edge(fields[1]) == theme.tokens["accent"])
    assert edge(fields[0]) == theme.tokens["bad"]


@pytest.mark.parametrize("kind", [QLineEdit, QPlainTextEdit])
def test_in_a_form_one_sees_by_the_edge_what_can_be_written_into(
    qtbot: QtBot, theme: Theme, kind: type[QLineEdit | QPlainTextEdit]
) -> None:
    dialog = added(qtbot, QDialog())
    written, read, wrong, other = kind("a"), kind("b"), kind("c"), QPushButton("Which has the focus")
    read.setReadOnly(True)
    set_property(wrong, "invalid", True)
    in_column(written, read, wrong, other, within=dialog)
    dialog.show()
    other.setFocus()

    def edge(field: QWidget) -> str:
        return field.grab().toImage().pixelColor(0, field.height() // 2).name()

    assert edge(written) == theme.tokens["edge"] and edge(read) == theme.tokens["line"]
    assert kind is QPlainTextEdit or edge(wrong) == theme.tokens["bad"]


def test_contrast_formula_on_known_pair() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("surface", SURFACES)
def test_text_reads_on_every_surface(tokens: Tokens, surface: str) -> None:
    for name in ("text", "dim", "accent", "ok", "warn", "bad"):
        reached = contrast(tokens[name], tokens[surface])
        assert reached >= 4.5, f"{name} on {surface}: {reached:.2f}"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_reads_on_its_tint_and_on_filled_buttons(tokens: Tokens) -> None:
    pairs = [("text" if tone is Tone.NEUTRAL else tone.value, f"{tone}_on") for tone in Tone]
    pairs += [("on_accent", "accent"), ("on_accent", "accent_hover"), ("on_accent", "accent_press")]
    pairs += [("on_bad", "bad"), ("on_bad", "bad_hover"), ("on_tip", "tip"), ("text", "press")]
    pairs += [("on_accent", "accent_focus"), ("on_bad", "bad_focus")]
    pairs += [("on_tip", "tip_hover"), ("text", "selection"), ("dim", "selection"), ("accent", "accent_on")]
    assert [pair for pair in pairs if contrast(tokens[pair[0]], tokens[pair[1]]) < 4.5] == []
    assert contrast(tokens["on_balloon"], "#ffffe1") >= 4.5, "Qt's own ground, beside an icon in the tray"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_focus_ring_stands_out(tokens: Tokens) -> None:
    grounds = (
        "window",
        "panel",
        "alternate",
        "hover",
        "press",
        "selection",
        "accent_on",
        "bad_on",
        "warn_on",
    )
    for ring in ("accent", "text"):
        assert [one for one in grounds if contrast(tokens[ring], tokens[one]) < 3] == []
    assert contrast(tokens["on_tip"], tokens["tip"]) >= 3
    for filled in ("accent_focus", "bad_focus"):
        assert contrast(tokens["text"], tokens[filled]) >= 3


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_disabled_and_empty_boxes_can_be_seen(tokens: Tokens) -> None:
    grounds = ("window", "panel", "alternate", "hover", "press", "selection", "accent_on")
    for name in ("disabled", "scroll_hover"):
        assert [one for one in grounds if contrast(tokens[name], tokens[one]) < 3] == []


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_pair_of_the_style_sheet_can_be_read(tokens: Tokens) -> None:
    """What a rule gives a colour and a ground of its own."""
    sheet = read_sheets(resources_dir() / "themes")
    for rule, words in re.findall(r"([^{}]+)\{((?:[^{}]|\{\{.*?\}\})*)\}", sheet):
        ground = re.search(r"background(?:-color)?: \{\{(\w+)\}\}", words)
        text = re.search(r"(?<![-\w])color: \{\{(\w+)\}\}", words)
        if ground and text:
            least = 3 if ":disabled" in rule else 4.5
            assert contrast(tokens[text[1]], tokens[ground[1]]) >= least, rule


@pytest.mark.parametrize("framed", [False, True])
@pytest.mark.parametrize("mode", QToolButton.ToolButtonPopupMode)
def test_a_tool_button_is_as_wide_with_the_focus_as_without(
    qtbot: QtBot, theme: Theme, mode: QToolButton.ToolButtonPopupMode, framed: bool
) -> None:
    window, button, other = QWidget(), QToolButton(), QLineEdit()
    qtbot.addWidget(window)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.setPopupMode(mode)
    button.setProperty("framed", framed)
    in_column(other, button, within=window)
    window.show()
    window.activateWindow()
    hints = []
    for focused in (other, button):
        focused.setFocus()
        qtbot.waitUntil(focused.hasFocus)
        button.setText("")  # else Qt goes on with what it has measured
        button.setText("words")
        hints.append(button.sizeHint())
    assert hints[0] == hints[1]


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
@pytest.mark.parametrize("kind", [QLineEdit, QPlainTextEdit, QTextEdit])
def test_what_an_empty_field_says_can_be_read(
    qtbot: QtBot, theme: Theme, mode: Mode, kind: type[QLineEdit | QPlainTextEdit | QTextEdit]
) -> None:
    theme.set_mode(mode)
    field = added(qtbot, kind())
    field.setPlaceholderText("name@example.com")
    field.show()
    field.ensurePolished()
    said = field.palette().color(QPalette.ColorRole.PlaceholderText)
    assert (said.name(), said.alpha()) == (theme.tokens["dim"], 255)


def _first_dark(widget: QWidget, left: int) -> int:
    """Where what is painted in the colour of text begins, from `left` on."""
    image = widget.grab().toImage()
    across, down = range(left, image.width()), range(6, 28)
    return min(x for x in across for y in down if image.pixelColor(x, y).lightness() < 120)


def test_words_begin_below_words_in_all_fields_of_a_dialog(qtbot: QtBot, theme: Theme) -> None:
    dialog = added(qtbot, QDialog())
    combo, choice = QComboBox(), ChoiceBox()
    for box in (combo, choice):
        box.addItem("Hooks")
    fields = (QLineEdit("Hooks"), combo, choice, QPlainTextEdit("Hooks"))
    other = QPushButton("Which has the focus")
    in_column(*fields, other, within=dialog)
    dialog.resize(300, 400)
    dialog.show()
    other.setFocus()
    assert len({_first_dark(field, 4) for field in fields}) == 1
    for field in fields[:3]:  # of the last it is the cursor that comes first
        before = _first_dark(field, 4)
        field.setFocus()
        assert _first_dark(field, 4) == before, "nothing moves when the focus comes"


def test_a_tick_of_a_menu_does_not_touch_its_words(qtbot: QtBot, theme: Theme) -> None:
    menu = added(qtbot, QMenu())
    action = menu.addAction("Status")
    action.setCheckable(True)
    menu.ensurePolished()
    menu.adjustSize()
    words = _first_dark(menu, 4)
    action.setChecked(True)
    image = menu.grab().toImage()
    tick = [x for x in range(4, words) for y in range(6, 28) if image.pixelColor(x, y).lightness() < 120]
    assert words - max(tick) > 6 and min(tick) > 8
