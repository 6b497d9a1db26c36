"""What came of one delivery, as dialogs show it: a verdict, its times, headers and body."""

from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Tone
from app.services.deliveries.exchange import DeliveryAnswer
from app.services.deliveries.sending import SECONDS
from app.services.text import byte_size
from app.ui.tabs.webhooks.event_table import looks_of
from app.ui.tabs.webhooks.verdict_card import VerdictCard
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, in_column, in_row, text_box
from app.ui.widgets.waterfall import Waterfall, WaterfallBar, milliseconds

_HEADERS_HEIGHT = 84
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
        self.body.set_json(answer.text())
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


def _pieces(answer: DeliveryAnswer) -> list[WaterfallBar]:
    """The parts of the time, which add up to it as they are shown: what is between them is one more."""
    pieces = [WaterfallBar(step.part.value, step.begun, step.took) for step in answer.steps]
    left = round(answer.seconds * 1000) - sum(round(piece.took * 1000) for piece in pieces)
    return (
        pieces if left < 1 else [*pieces, WaterfallBar(_BETWEEN, answer.seconds - left / 1000, left / 1000)]
    )
