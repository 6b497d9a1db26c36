"""What stands beside a table, and what stands where a table or a record would be."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QSplitter, QStackedLayout, QWidget

from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import StatusChip, push_button
from app.ui.widgets.labels import ElidedLabel, IconLabel, Label, Look
from app.ui.widgets.layouts import in_column, in_row
from models.errors import TableMissing, TenantAdminError


class EmptyState(QWidget):
    """An icon, a title, a sentence and at most two buttons in the middle of nothing."""

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        sentence: str = "",
        buttons: tuple[QPushButton, ...] = (),
    ) -> None:
        super().__init__()
        self._icon = IconLabel(theme, 40)
        self._title = Label(look=Look.STRONG, wrap=True)
        self._sentence = Label(look=Look.DIM, wrap=True)
        for label in (self._title, self._sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = in_column(within=self, margins=(24, 24, 24, 24))
        column.addStretch(2)
        for part in (self._icon, self._title, self._sentence):
            column.addWidget(part)
        column.addSpacing(8)
        column.addLayout(in_row(None, *buttons, None))
        column.addStretch(3)
        self.set(icon, title, sentence)

    def set(self, icon: str, title: str, sentence: str = "") -> None:
        """Say something else."""
        self._icon.show_icon(f"{icon}-light", "dim")
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self.setAccessibleName(f"{title}. {sentence}".strip())

    def title(self) -> str:
        """The bold line."""
        return self._title.text()

    def sentence(self) -> str:
        """The dim line."""
        return self._sentence.text()


class ListEmptyState(EmptyState):
    """Stands where a list has no rows; `empty` is the title and the sentence for one that has none at all.

    `clear_wanted()` when the person asks for all rows instead of those that the filters keep.
    """

    clear_wanted = Signal()

    def __init__(self, theme: Theme, icon: str, noun: str, empty: tuple[str, str]) -> None:
        self.clear_button = push_button(theme, "Clear filters", icon=Icon.CLOSE)
        super().__init__(theme, icon, *empty, (self.clear_button,))
        self.clear_button.hide()
        self._of_none, self._noun, self._words = icon, noun, empty
        self.clear_button.clicked.connect(self.clear_wanted)

    def explain(self, *, filtered: bool) -> None:
        """Says that there is nothing, or that nothing matches the filters."""
        if filtered:
            self.set(Icon.SEARCH, "No match", f"No {self._noun} matches these filters.")
        else:
            self.set(self._of_none, *self._words)
        self.clear_button.setVisible(filtered)

    def explain_failure(self, error: TenantAdminError) -> None:
        """Says why the rows cannot be shown."""
        title = "Not in this file" if isinstance(error, TableMissing) else "Cannot be shown"
        self.set(Icon.WARNING, title, str(error))
        self.clear_button.hide()


GAP = 12
_DETAIL, _LEAST_DETAIL, _LEAST_HEIGHT = 400, 320, 160
_LEAST_WIDTH, _LEAST_BODY = 280, 24


class MasterDetail(QSplitter):
    """`detail` gets a third of the width, from 320 to 400 px, until the handle is moved by hand.

    `load()` returns the QByteArray that `save(QByteArray)` was last given, or an empty one.
    """

    def __init__(
        self,
        master: QWidget,
        detail: QWidget,
        *,
        load: Callable[[], QByteArray],
        save: Callable[[QByteArray], None],
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._save = save
        self.addWidget(master)
        self.addWidget(detail)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(GAP)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        self.setMinimumHeight(_LEAST_HEIGHT)
        state = load()
        self._by_hand = not state.isEmpty() and self.restoreState(state)
        self.splitterMoved.connect(self._moved)

    def share_width(self) -> None:
        """Gives both their share, unless they were arranged by hand."""
        if not self._by_hand:
            room = self.width() - GAP
            detail = min(_DETAIL, max(_LEAST_DETAIL, room // 3))
            self.setSizes([room - detail, detail])

    def save_sizes(self) -> None:
        """Hands the sizes to `save`, once they were arranged by hand."""
        if self._by_hand:
            self._save(self.saveState())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_width()

    def _moved(self) -> None:
        self._by_hand = True


class Inspector(QFrame):
    """All of one record, or that none is selected.

    Build the body once. Parts stay, their content changes, so nothing flickers while the selection moves.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAccessibleName("Inspector")
        self._title = ElidedLabel(look=Look.TITLE)
        self._subtitle = Label(look=Look.DIM, wrap=True, selectable=True)
        self._chip_box = QWidget()
        self._chips = in_row(within=self._chip_box, spacing=6)
        self.empty = EmptyState(theme, Icon.INFO, "Nothing selected", "Select a row to see all of it.")
        self.empty.setMinimumWidth(_LEAST_WIDTH)  # its own would let the buttons be cut

        content = QWidget()
        content.setProperty("clear", True)
        self._body = in_column(within=content, margins=(14, 0, 14, 0))
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setViewport(QWidget())
        scroll.setWidget(content)
        scroll.setMinimumHeight(_LEAST_BODY)
        content.setAutoFillBackground(False)
        self._foot = QWidget()
        self._foot.hide()  # buttons for nothing would still ask for their room
        self._actions = in_row(within=self._foot, margins=(14, 0, 14, 0))

        record = QWidget()
        self._head = in_row((self._title, 1), self._chip_box)
        self._top = in_column(self._head, self._subtitle, margins=(14, 0, 14, 2), spacing=4)
        in_column(self._top, (scroll, 1), self._foot, within=record, margins=(0, 10, 0, 14), spacing=6)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(record)

    def set_header(self, title: str, subtitle: str = "", chips: Sequence[StatusChip] = ()) -> None:
        """Name the record shown; the old chips are let go."""
        self._title.setText(title)
        self._subtitle.setText(subtitle)
        self._subtitle.setVisible(bool(subtitle))
        while (item := self._chips.takeAt(0)) is not None:
            old = item.widget()
            if old is not None and old not in chips:
                old.hide()
                old.deleteLater()
        for chip in chips:
            self._chips.addWidget(chip)
            chip.show()
        self._place_chips()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_chips()

    def _place_chips(self) -> None:
        """Beside the title, or below it where the title would be cut."""
        chips = self._chips.sizeHint().width()
        title = self._title.fontMetrics().horizontalAdvance(self._title.text())
        margins = self._top.contentsMargins()
        room = self.width() - margins.left() - margins.right() - 2 * self.frameWidth()
        if title + self._head.spacing() + chips <= room or chips == 0:
            self._head.addWidget(self._chip_box)
        else:
            self._top.addWidget(self._chip_box, 0, Qt.AlignmentFlag.AlignLeft)
        # Where the card is low, a stacked layout would cut the lines that wrap.
        self._subtitle.setMinimumHeight(max(0, self._subtitle.heightForWidth(max(1, room))))

    def title(self) -> str:
        """The record's name as shown."""
        return self._title.text()

    def subtitle(self) -> str:
        """The line below the title."""
        return self._subtitle.text()

    def add_widget(self, widget: QWidget, stretch: int = 0) -> None:
        """A part of the body."""
        self._body.addWidget(widget, stretch)

    def add_stretch(self) -> None:
        """Empty room that takes what is left."""
        self._body.addStretch(1)

    def set_actions(self, buttons: Sequence[QPushButton]) -> None:
        """Buttons at the foot, from the left."""
        while (item := self._actions.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.setParent(None)
        for button in buttons:
            self._actions.addWidget(button)
        self._actions.addStretch(1)

    def show_record(self) -> None:
        """Show header, body and actions."""
        self._foot.show()
        self._stack.setCurrentIndex(1)

    def show_empty(self) -> None:
        """Say that nothing is selected."""
        self._foot.hide()
        self._stack.setCurrentIndex(0)

    def is_empty(self) -> bool:
        """Whether nothing is shown."""
        return self._stack.currentIndex() == 0
