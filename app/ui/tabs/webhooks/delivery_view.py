"""What came of a delivery, as dialogs show it: a verdict, its times, headers and body; of the deliveries
that are selected, of one all that is kept, of several what they are.

And small views that dialogs of deliveries share: tables of events that were sent or received, a verdict as a
surface, what parts of a time took, and where nothing is sent to this computer the way to let it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QSizePolicy, QWidget

from app.itemmodels.columns import Column
from app.services.deliveries import hiding
from app.services.deliveries.log import Delivery
from app.services.deliveries.request import (
    SIGNATURE,
    STANDARD_SIGNATURE,
    DeliveryAnswer,
    DeliveryFate,
    fate,
    title_of,
)
from app.services.deliveries.sending import SECONDS
from app.services.deliveries.signing import Signing
from app.services.text import byte_size, counted, in_one_line
from app.ui.session.context import Context
from app.ui.theme import Icon, Theme, Tone, set_property
from app.ui.widgets.buttons import Lines, push_button
from app.ui.widgets.following import FollowingScroll
from app.ui.widgets.formatting import absolute_time, grouped, relative_time, shortened
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import (
    FoldedLabel,
    IconLabel,
    Label,
    Look,
    bounded,
    clear,
    in_column,
    in_row,
    set_tip,
    text_box,
)
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable

_LEAST = 3.0
"""Pixels of a bar that takes no time."""
_HEIGHT, _BAR = 20, 8


@dataclass(frozen=True, slots=True)
class WaterfallBar:
    """A part by its name; when it began and how long it took, in seconds."""

    name: str
    begun: float
    took: float


class Waterfall(QWidget):
    """The longest piece is bold and in the accent, the others are quiet."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)

    def show_pieces(self, pieces: Sequence[WaterfallBar]) -> None:
        clear(self._grid)
        whole = max((piece.begun + piece.took for piece in pieces), default=0.0)
        longest = max(pieces, key=lambda piece: piece.took, default=None)
        for row, piece in enumerate(pieces):
            is_longest = piece is longest
            look = Look.STRONG if is_longest else Look.TEXT
            took = Label(milliseconds(piece.took), look, caption=piece.name)
            name = Label(piece.name, look)
            name.setBuddy(took)
            self._grid.addWidget(name, row, 0)
            self._grid.addWidget(_Bar(self._theme, piece, whole, is_longest=is_longest), row, 1)
            self._grid.addWidget(took, row, 2)
            took.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


def milliseconds(seconds: float) -> str:
    return f"{grouped(round(seconds * 1000))} ms"


class _Bar(QWidget):
    def __init__(self, theme: Theme, piece: WaterfallBar, whole: float, *, is_longest: bool) -> None:
        super().__init__()
        self._theme, self._is_longest = theme, is_longest
        self._from, self._part = (piece.begun / whole, piece.took / whole) if whole else (0.0, 0.0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle, width = self.height() / 2, self.width()
        painter.fillRect(QRectF(0, round(middle), width, 1), self._theme.colour("line"))
        wide = max(_LEAST, self._part * width)
        left = min(self._from * width, width - wide)
        colour = self._theme.colour("accent" if self._is_longest else "scroll_hover")
        painter.fillRect(QRectF(left, round(middle - _BAR / 2), wide, _BAR), colour)
        painter.end()


_COLUMNS: Final[dict[str, Column]] = {
    column.title: column
    for column in (
        StaticColumn("Result"),
        StaticColumn("Sent"),
        StaticColumn("Received"),
        StaticColumn("Event"),
        StaticColumn("Took", right=True),
        StaticColumn("Message id", dim=True, monospace=True),
        StaticColumn("Webhook", dim=True),
        StaticColumn("Signature"),
        StaticColumn("Size", right=True),
        StaticColumn("Answered", dim=True),
    )
}

_LOOKS: Final[dict[DeliveryFate, tuple[Tone, str]]] = {
    DeliveryFate.DELIVERED: (Tone.OK, Icon.OK),
    DeliveryFate.FAILED: (Tone.BAD, Icon.BAD),
    DeliveryFate.STOPPED: (Tone.WARN, Icon.CANCELLED),
}
_HEAD = len("msg_") + 2


def event_table(theme: Theme, name: str, titles: Sequence[str], *, most: int | None) -> StaticTable:
    """A table with these of the columns, in this order; that of the events takes the width that is left."""
    columns = [_COLUMNS[title] for title in titles]
    giving = [place for place, title in enumerate(titles) if title == "Size"]
    return StaticTable(theme, name, columns, most=most, wide=list(titles).index("Event"), giving=giving)


def looks_of(code: str, *, is_ok: bool) -> tuple[Tone, str]:
    """The colour and the icon of what came of a delivery, by the status or what stands in its place."""
    return _LOOKS[fate(code, is_ok=is_ok)]


def result(code: str, *, is_ok: bool, took_ms: int | None = None) -> Cell:
    """What stands for a status; its words are the tip, with what it took."""
    tone, icon = looks_of(code, is_ok=is_ok)
    took = "" if took_ms is None else f" · {milliseconds(took_ms / 1000)}"
    return Cell(code, tone=tone, icon=icon, tip=title_of(code) + took)


def sent(at: int, now: int, *, utc: bool) -> Cell:
    return Cell(relative_time(at, now), at, tip=absolute_time(at, utc))


def event(name: str, *, again: bool = False) -> Cell:
    return Cell(f"{name} · again" if again else name)


def message(name: str) -> Cell:
    """What names an event in its headers; nothing where it has none."""
    return Cell(shortened(name, _HEAD), tip=name or None, whole=name)


def took(took_ms: int) -> Cell:
    return Cell(milliseconds(took_ms / 1000), took_ms)


class VerdictCard(QFrame):
    """An icon, a few words, and why: red as a surface where it is bad. An `act` stands beneath them."""

    def __init__(self, theme: Theme, act: QPushButton | None = None) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAccessibleName("Verdict")
        self._icon = IconLabel(theme, 24)
        self.title = Label(look=Look.TITLE, wrap=True)
        self.title.setProperty("verdict", True)  # bold in any colour
        self.why = Label(wrap=True, selectable=True)
        self.why.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        words = in_column(self.title, self.why, spacing=2)
        if act is not None:
            words.addSpacing(4)
            words.addWidget(act, 0, Qt.AlignmentFlag.AlignLeft)
        in_row(self._icon, (words, 1), within=self, margins=(12, 10, 12, 10), spacing=12)

    def show_verdict(self, tone: Tone, icon: str, title: str, why: str) -> None:
        self._icon.show_icon(icon, tone)
        self.title.setText(title)
        set_property(self.title, "look", Look.TEXT if tone is Tone.NEUTRAL else tone.value)
        self.why.say(why)
        set_property(self, "alarm", tone is Tone.BAD)


_OFF = "The preferences keep test events from this computer."
_TIP = "Changes the preference; test events to webhooks at 127.0.0.1 or localhost are sent from then on"


class AllowHere(QWidget):
    """Says that the preferences let nothing be sent to this computer, with a button that changes that.
    `allowed()` once it was pressed.
    """

    allowed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.button = push_button(context.theme, "Allow it", self._allow, tip=_TIP)
        self.button.setAccessibleName("Allow test events to this computer")
        in_row((Label(_OFF, Look.WARN, wrap=True), 1), self.button, within=self, spacing=8)
        if context.settings.webhooks_here:  # what is shown before it has a place is a window of its own
            self.hide()

    def show_where(self, *, here: bool) -> None:
        """To be seen where something is to go to this computer, and may not."""
        self.setVisible(here and not self._context.settings.webhooks_here)

    def _allow(self) -> None:
        self._context.settings.webhooks_here = True
        self.hide()
        self._context.say("Test events go to this computer now; the preferences take it back")
        self.allowed.emit()


_HEADERS_HEIGHT = 84
_NO_JSON = "This is not valid JSON, as Content-Type says it is; it is shown as it came."
_BETWEEN, _BEFORE = "within this program", "Before"


class AnswerView(QWidget):
    """Nothing but a hint before there is one. `request` stands behind what came of it."""

    def __init__(self, theme: Theme, hint: str, request: QWidget | None = None) -> None:
        super().__init__()
        self._hint = Label(hint, Look.DIM, wrap=True)
        self.verdict = VerdictCard(theme)
        self.title, self.why = self.verdict.title, self.verdict.why
        self.total = Label(look=Look.STRONG, caption="Time")
        limit = Label(f"of {milliseconds(SECONDS)} allowed", Look.DIM)
        self.waterfall = Waterfall(theme)
        self.source = Label("", Look.DIM, wrap=True)
        self.headers = text_box(theme, "Headers of the response")
        self.headers.setFixedHeight(_HEADERS_HEIGHT)
        self.body = JsonView(theme, "Body of the response")
        self._came, self._answer = QWidget(), QWidget()
        in_column(
            in_row(Label("Response", Look.SECTION), (self.source, 1)),
            self.headers,
            (self.body, 1),
            within=self._came,
        )
        in_column(
            self.verdict,
            in_row(Label("Time", Look.SECTION), None, self.total, limit, spacing=5),
            self.waterfall,
            within=self._answer,
        )
        behind = [] if request is None else [request]
        in_column(self._hint, self._answer, (self._came, 1), *behind, None, within=self)
        self._answer.hide()
        self._came.hide()
        self._shown: DeliveryAnswer | None = None

    def show_answer(self, answer: DeliveryAnswer) -> None:
        self._shown = answer
        look = looks_of(answer.code, is_ok=answer.is_ok)
        self.verdict.show_verdict(*look, answer.title, answer.why)
        self.total.setText(milliseconds(answer.seconds))
        self.waterfall.show_pieces(_pieces(answer))
        size = f"first {byte_size(len(answer.body))}, cut" if answer.is_cut else byte_size(len(answer.body))
        source = (answer.address, answer.tls, size if answer.status is not None else "")
        self.source.setText(" · ".join(filter(None, source)))
        self.headers.setPlainText("\n".join(f"{name}: {value}" for name, value in answer.headers))
        self.body.set_json(answer.text(), _NO_JSON if _is_called_json(answer) else "")
        self._came.setVisible(answer.status is not None)
        self._hint.hide()
        self._answer.show()

    def outdate(self) -> bool:
        """What is shown was the answer to another request than the one beside it; whether any is shown."""
        if self._shown is None:
            return False
        answer = self._shown
        title = f"{_BEFORE}: {answer.title}"
        self.verdict.show_verdict(Tone.NEUTRAL, Icon.HISTORY, title, answer.why)
        return True

    def clear(self, hint: str) -> None:
        """Shows a hint in place of an answer."""
        self._shown = None
        self._hint.setText(hint)
        self._answer.hide()
        self._came.hide()
        self._hint.show()


def _is_called_json(answer: DeliveryAnswer) -> bool:
    kind = next((text for name, text in answer.headers if name.lower() == "content-type"), "")
    return "json" in kind.partition(";")[0].lower() and not answer.is_cut


def _pieces(answer: DeliveryAnswer) -> list[WaterfallBar]:
    """The parts of the time, which add up to it as they are shown: what is between them is one more."""
    pieces = [WaterfallBar(step.part.value, step.begun, step.took) for step in answer.steps]
    left = round(answer.seconds * 1000) - sum(round(piece.took * 1000) for piece in pieces)
    return (
        pieces if left < 1 else [*pieces, WaterfallBar(_BETWEEN, answer.seconds - left / 1000, left / 1000)]
    )


_AROUND = 20
_BODY_HEIGHT, _AROUND_LINES = 66, 24
_FEWEST, _MOST = 7, 12
"""Lines of headers in sight: those of the platform, and at most as many as of an event of our own."""
_NOT_KEPT = "Not kept: an earlier version of this program has sent it."
_SEVERAL = (
    "Send again sends each of them once more, to its webhook as it is now. Copy as curl takes a single one."
)
_HOW = {
    Signing.PLATFORM: "Signed as the platform does, which gives no message id",
    Signing.STANDARD: "Signed as Standard Webhooks",
}


class DeliveryView(QWidget):
    """As large as its place, whatever there is to say of a delivery: below its heading and the acts on it,
    which stand there for each, the rest scrolls.
    """

    def __init__(self, theme: Theme, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.subtitle = FoldedLabel(look=Look.TITLE, most=1), FoldedLabel(look=Look.DIM, most=1)
        self._acts, self._head = Lines(gap=6), QWidget(self)
        in_column(self.title, self.subtitle, self._acts, within=self._head, spacing=6)
        self._head.hide()
        self.below_acts = scroll = FollowingScroll(_AROUND)
        self._sent = QWidget()
        self.answer = AnswerView(theme, hint, self._sent)
        self.sent_title = Label("", Look.SECTION)
        self.signed = Label("", Look.DIM, wrap=True, selectable=True)
        self.sent_headers = text_box(theme, "Headers that were sent")
        self.sent_headers.setPlaceholderText(_NOT_KEPT)
        self.sent_body = text_box(theme, "Body that was sent")
        self.sent_body.setFixedHeight(_BODY_HEIGHT)
        self.outcomes = Label("", wrap=True, selectable=True)
        self._one, self._many, content = QWidget(), QWidget(), QWidget()
        content.setProperty("clear", True)
        scroll.setWidget(content)  # each part has its place before it is filled
        in_column(self._head, (scroll, 1), within=self)
        in_column(self._one, self._many, None, within=content, margins=(0, 0, _AROUND // 2, 0))
        in_column(self.sent_title, self.signed, self.sent_headers, self.sent_body, within=self._sent)
        in_column((self.answer, 1), within=self._one)
        what = Label(_SEVERAL, Look.DIM, wrap=True)
        in_column(self.outcomes, what, within=self._many)
        self.clear(hint)

    def set_actions(self, buttons: Sequence[QPushButton]) -> None:
        """The buttons of what can be done with those that are selected, from the left; once."""
        self._acts.set_parts(buttons)

    def clear(self, hint: str) -> None:
        """Shows a hint in place of a delivery."""
        self.answer.clear(hint)
        self._head.hide()
        self._show(one=True, sent=False)

    def show_request(self, delivery: Delivery, subtitle: str, hint: str) -> None:
        """What was sent, and below its event the `subtitle`; of what came of it a hint, until it is read."""
        self._show_head(delivery.event, subtitle)
        again = " · sent again" if delivery.resent else ""
        self.sent_title.setText(f"Sent{again}")
        self.signed.setText(_how(delivery))
        self.sent_headers.setPlainText("\n".join(f"{name}: {text}" for name, text in delivery.headers))
        lines = min(max(len(delivery.headers), _FEWEST), _MOST)
        self.sent_headers.setFixedHeight(
            lines * self.sent_headers.fontMetrics().lineSpacing() + _AROUND_LINES
        )
        self.sent_body.setPlainText(hiding.secretless(delivery.body))  # as it was signed
        if self._sent.isHidden():
            self.answer.clear(hint)
        self._show(one=True, sent=True)

    def show_answer(self, answer: DeliveryAnswer) -> None:
        self.answer.show_answer(answer)
        self._show(one=True, sent=True)

    def show_several(self, chosen: Sequence[Delivery], subtitle: str) -> None:
        self._show_head(f"{counted(len(chosen), 'delivery', 'deliveries')} selected", subtitle)
        self.outcomes.setText(outcomes([one.code for one in chosen]) + ".")
        self._show(one=False, sent=False)

    def _show_head(self, title: str, subtitle: str) -> None:
        for line, words in ((self.title, title), (self.subtitle, subtitle)):
            line.setText(bounded(in_one_line(words)))
            set_tip(line, words if line.is_long_at(self.width()) else "")
        self._head.show()

    def _show(self, *, one: bool, sent: bool) -> None:
        self._sent.setVisible(sent)
        self._one.setVisible(one)
        self._many.setVisible(not one)


def outcomes(codes: Sequence[str]) -> str:
    """`3 answered 200 OK, 1 timeout`: the most first."""
    return ", ".join(
        f"{count:,} {f'answered {title_of(code)}' if code.isdecimal() else code}"
        for code, count in Counter(codes).most_common()
    )


def _how(delivery: Delivery) -> str:
    names = {name for name, _ in delivery.headers}
    if delivery.headers and not names & {SIGNATURE, STANDARD_SIGNATURE}:
        return "Not signed: the webhook had no secret"
    kept = "; the signature itself is not kept" if delivery.headers else ""
    message = f" · {delivery.message}" if delivery.message else ""
    return f"{_HOW[delivery.signing]}{message}{kept}"
