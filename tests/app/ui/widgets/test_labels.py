"""Labels never guess markup."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPainter, QRegion
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.labels import (
    LINE,
    LONGEST,
    ElidedLabel,
    FoldedLabel,
    Label,
    ProblemLabel,
    direction,
    in_lines,
    line_edit,
)
from tests.fixtures.window import added


def test_labels_never_guess_markup(qtbot: QtBot, theme: Theme) -> None:
    for label in (Label("<i>x</i>"), ElidedLabel("<i>x</i>")):
        qtbot.addWidget(label)
        assert label.text() == "<i>x</i>"
        assert label.textFormat() == Qt.TextFormat.PlainText


def test_elided_label_tells_the_rest(qtbot: QtBot, theme: Theme) -> None:
    label = added(qtbot, ElidedLabel("a rather long sentence <x>"))
    label.resize(60, 20)
    label.show()
    assert "a rather long sentence &lt;x&gt;" in label.toolTip()
    label.resize(600, 20)
    assert label.toolTip() == ""


@pytest.mark.parametrize("kind", [Label, ElidedLabel, FoldedLabel])
@pytest.mark.parametrize(("text", "at_left"), [("ד█", True), ("1ד█", True), ("d█", False), ("dד█", False)])
def test_a_text_is_read_by_its_first_letter(
    qtbot: QtBot, theme: Theme, kind: type[Label], text: str, at_left: bool
) -> None:
    label = added(qtbot, kind(text))
    label.resize(Label(text).sizeHint())
    picture = QImage(label.size(), QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.white)
    label.render(picture)
    middle = picture.height() // 2
    dark = [x for x in range(picture.width()) if picture.pixelColor(x, middle).lightness() < 100]
    assert (sum(dark) / len(dark) < picture.width() / 2) is at_left


def test_a_folded_label_breaks_a_word_that_no_line_can_take(qtbot: QtBot, theme: Theme) -> None:
    label = added(qtbot, FoldedLabel("user of 😀 " + "W" * 300, most=3))
    label.resize(400, 100)
    assert label.is_long
    lines = label._lines(400)
    assert "".join(lines) == label.text()
    assert all(label.fontMetrics().horizontalAdvance(line) <= 400 for line in lines)
    assert label.heightForWidth(400) == 3 * label.heightForWidth(40_000)
    label.unfold(True)
    assert label.heightForWidth(400) == len(lines) * label.heightForWidth(40_000)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("yoko.papadopoulos@northwind-clinics.example", ["yoko.papadopoulos@", "northwind-clinics.example"]),
        ("run_started_by_a_person_of_acme", ["run_started_by_a_person_", "of_acme"]),
        ("a " + "w" * 40, ["a ", "w" * 25, "w" * 15]),
        ("usr_" + "0" * 40, ["usr_" + "0" * 21, "0" * 19]),
    ],
)
def test_a_long_word_is_broken_behind_a_sign_where_it_has_one(
    qtbot: QtBot, theme: Theme, text: str, lines: list[str]
) -> None:
    label = added(qtbot, FoldedLabel(text, most=3))
    label.setFont(theme.mono_font())
    found = label._lines(label.fontMetrics().horizontalAdvance("0" * 25) + 1)
    assert "".join(found) == text and len(found) == len(lines)
    if "_" not in text[:4]:  # whose lines are made even
        assert found == lines


def test_a_word_without_end_in_a_sentence_is_shortened_and_told_by_the_tip(
    qtbot: QtBot, theme: Theme
) -> None:
    name = "start-" + "w" * 1_000_000 + "-end"
    label = added(qtbot, Label(f"Only the entries of {name} are looked at.", wrap=True))
    label.resize(620, 20)
    assert label.heightForWidth(620) <= 6 * label.fontMetrics().lineSpacing()
    assert label.text().startswith("Only the entries of start-www") and label.text().endswith(
        "-end are looked at."
    )
    assert "w" * 900 in label.toolTip().replace("\u200b", "")  # where it may break
    whole = Label(f"Only the entries of {'w' * 200} are looked at.", wrap=True)
    assert "w" * 200 in whole.text() and not whole.toolTip()


def test_no_letter_of_an_id_stands_alone_in_a_line(qtbot: QtBot, theme: Theme) -> None:
    label = added(qtbot, FoldedLabel("run_" + "0" * 26))
    label.setFont(theme.mono_font())
    room = label.fontMetrics().horizontalAdvance("0" * 29)
    assert [len(line) for line in label._lines(room)] == [15, 15]


def test_a_word_of_a_sentence_breaks_where_no_line_can_take_it(qtbot: QtBot, theme: Theme) -> None:
    text = f"Webhook of tenant-{'long' * 48}"
    label = added(qtbot, Label(text, wrap=True))
    assert label.minimumSizeHint().width() < 400 and label.text() == text


def test_a_line_too_long_for_a_box_goes_on_in_the_next() -> None:
    text = "a" * (LINE + 1) + "\n" + "b" * LINE + "\u202e"
    assert in_lines(text).split("\n") == ["a" * LINE, "a", "b" * LINE, r"\u202e"]


def test_what_a_field_takes_of_a_text_beyond_all_bounds_is_too_long_still(qapp: QApplication) -> None:
    assert len(line_edit("w" * 10**6).text()) == LONGEST + 1


def test_no_line_ends_before_a_unit_or_within_a_time(qtbot: QtBot, theme: Theme) -> None:
    said = "5 of 90 days, 3 min 20 s, 37 % of 4.2 KiB, from before 2026-08-20 11:06:40 UTC"
    label = added(qtbot, Label(said, wrap=True))
    shown = QLabel.text(label).replace("\u00a0", "~")
    assert shown == "5 of 90~days, 3~min 20~s, 37~% of 4.2~KiB, from before 2026-08-20~11:06:40~UTC"
    assert label.text() == said, "what is asked, copied and searched has spaces"


@pytest.mark.parametrize(
    ("text", "from_right"),
    [
        ("سلام@x.example of acme moves to another tenant.", False),
        ("“שלום עולם”, of acme, is deleted", False),
        ("שלום עולם", True),
        ("שלום עולם (MVP)", True),
        ("acme-corp: שלום", False),
        ("2 of 3", False),
    ],
)
def test_a_sentence_that_begins_with_a_name_read_from_the_right_is_read_from_the_left(
    qtbot: QtBot, text: str, from_right: bool
) -> None:
    for label in (Label(text, wrap=True), FoldedLabel(text), ElidedLabel(text)):
        qtbot.addWidget(label)
        assert QLabel.text(label).startswith("\u200e") == (text[0] in "س“" and not from_right)
        assert label.text() == text
    assert (direction(text) is Qt.LayoutDirection.RightToLeft) == from_right


def test_the_sentence_of_a_dialog_is_read_from_the_left_and_what_is_copied_as_a_value_is_as_it_is(
    qtbot: QtBot,
) -> None:
    said = "\u0633\u0644\u0627\u0645@x.example of acme will be another tenant's."
    sentence, value = Label(said, wrap=True, selectable=True), Label(said, selectable=True, caption="Message")
    for label in (sentence, value):
        qtbot.addWidget(label)
        assert label.text() == said
    assert QLabel.text(sentence).startswith("\u200e") and QLabel.text(value) == said


def test_what_is_wrong_has_a_sign_before_its_words(qtbot: QtBot, theme: Theme) -> None:
    label = added(qtbot, ProblemLabel(theme))
    label.resize(400, 60)

    def colours() -> set[int]:
        """What is in the place of the sign."""
        image = QImage(14, 60, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.white)
        label.render(image, QPoint(), QRegion(0, 0, 14, 60), QWidget.RenderFlag(0))
        return {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}

    assert len(colours()) == 1
    label.setText("Use an https address.")
    assert len(colours()) > 1 and label.text() == "Use an https address."
    assert label.heightForWidth(100) > label.heightForWidth(400), "it wraps beside the sign"


def test_a_long_name_is_broken_at_its_signs_and_within_no_number_of_it(qtbot: QtBot) -> None:
    name = "b.before-erasing.20261130T214401Z.sqlite"
    label = added(qtbot, Label(f"What it holds is replaced by what {name} holds.", wrap=True))
    places = QLabel.text(label).split("\u200b")
    assert len(places) > 1 and any("20261130T214401Z." in one for one in places)
    assert label.text() == f"What it holds is replaced by what {name} holds."


def test_two_sentences_run_into_one_another_in_no_line(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where two lines are made as long as each other, or the last one is cut."""
    label = added(qtbot, FoldedLabel("Entry 5,000 consistent\n6 tenants · no checkpoint yet", even=True))
    painted = list[str]()
    monkeypatch.setattr(QPainter, "drawText", lambda painter, x, y, words: painted.append(words))
    for width, most, last in ((400, 2, "6 tenants · no checkpoint yet"), (120, 2, "…"), (250, 1, "…")):
        painted.clear()
        label.fold_to(most)
        label.resize(width, 60)
        label.grab()
        assert painted[-1].endswith(last) and "\n" not in "".join(painted)
        assert not any("consistent6" in words or "consistent 6" in words for words in painted)
    assert painted == [painted[0]] and painted[0].startswith("Entry 5,000 consistent · 6")
