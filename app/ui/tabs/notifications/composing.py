"""The form of a notification that an administrator writes, to one tenant or to many."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from app.services.deliveries.request import MEANINGS
from app.services.records import notifications
from app.services.records.notifications import Composed, NamedRecord
from app.services.records.tables import NOTIFICATIONS
from app.services.text import counted, some_of
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import LinesEditor, PriceLine, with_records
from app.ui.theme import Theme, set_property
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import CheckBox, Choice, StatusChip
from app.ui.widgets.form_dialog import FieldValue, LongForm, checked
from app.ui.widgets.formatting import first_line
from app.ui.widgets.labels import ElidedLabel, Label, Look, bounded, in_column, in_row
from app.ui.widgets.many_picker import ManyPicker
from app.ui.widgets.picker import ChoiceBox
from app.workers.runner import Task
from models.status import WebhookEvent

_SENTENCE = "Each tenant gets one of its own, unread, and an entry in its chain. Undo takes all of it back."
_OTHER = "Another type…"
_UNKNOWN = "The platform is not known to write these: a name that is mistyped is shown as it is."
_SHAPE = '{"runId":"run_…","phase":"strategy"}'
_HINT = "A JSON object, or nothing. What it names by runId, userId or webhookId can be opened from the list."
_LINES, _FEW_LINES = 4, 2
_NAMED, _PREVIEWED, _SHOWN = 3, 160, 60
_PREVIEWED_TENANTS = 12
"""More than there is room for: how many they are stands before their names."""
_PREVIEWED_LINES = 3
_LOOK_MS = 300


class RecipientsField(QWidget):
    """`RecipientsField(theme, tenants, chosen)`: tenants that can have one and were not `erased`: those that
    are chosen in a list that can be searched, or all of them.

    `changed()` with every edit; `value()` tells edits apart.
    """

    changed = Signal()
    is_unfinished = False

    def __init__(
        self, theme: Theme, tenants: Sequence[str], chosen: str | None, erased: frozenset[str] = frozenset()
    ) -> None:
        super().__init__()
        self._tenants = tuple(filter(None, with_records(tenants, erased)))
        self.picker = ManyPicker(theme, "Tenants", "No tenant yet", "tenants")
        self.picker.set_choices([Choice(one, bounded(one, longest=_SHOWN)) for one in self._tenants])
        if chosen in self._tenants:
            self.picker.set_key(chosen)
        self.all = CheckBox(f"All {counted(len(self._tenants), 'tenant')}")
        self.all.setVisible(len(self._tenants) > 1)
        self.picker.picked.connect(lambda _: self.changed.emit())
        self.all.toggled.connect(self._turn)
        in_column(self.picker, self.all, within=self, spacing=4)
        self.setFocusProxy(self.picker)

    def tenants(self) -> tuple[str, ...]:
        return self._tenants if self.all.isChecked() else self.picker.keys()

    def value(self) -> str:
        return "all" if self.all.isChecked() else "\n".join(self.picker.keys())

    def _turn(self, all_of_them: bool) -> None:
        self.picker.setEnabled(not all_of_them)
        self.setFocusProxy(self.all if all_of_them else self.picker)
        self.changed.emit()


class TypeField(QWidget):
    """`TypeField(types)`: one of the types there are, or another one, which is written.

    `changed()` with every edit; `value()` is the type.
    """

    changed = Signal()
    is_unfinished = False

    def __init__(self, types: Sequence[str]) -> None:
        super().__init__()
        self._types = list(dict.fromkeys([*map(str, WebhookEvent), *types]))
        self.box, self.name = ChoiceBox(), QLineEdit()
        self.box.setAccessibleName("Type")
        self.box.addItems([*(bounded(one, longest=_SHOWN) for one in self._types), _OTHER])
        self.name.setPlaceholderText("The type, as the platform writes it")
        self.name.setAccessibleName("Other type")
        self.meaning, self.warning = Label("", Look.DIM, wrap=True), Label(_UNKNOWN, Look.WARN, wrap=True)
        in_column(self.box, self.name, self.meaning, self.warning, within=self, spacing=4)
        self.box.currentIndexChanged.connect(self._chosen)
        self.name.textChanged.connect(self.changed)
        self._chosen()

    def value(self) -> str:
        return self.name.text() if self._is_other() else self._types[self.box.currentIndex()]

    def _is_other(self) -> bool:
        return self.box.currentIndex() == len(self._types)

    def _chosen(self) -> None:
        is_other = self._is_other()
        for part in (self.name, self.warning):
            part.setVisible(is_other)
        meaning = "" if is_other else MEANINGS.get(self.value(), "")
        self.meaning.say(meaning)
        self.setFocusProxy(self.name if is_other else self.box)
        self.changed.emit()


class ComposeDialog(LongForm):
    """Shows how the notification will read, and creates it for all tenants chosen in one act."""

    def __init__(
        self, context: Context, tenant: str | None, types: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(context.theme, "New notification", _SENTENCE, action="Create", parent=parent)
        self._context = context
        self._stored = stored = context.opened.schema.stored.get(NOTIFICATIONS.name)
        theme = context.theme
        self.to = RecipientsField(theme, context.tenants, tenant, context.erased)
        self.type, self.title_field = TypeField(types), QLineEdit()
        self.message = LinesEditor(_LINES, notifications.LONGEST_MESSAGE)
        self.metadata = LinesEditor(_FEW_LINES, notifications.LONGEST_METADATA)
        self.metadata.setPlaceholderText(_SHAPE)
        self.metadata.setFont(theme.mono_font())
        self.add_field("tenant_id", "To", self.to, self._check_tenants)
        self.add_field("type", "Type", self.type, checked(notifications.valid_type), beside=True)
        self.add_field("title", "Title", self.title_field, checked(notifications.valid_title))
        self.add_field("message", "Message", self.message, checked(notifications.valid_message))
        self.add_field("metadata", "Metadata", self.metadata, checked(notifications.valid_metadata), _HINT)
        for said in (self._entries["metadata"].hint, self._entries["metadata"].problem):
            said.setAlignment(Qt.AlignmentFlag.AlignTop)  # either in the other's place, and nothing moves
            said.setMinimumHeight(2 * said.fontMetrics().lineSpacing())
        self.add_asked(NOTIFICATIONS.asks_for(stored) if stored else ())
        self._build_preview()
        for changed in (
            self.to.changed,
            self.type.changed,
            self.title_field.textChanged,
            self.message.changed,
        ):
            changed.connect(self._preview)
        self.metadata.changed.connect(self._look_soon)
        self._wait = QTimer(self, singleShot=True, interval=_LOOK_MS)
        self._wait.timeout.connect(self._look_for_named)
        self._looking: Task | None = None
        self.finished.connect(self._stop_looking)
        self.submitted.connect(self._create)
        self._preview()
        self.to.setFocus()

    def _build_preview(self) -> None:
        self._chip = StatusChip(self._context.theme)
        self._title, self._to = ElidedLabel("", Look.TITLE), ElidedLabel("", Look.DIM)
        self._text = Label("", wrap=True)
        self._text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._text.setFixedHeight(_PREVIEWED_LINES * self._text.fontMetrics().lineSpacing())
        card = QFrame()
        card.setProperty("card", True)
        card.setAccessibleName("How it reads")
        chip = in_row(self._chip, None)
        margins = (12, 12, 12, 12)
        in_column(self._title, self._to, chip, self._text, within=card, margins=margins, spacing=6)
        self._price = PriceLine(self._context)
        for part in (Label("How it reads", Look.SECTION), card):
            self.add_widget(part)
        self.add_condition(self._price)

    def _preview(self) -> None:
        tenants = self.to.tenants()
        named = ", ".join(bounded(one, longest=_SHOWN) for one in tenants[:_PREVIEWED_TENANTS])
        named = f"{counted(len(tenants), 'tenant')}: {named}" if len(tenants) > _NAMED else named
        self._to.setText(f"to {named}" if tenants else "to nobody yet")
        self._chip.set(self.type.value() or "no type yet")
        self._title.setText(first_line(self.title_field.text()) or "No title yet")
        message = self.message.value().strip()
        lines = "\n".join(message.splitlines()[:_PREVIEWED_LINES])
        cut = lines[:_PREVIEWED].rstrip()
        self._text.setText((cut if cut == message else f"{cut}…") or "No message yet")
        set_property(self._text, "look", (Look.TEXT if message else Look.DIM).value)
        each = 1 if self._stored is None else self._stored.written()
        self._price.tell_added(each, len(tenants), len(tenants))
        words = counted(len(tenants), "notification")
        self.action_button.setText(f"Create {words}" if tenants else "Create")

    def _look_soon(self) -> None:
        self._wait.start()

    def _look_for_named(self) -> None:
        """Says which records that the metadata name are not there: the list could not open them."""
        written = self.metadata.value()

        def found(named: Sequence[NamedRecord]) -> None:
            if self.metadata.value() != written:
                return
            lacking = [one for one in named if one.title is None]
            names = [f"{one.table.noun[0]} “{bounded(one.id, longest=_SHOWN)}”" for one in lacking]
            gone = some_of(names, _NAMED) if names else ""
            said = f"Not in this database: {gone}. Nothing can be opened then." if gone else _HINT
            set_property(self._entries["metadata"].hint, "look", (Look.WARN if gone else Look.DIM).value)
            self.set_hint(said, "metadata")
            if gone:
                announce(self, said)

        self._stop_looking()
        read = self._context.runner.read
        self._looking = read(notifications.named, written, on_done=found, on_failed=lambda error: None)

    def _stop_looking(self) -> None:
        """Nobody waits for it: the form is gone, or the metadata are others."""
        self._wait.stop()
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _check_tenants(self, value: FieldValue) -> str:
        count, most = len(self.to.tenants()), self._context.opened.database.most_at_once
        if most is not None and count > most:
            return f"At most {counted(most, 'tenant')} are told in one act here."
        return "" if count else "Choose at least one tenant."

    def _create(self) -> None:
        note = Composed(
            self.type.value(), self.title_field.text(), self.message.value(), self.metadata.value()
        )
        tenants = self.to.tenants()
        act = partial(self._context.act, notifications.compose, monitor=self.monitor(len(tenants)))
        self.write(act, tenants, note, self.asked())
