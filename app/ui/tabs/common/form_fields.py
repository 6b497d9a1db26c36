"""Fields of forms that offer what there is, and take something new only where that is asked for; and the
line that says what an act on many records takes, where each row is charged.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.services import text
from app.services.records.change import price_to_add, price_to_change
from app.services.text import apart, folded, some_of
from app.ui.session.context import Context
from app.ui.widgets.buttons import CheckBox
from app.ui.widgets.clipboard import PasteBox
from app.ui.widgets.form_dialog import FieldValue, checked
from app.ui.widgets.formatting import EMPTY
from app.ui.widgets.labels import LONGEST, Label, Look, bounded, in_column, keep_room
from models.status import SYSTEM_TENANT

_valid = checked(text.tenant_id)
_NEW = "A new tenant…"
_NO_RECORDS = f"{SYSTEM_TENANT} is the chain of what is done to the whole database; no record can be its."
_SHOWN, _NAMED = 60, 3
_ALIKE, _LETTERS, _COMPARED = 0.85, 2, 2_000
"""How like another name a mistyped one is, by how many letters longer at the most, and of how many."""


def with_records(tenants: Iterable[str], erased: Collection[str]) -> list[str]:
    """Those that can have records, without those that were `erased`."""
    return [one for one in tenants if one != SYSTEM_TENANT and one not in erased]


class LinesEditor(PasteBox):
    """Text of several lines, as `longest` as it may be. `changed()` with every edit."""

    changed = Signal()
    is_unfinished = False

    def __init__(self, lines: int, longest: int) -> None:
        super().__init__(longest)
        self.setFixedHeight((lines + 1) * self.fontMetrics().lineSpacing())
        self.textChanged.connect(self.changed)

    def value(self) -> str:
        return self.toPlainText()


class _TenantBox(QComboBox):
    """Knows whether a choice is a step: of a key, the wheel or a letter, while the list is not down."""

    is_stepped = False

    def event(self, event: QEvent) -> bool:
        self.is_stepped = event.type() in (QEvent.Type.KeyPress, QEvent.Type.Wheel)
        try:
            return super().event(event)
        finally:
            self.is_stepped = False


class TenantField(QWidget):
    """`TenantField(tenants, chosen)`: the tenants there are, and "A new tenant…", which asks for its name.
    Not offered are those that can have no new records (`system`, one without a name), or had theirs `erased`.

    `changed()` with every edit; `value()` is the tenant's id, empty while none is chosen. What is typed by
    mistake stays for good, as its audit chain says what was done there, and undone: so a name that is not
    there yet has to be agreed to, by a box that shows it once more, and again when it has been changed.
    """

    changed = Signal()

    def __init__(
        self, tenants: Sequence[str], chosen: str | None, erased: frozenset[str] = frozenset()
    ) -> None:
        super().__init__()
        self._erased = erased
        chosen = next(iter(with_records([chosen] if chosen else [], erased)), None)
        there = filter(None, with_records(tenants, erased))
        self._tenants = list(dict.fromkeys([*there, *([] if chosen is None else [chosen])]))
        self.box, self.name, self.agree = _TenantBox(), QLineEdit(), CheckBox("")
        self.box.setAccessibleName("Tenant")
        self.box.setPlaceholderText("Choose a tenant")
        self.box.addItems([*(bounded(apart(one), longest=_SHOWN) or EMPTY for one in self._tenants), _NEW])
        self.name.setPlaceholderText("The new tenant's id, as the platform writes it")
        self.name.setAccessibleName("Id of the new tenant")
        self.box.setCurrentIndex(-1 if chosen is None else self._tenants.index(chosen))
        self.alike = Label(look=Look.WARN, wrap=True)
        for part in (self.name, self.alike, self.agree):
            part.setVisible(False)
        self.box.currentIndexChanged.connect(self._chosen)
        self.name.textChanged.connect(self._named)
        self.agree.toggled.connect(self.changed)
        in_column(self.box, self.name, self.alike, self.agree, within=self, spacing=4)
        self.setFocusProxy(self.box)

    def value(self) -> str:
        at = self.box.currentIndex()
        return self.name.text().strip() if self._is_new() else self._tenants[at] if at >= 0 else ""

    @property
    def is_unfinished(self) -> bool:
        return not self.agree.isHidden() and not self.agree.isChecked()

    def check(self, value: FieldValue) -> str:
        """What a form asks: whether one is chosen, and of a new one whether it may be, and was agreed to."""
        if self.box.currentIndex() < 0:
            return "Choose a tenant."
        if self.is_unfinished:
            return "This tenant is not there yet. Tick the box to create it, or choose one that is there."
        return self._wrong_name(str(value)) if self._is_new() else ""

    def _wrong_name(self, typed: str) -> str:
        if typed.strip() == SYSTEM_TENANT:
            return _NO_RECORDS
        wanted = folded(typed.strip())
        there = next((one for one in self._tenants if folded(one) == wanted), None)
        return _valid(typed) if there is None else f"There is a tenant {bounded(there)} already; choose it."

    def _named(self) -> None:
        typed = self.name.text().strip() if self._is_new() else ""
        may_be = bool(typed) and not self._wrong_name(typed)
        as_long = [one for one in self._tenants if may_be and abs(len(one) - len(typed)) <= _LETTERS]
        near = _much_like(typed, as_long)
        again = may_be and typed in self._erased
        self.alike.setVisible(near is not None or again)
        if again:
            self.alike.setText(f"{bounded(typed)} was erased; it would be a tenant again.")
        elif near is not None:
            there = f"{bounded(near)} is there, which is much like this."
            self.alike.setText(f"{there} It will be another tenant, for good.")
        self.agree.setChecked(False)
        named = f"Create the tenant “{bounded(typed, longest=_SHOWN)}”"
        self.agree.set_words(f"{named} again" if again else named)
        self.agree.setVisible(may_be)
        self.setFocusProxy(self.agree if may_be else self.name if self._is_new() else self.box)
        self.changed.emit()

    def _is_new(self) -> bool:
        return self.box.currentIndex() == len(self._tenants)

    def _chosen(self) -> None:
        self.name.setVisible(self._is_new())
        if self._is_new() and not self.box.is_stepped:  # who steps through the list is not done yet
            self.name.setFocus()
        self._named()


class EventsField(QWidget):
    """`EventsField(known, every, stored)`: a check box for all event types, one for each `known` with what it
    means, if that is told, and others as text.

    `every` is the word for all. `value()` is the comma list, the `stored` one itself while nothing differs.
    What is mistyped is never delivered, and nobody hears of it: others than the `stored` ones have to be
    agreed to, by a box that names them, and again when they have been changed.
    """

    changed = Signal()

    def __init__(self, known: Mapping[str, str], every: str, stored: str) -> None:
        super().__init__()
        self._every, self._stored = every, stored
        self.all = CheckBox("All events, also those that come later")
        self.boxes = {
            name: CheckBox(f"{name} – {meaning}" if meaning else name) for name, meaning in known.items()
        }
        self.other = QLineEdit(placeholderText="Other event types, a comma list")
        self.other.setAccessibleName("Other event types")
        self.warning, self.agree = Label(look=Look.WARN, wrap=True), CheckBox("")
        in_column(
            self.all, *self.boxes.values(), self.other, self.warning, self.agree, within=self, spacing=4
        )
        self.set_value(stored)
        self._first = self._ticked()
        for box in (self.all, *self.boxes.values()):
            box.toggled.connect(self._edited)
        self.other.textChanged.connect(lambda: self.agree.setChecked(False))
        self.other.textChanged.connect(self._edited)
        self.agree.toggled.connect(self._edited)
        self._edited()

    def value(self) -> str:
        ticked = self._ticked()
        return self._stored if ticked == self._first else ticked

    @property
    def is_unfinished(self) -> bool:
        return not self.agree.isHidden() and not self.agree.isChecked()

    def check(self, value: FieldValue) -> str:
        """What a form asks: whether all of others was agreed to."""
        if not self.is_unfinished:
            return ""
        return "Tick the box to keep what is not known here, or correct it."

    def set_value(self, events: str) -> None:
        names = _names(events)
        self.all.setChecked(self._every in names)
        for name, box in self.boxes.items():
            box.setChecked(name in names)
        others = ", ".join(name for name in names if name not in {self._every, *self.boxes})
        self.other.setText(others[: LONGEST + 1])

    def _ticked(self) -> str:
        chosen = [name for name, box in self.boxes.items() if box.isChecked()]
        return self._every if self.all.isChecked() else ",".join(filter(None, (*chosen, self.other.text())))

    def _edited(self) -> None:
        some = not self.all.isChecked()
        for editor in (*self.boxes.values(), self.other):
            editor.setEnabled(some)
        others = [one for one in _names(self.other.text()) if one not in self.boxes] if some else []
        new = [one for one in others if one not in _names(self._stored)]
        self.warning.setText(self._doubt(new))
        self.warning.setVisible(bool(others))
        self.agree.set_words(f"Save {some_of([*map(_quoted, new)], _NAMED, len(new))} all the same")
        self.agree.setVisible(bool(new))
        self.setFocusProxy(self.agree if self.is_unfinished else self.all)
        self.changed.emit()

    def _doubt(self, new: Sequence[str]) -> str:
        doubt = "The platform is not known to send these; a name that is mistyped is never delivered."
        meant = next(filter(None, (_much_like(one, list(self.boxes)) for one in new)), None)
        return f"{doubt} Did you mean {_quoted(meant)}?" if meant else doubt


def _much_like(typed: str, names: Sequence[str]) -> str | None:
    """The name, of the first so many, that was perhaps to be typed."""
    from difflib import get_close_matches  # noqa: PLC0415 - for what few forms are asked

    found = get_close_matches(typed[:_SHOWN], names[:_COMPARED], n=1, cutoff=_ALIKE)
    return found[0] if found else None


def _names(events: str) -> list[str]:
    return [name for part in events.split(",") if (name := part.strip())]


def _quoted(name: str) -> str:
    return f"“{bounded(name, longest=_SHOWN)}”"


_LOW: Final = 640
"""Points of a screen below which a form with a price scrolls."""


class PriceLine(Label):
    """`PriceLine(context)`: empty where nobody pays, and where the act is about one record; where somebody
    does it keeps room for so many `lines`, so that no button moves when it is told. On low screens none does:
    a form is as high as that lets it, and its fields need the room. It is for the foot of a form, where it is
    in sight.
    """

    def __init__(self, context: Context, lines: int = 3) -> None:
        super().__init__("", Look.DIM, wrap=True)
        self._context = context
        self._is_told = context.opened.database.charges
        if self._is_told and self.screen().availableGeometry().height() >= _LOW:
            self.setMinimumHeight(lines * self.fontMetrics().lineSpacing())
            keep_room(self)
        self.hide()  # an empty line is heard as one that says nothing

    def tell_added(self, each: int, rows: int, entries: int, looks: int = 0) -> None:
        """Of so many new rows, each charged as `each`, with so many entries; it `looks` at so many others."""
        database, asks = self._context.opened.database, self._context.agreed.asks
        written, read = price_to_add(database, each, rows, entries, asks=asks)
        self._tell(rows, written, read + looks)

    def tell_changed(
        self, table: str, columns: Iterable[str], rows: int, entries: int, looks: int = 0
    ) -> None:
        """Of so many rows that get other values in these columns."""
        database, asks = self._context.opened.database, self._context.agreed.asks
        each = self._context.lists.written(table, [*columns, "updated_at"])
        written, read = price_to_change(database, each, rows, entries, asks=asks)
        self._tell(rows, written, read + looks)

    def _tell(self, rows: int, written: int, read: int) -> None:
        self.setText(self._context.price(written, read=read, going=0).strip() if rows > 1 else "")
        self.setVisible(self._is_told and rows > 1)
