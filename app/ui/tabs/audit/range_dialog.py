"""Asks for a range of entries to verify."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.chain.rules import HIGHEST_SEQ
from app.ui.tabs.audit.outcome import Ends
from app.ui.theme import Theme
from app.ui.widgets.form_dialog import FormDialog, Value
from app.ui.widgets.formatting import grouped

_UNREADABLE = "Type the number of an entry, such as 1,200."


class VerifyRangeDialog(FormDialog):
    """`VerifyRangeDialog(theme, chain, filled, *, tenant=None, parent=None)`.

    `chain` is the first and the last entry there is, `filled` what the fields hold at first; None where there
    is no entry. With `tenant` both are this tenant's. `chosen(first, last)` when it has closed.
    """

    chosen = Signal(int, int)

    def __init__(
        self,
        theme: Theme,
        chain: Ends | None,
        filled: Ends | None,
        *,
        tenant: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        whose = "the entries of every tenant" if tenant is None else f"only the entries of {tenant}"
        super().__init__(
            theme,
            "Verify a range",
            f"Recomputes every hash and follows every link between two entries, both included: {whose}. "
            "Checkpoints say nothing of a range, and none is made of it.",
            action="Verify",
            parent=parent,
        )
        self._chain = chain
        self.first, self.last = QLineEdit(), QLineEdit()
        for place, editor in enumerate((self.first, self.last)):
            editor.setText(grouped(filled[place]) if filled else "")
            editor.setInputMethodHints(Qt.InputMethodHint.ImhPreferNumbers)
        there = f"The chain has entries {grouped(chain[0])} to {grouped(chain[1])}." if chain else ""
        self.add_field("first", "From entry", self.first, self._check_first)
        self.add_field("last", "To entry", self.last, self._check_last, hint=there)
        # The last entry may be wrong, or right again, because the first one changed.
        self.first.textEdited.connect(lambda _: self._edited("last"))
        self.submitted.connect(self._choose)
        self.first.setFocus()
        self.first.selectAll()

    def is_dirty(self) -> bool:
        """Never: two numbers are no work that could be lost."""
        return False

    def _check_first(self, value: Value) -> str:
        number = _number(value)
        if number is None:
            return _UNREADABLE
        if self._chain is not None and number > self._chain[1]:
            return f"The last entry is {grouped(self._chain[1])}."
        return ""

    def _check_last(self, value: Value) -> str:
        number, first = _number(value), _number(self.first.text())
        if number is None:
            return _UNREADABLE
        if self._chain is not None and number < self._chain[0]:
            return f"The first entry is {grouped(self._chain[0])}."
        if self._chain is not None and number > self._chain[1]:
            return f"The last entry is {grouped(self._chain[1])}."
        if first is not None and number < first:
            return f"This must be {grouped(first)} or a later entry."
        return ""

    def _choose(self) -> None:
        first, last = _number(self.first.text()), _number(self.last.text())
        if first is not None and last is not None:
            self.accept()
            self.chosen.emit(first, last)


def _number(value: Value) -> int | None:
    """What a person may write for a seq: digits, grouped as the table shows them or not."""
    text = "".join(str(value).replace(",", "").split())
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > len(str(HIGHEST_SEQ)):
        return None
    return int(text) if int(digits) <= HIGHEST_SEQ else None
