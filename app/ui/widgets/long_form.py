"""A form whose act may take long: it shows how far that is, and can be ended."""

import time

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.banner import ProgressBar
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.formatting import how_far
from app.ui.widgets.labels import Label, Look, in_row
from models.progress import Monitor, seldom


class ProgressLine(QWidget):
    """How far long work is, as a bar and in words, from `begin(of)` on, which says how many of what a person
    counts there are, where that is known. It keeps its place when it is hidden, unless it need not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar = ProgressBar()
        self.words = Label(look=Look.DIM)
        self.words.setFixedHeight(self.words.fontMetrics().height() + 2)  # as high without words
        in_row((self.bar, 1), self.words, within=self)
        self.keep_room(True)  # else all below it moves when it comes and goes
        self._of, self._began = 0, 0.0
        self.hide()

    def keep_room(self, keep: bool) -> None:
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(keep)
        self.setSizePolicy(policy)

    def begin(self, of: int = 0) -> None:
        self._of, self._began = of, time.monotonic()
        self.bar.show_progress(0, 0)
        self.words.setText("")
        self.show()

    def show_progress(self, done: int, total: int) -> None:
        self.bar.show_progress(done, total)
        if total:
            self.words.setText(how_far(done, total, time.monotonic() - self._began, self._of))


class LongForm(FormDialog):
    """While it is written, Cancel ends that first, of which nothing is left then. `far` stands below the
    buttons, which it does not move, or where the owner places it; the act is to be given the `monitor(of)`,
    of so many records.
    """

    far_below = True
    _written = Signal(int, int)

    def __init__(
        self, theme: Theme, title: str, sentence: str = "", *, action: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, title, sentence, action=action, parent=parent)
        self._is_ending = self._is_writing = False
        self._of = 0
        self.far = ProgressLine()
        self.bar = self.far.bar
        self._written.connect(self.far.show_progress)
        if self.far_below:
            self.far.keep_room(False)
            self.add_said(self.far)

    def monitor(self, of: int = 0) -> Monitor:
        self._of = of
        return Monitor(seldom(self._written.emit), lambda: self._is_ending)

    def reject(self) -> None:
        if self._is_writing:
            self._is_ending = True
            self.cancel_button.setEnabled(False)
        else:
            super().reject()

    def set_busy(self, busy: bool) -> None:
        super().set_busy(busy)
        self._is_writing, self._is_ending = busy, False
        self.cancel_button.setEnabled(True)
        if busy:
            self.far.begin(self._of)
        else:
            self.far.hide()
