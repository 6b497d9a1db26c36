"""A form whose act may take long: it shows how far that is, and can be ended."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.banner import ProgressBar
from app.ui.widgets.form_dialog import FormDialog
from models.progress import Monitor, seldom


class LongForm(FormDialog):
    """While it is written, Cancel ends that first, of which nothing is left then. `bar` is for the owner to
    place; the act is to be given the `monitor()`.
    """

    _written = Signal(int, int)

    def __init__(
        self, theme: Theme, title: str, sentence: str = "", *, action: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, title, sentence, action=action, parent=parent)
        self._is_ending = self._is_writing = False
        self.bar = ProgressBar()
        self.bar.setAccessibleName("How far it is")
        policy = self.bar.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # else all below it moves when it comes and goes
        self.bar.setSizePolicy(policy)
        self.bar.hide()
        self._written.connect(self.bar.show_progress)

    def monitor(self) -> Monitor:
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
        self.bar.setVisible(busy)
        if busy:
            self.bar.show_progress(0, 0)
