"""The forms of users: for columns that only the file knows, of one user and of several; for another tenant;
and for a new password, with the dialog that shows a generated one this once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.services.records import users
from app.services.records.applying import Seen
from app.services.records.known import Chosen
from app.services.records.lists import READ_EACH
from app.services.records.record import Record
from app.services.records.rows import RawText
from app.services.records.tables import USERS, Scope
from app.services.records.typed import (
    Strength,
    Typed,
    can_be_typed,
    generated_password,
    in_type,
    valid_password,
)
from app.services.secrets.forms import hides
from app.services.text import counted, readable, some_of, tenant_name, visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.acts import at_once, form_opener, say_gone
from app.ui.tabs.common.form_fields import PriceLine, TenantField
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.selection import require_ids
from app.ui.theme import Icon, Theme, set_property
from app.ui.widgets.buttons import CheckBox, push_button
from app.ui.widgets.clipboard import CopyKeys, SecretBox, copy_secret
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.form_dialog import Checker, FieldValue, FormDialog, LongForm, checked
from app.ui.widgets.formatting import EMPTY
from app.ui.widgets.labels import Label, Look, in_column, line_edit, name_choice, text_box
from app.ui.widgets.later import later
from app.ui.widgets.picker import ChoiceBox
from app.workers.runner import Task
from models.column_rules import NO_RULE, ColumnRule, rules_of
from models.engine import Database

Rules = Mapping[str, ColumnRule]

_STAYS: Final = "\0"
"""What a field holds that leaves values which differ as they are: nobody can type it."""
_DIFFER: Final = "(differ)"
_NOTHING: Final = "(nothing)"
_LONGEST_RULE, _LONGEST_CHOICE = 200, 60
_TITLE: Final = "Edit other columns"


@dataclass(frozen=True, slots=True)
class OthersOfSeveral:
    """Several users, how many are of how many tenants, and of their other columns the values that all of them
    share; those of the rest `differ`.
    """

    ids: Sequence[Any]
    tenants: int
    shared: Mapping[str, Any]
    differ: frozenset[str]
    rules: Rules


class DifferingField(QWidget):
    """A line for a value that is given to all of several who have different ones, which stay while it is
    empty; where nothing may be stored instead, a box for that.
    """

    changed = Signal()
    is_unfinished = False

    def __init__(self, name: str, *, may_be_nothing: bool) -> None:
        super().__init__()
        self.line = line_edit("")
        self.line.setPlaceholderText(_DIFFER)
        self.line.setAccessibleName(name)
        self.nothing = CheckBox("Store nothing (NULL) in all of them")
        self.nothing.setHidden(not may_be_nothing)
        in_column(self.line, self.nothing, within=self, spacing=4)
        self.line.textChanged.connect(self.changed)
        self.nothing.toggled.connect(self._toggled)
        self.setFocusProxy(self.line)

    def value(self) -> str:
        return "" if self.nothing.isChecked() else self.line.text() or _STAYS

    def _toggled(self) -> None:
        self.line.setEnabled(not self.nothing.isChecked())
        self.changed.emit()


def edit_others_of_one(tab: RecordTab, user: Record) -> None:
    """Reads the table's rules first: they stand beside the fields."""

    def opened(rules: Rules) -> None:
        form_opener(tab, lambda record: edit_others_form(tab.context, record, rules, tab))(user)

    tab.context.runner.read(rules_of, USERS.name, on_done=opened)


def edit_others_of_several(tab: RecordTab) -> None:
    context, seen = tab.context, tab.selection.seen()

    def ask(found: OthersOfSeveral) -> None:
        if found.ids:
            form = others_of_several_form(context, found, seen, tab)
            form.outdated.connect(tab.reload)
            form.open_once()

    names = USERS.others(context.opened.schema.stored[USERS.name])
    tab.selection.in_turn(partial(look, names), ask, tab.refused, each=READ_EACH)


def look(names: Sequence[str], database: Database, chosen: Chosen) -> OthersOfSeveral:
    """What these users have in columns that only the file knows. Raises `TooManyAtOnce`."""
    shared: dict[str, Any] = {}
    differ: set[str] = set()
    ids: list[Any] = []
    tenants: set[Any] = set()
    columns = [USERS.of_file(name) for name in ("id", "tenant_id", *names)]
    found = chosen.stored_rows(database, columns)
    for record_id, tenant, *values in at_once(database, chosen.query.table, found):
        ids.append(record_id)
        tenants.add(tenant)
        for column, value in zip(columns[2:], values, strict=True):
            said = value.raw if isinstance(value, RawText) else column.said(value)
            known = shared.setdefault(column.name, said)
            if (type(known), known) != (type(said), said):
                differ.add(column.name)
    alike = {name: value for name, value in shared.items() if name not in differ}
    return OthersOfSeveral(
        require_ids(ids), len(tenants), alike, frozenset(differ), rules_of(database, USERS.name)
    )


def edit_others_form(
    context: Context, user: Record, rules: Rules, parent: QWidget | None = None
) -> FormDialog:
    """What no line can show stays as it is."""
    never_null = context.opened.schema.stored[USERS.name].never_null
    others = USERS.others(context.opened.schema.stored[USERS.name])
    sentence = f"Of {declared.user_and_tenant(user)}."
    form = FormDialog(context.theme, _TITLE, sentence, action="Save", parent=parent)
    seen = {name: user.unknown[name] for name in others if name in user.unknown}
    for name, value in seen.items():
        _add_known(form, name, value, rules.get(name, NO_RULE), may_be_nothing=name not in never_null)
    for name in [*seen][:1]:
        form.editor(name).setFocus()

    def save() -> None:
        values = _edited(form)
        form.write(context.act, users.set_others, user["id"], values, {name: seen[name] for name in values})

    form.submitted.connect(save)
    return form


def others_of_several_form(
    context: Context, found: OthersOfSeveral, seen: Seen, parent: QWidget | None = None
) -> LongForm:
    """Only what is changed in it is written, to all of them."""
    never_null = context.opened.schema.stored[USERS.name].never_null
    count = counted(len(found.ids), "user")
    of = f" of {counted(found.tenants, 'tenant')}" if found.tenants > 1 else ""
    sentence = (
        f"{count}{of}. Only what you change is written, to each of them, with an entry in the chain of its "
        "tenant. Undo takes all of it back."
    )
    form = LongForm(context.theme, _TITLE, sentence, action=f"Change {count}", parent=parent)
    others = USERS.others(context.opened.schema.stored[USERS.name])
    names = [name for name in others if name in found.shared or name in found.differ]
    for name in names:
        rule, may_be_nothing = found.rules.get(name, NO_RULE), name not in never_null
        if name in found.shared:
            _add_known(form, name, found.shared[name], rule, may_be_nothing=may_be_nothing)
        elif rule.choices:
            box = _pick_list(rule, may_be_nothing=may_be_nothing)
            box.insertItem(0, _DIFFER, _STAYS)
            box.setCurrentIndex(0)
            form.add_field(name, name, box, hint=_hint(rule, "", of_choices=True))
        else:
            differing = DifferingField(name, may_be_nothing=may_be_nothing)
            check = _checks(name, rule, _STAYS, may_be_nothing=may_be_nothing)
            form.add_field(name, name, differing, check, _hint(rule, ""))
    price = PriceLine(context)
    price.tell_changed(USERS.name, names, len(found.ids), len(found.ids))
    form.add_condition(price)
    for name in names[:1]:
        form.editor(name).setFocus()

    def save() -> None:
        values = _edited(form)
        if not values:
            form.set_problem("Nothing is changed yet.")
            return
        shared = {name: found.shared[name] for name in values if name in found.shared}
        act = partial(context.act, users.set_others_of, seen=seen, watching=form.monitor(len(found.ids)))
        form.write(act, found.ids, values, shared)

    form.submitted.connect(save)
    return form


def _edited(form: FormDialog) -> dict[str, str]:
    edited = form.edited()
    return {name: str(value) for name, value in form.values().items() if name in edited}


def _add_known(form: FormDialog, name: str, value: Any, rule: ColumnRule, *, may_be_nothing: bool) -> None:
    """The field of a value that is known."""
    if not can_be_typed(value):
        field = line_edit(readable(value))
        field.setReadOnly(True)
        why = "This is not shown" if hides(value) else "No line can show this"
        form.add_field(name, name, field, hint=f"{why}; it stays as it is.")
    elif rule.choices:
        box = _pick_list(rule, may_be_nothing=may_be_nothing)
        at = box.findData(readable(value))
        if at < 0:  # as it was before there was the rule
            box.insertItem(0, _choice(readable(value)), readable(value))
        box.setCurrentIndex(max(at, 0))
        form.add_field(name, name, box, hint=_hint(rule, "", of_choices=True))
    else:
        empty = "Empty stores an empty text." if isinstance(value, str) else ""
        if may_be_nothing:
            empty = "Empty stores nothing (NULL)."
        check = _checks(name, rule, readable(value), may_be_nothing=may_be_nothing)
        form.add_field(name, name, line_edit(readable(value)), check, _hint(rule, empty))


def _pick_list(rule: ColumnRule, *, may_be_nothing: bool) -> QComboBox:
    box = ChoiceBox()
    for choice in rule.choices:
        box.addItem(_choice(choice), choice)
    if may_be_nothing and "" not in rule.choices:
        box.addItem(_NOTHING, "")
    return box


def _choice(value: str) -> str:
    return visible(value)[:_LONGEST_CHOICE] or EMPTY


def _checks(name: str, rule: ColumnRule, stored: str, *, may_be_nothing: bool) -> Checker:
    judge = checked(partial(in_type, name, rule.declared), stored)

    def sentence(value: FieldValue) -> str:
        return "" if value == "" and may_be_nothing else judge(value)

    return sentence


def _hint(rule: ColumnRule, empty: str, *, of_choices: bool = False) -> str:
    """The declared type, and what else the table asks, before anything of it fails."""
    declared = f"Declared {visible(rule.declared)[:_LONGEST_CHOICE]}." if rule.declared else ""
    taken = "The table accepts only these values." if of_choices else ""
    checks = [f"The table asks: {_cut(check)}." for check in rule.checks]
    return " ".join(filter(None, (declared, taken, *checks, empty)))


def _cut(check: str) -> str:
    said = visible(check)
    return said if len(said) <= _LONGEST_RULE else f"{said[:_LONGEST_RULE]}…"


_NAMED: Final = 3
"""Addresses and tenants that a sentence names; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Who is moved, as far as it is at hand: addresses, and how many of which tenant; `gone` others of those
    selected were deleted.
    """

    ids: Sequence[Any]
    emails: Counter[Any] | None = None
    owners: Counter[Any] | None = None
    gone: int = 0

    @property
    def own(self) -> Any:
        """The tenant that all of them are of; None where they are of several."""
        return next(iter(self.owners)) if self.owners is not None and len(self.owners) == 1 else None

    def words(self) -> str:
        """Who they are, and from where they go."""
        names = sorted(visible(str(one)) for one in self.emails or ())
        if len(self.ids) == 1 and names:
            who = names[0]
        else:
            who = counted(len(self.ids), "user")
            who += f" ({some_of(names, _NAMED, len(self.ids))})" if names else ""
        if not self.owners:
            return who
        most = self.owners.most_common()
        each = [f"{visible(tenant_name(str(one)))} ({rows:,})" for one, rows in most]
        owners = visible(tenant_name(str(most[0][0]))) if len(most) == 1 else some_of(each, _NAMED)
        return f"{who} of {owners}"


def move_form(context: Context, moving: Moving, seen: Seen, parent: QWidget | None = None) -> LongForm:
    """Moves these users, who were `seen` as they are, to the tenant that is chosen: another than their own,
    where all are of one.
    """
    ids, own, is_one = moving.ids, moving.own, len(moving.ids) == 1
    count = counted(len(ids), "user")
    them = "that user" if is_one else "them"
    gone = say_gone(moving.gone, len(ids) + moving.gone)
    sentence = (
        f"{gone}{moving.words()} will be moved to another tenant, with an entry in both chains. What "
        f"other tables hold of {them} stays as it is. Undo moves {them} back."
    )
    if not is_one:
        sentence += " Those whose address is taken there stay."
    form = LongForm(context.theme, "Move to another tenant", sentence, action=f"Move {count}", parent=parent)
    field = TenantField([one for one in context.tenants if one != own], None, context.erased)
    form.add_field("tenant_id", "Tenant", field, field.check, " ")

    def promise() -> None:
        """How many of them can move there at most: those of it stay."""
        there = 0 if moving.owners is None else moving.owners[field.value()]
        going = f"{len(ids) - there:,} of {count}" if there else count
        form.action_button.setText(f"Move {going}")
        of_it = f"{there:,} of them {'is' if there == 1 else 'are'} of {visible(field.value())} already."
        form.set_hint(of_it if there else " ", "tenant_id")

    price = PriceLine(context)

    def looks() -> int:
        """The addresses of a tenant are compared as people read them, which no index does; of several those
        who cannot move are found first.
        """
        return (1 if is_one else 2) * context.rows_of(USERS.name, Scope(field.value()))

    def tell_price() -> None:
        price.tell_changed(USERS.name, ("tenant_id",), len(ids), 2 * len(ids), looks())

    field.changed.connect(promise)
    field.changed.connect(tell_price)
    tell_price()
    form.add_condition(price)
    field.setFocus()

    def move() -> None:
        tenant = field.value()
        act = partial(context.act, users.move, ids, seen=seen, watching=form.monitor(len(ids)))
        write, times = partial(form.write, act, tenant), 1 if is_one else 2
        context.when_compared(tenant, write, form, form.set_busy, times=times)

    form.submitted.connect(move)
    return form


_GENERATE, _TYPE = "Generate one", "Type one"
_LOOKS = (Look.BAD, Look.BAD, Look.WARN, Look.OK, Look.OK)
_AROUND_LINE = 20
_valid = checked(valid_password)


class _PickList(QComboBox):
    """`closed` when its list was open."""

    closed = Signal()

    def hidePopup(self) -> None:
        super().hidePopup()
        self.closed.emit()


class PasswordField(QWidget):
    """`PasswordField(context, about)`: generates a password, or takes one that is typed, and says how hard
    that is to guess, where it has words of what it is `about`.

    `changed()` with every edit; `value()` is what was typed, empty where one is to be generated.
    """

    changed = Signal()
    is_unfinished = False

    def __init__(self, context: Context, about: tuple[str, ...]) -> None:
        super().__init__()
        self._context, self._about = context, about
        self._judging: Task | None = None
        self.how = _PickList()
        name_choice(self.how, "How the password is set")
        self.how.addItems([_GENERATE, _TYPE])
        self.typed = QLineEdit(echoMode=QLineEdit.EchoMode.Password, placeholderText="The new password")
        self.typed.setAccessibleName("New password")
        self.show_it = CheckBox("Show what is typed")
        self.strength = Label(wrap=True)
        in_column(self.how, self.typed, self.show_it, self.strength, within=self, spacing=4)
        self.how.currentIndexChanged.connect(self._chosen)
        self.how.closed.connect(lambda: later(self, 0, self._go_on))  # it is chosen then
        self.typed.textChanged.connect(self._edited)
        self.show_it.toggled.connect(
            lambda on: self.typed.setEchoMode(
                QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password
            )
        )
        self._chosen()

    @property
    def is_typed(self) -> bool:
        return self.how.currentText() == _TYPE

    def value(self) -> str:
        return self.typed.text() if self.is_typed else ""

    def check(self, value: FieldValue) -> str:
        """What a form asks; how strong it is, is judged elsewhere, which may take a moment."""
        return _valid(value) if self.is_typed else ""

    def _chosen(self) -> None:
        for part in (self.typed, self.show_it):
            part.setVisible(self.is_typed)
        self.setFocusProxy(self.typed if self.is_typed else self.how)
        self._edited()

    def _go_on(self) -> None:
        if self.is_typed:
            self.typed.setFocus()

    def _edited(self) -> None:
        if self._judging is not None:
            self._judging.cancel()
            self._judging = None
        self.strength.setVisible(not self.is_typed)
        if not self.is_typed:
            self.strength.setText("It is shown once, when it has been stored, so that you can pass it on.")
            set_property(self.strength, "look", Look.DIM)
        elif self.value():
            typed = Typed(self.value(), self._about)
            self._judging = self._context.runner.read(_strength, typed, on_done=self._judged)
        self.changed.emit()

    def _judged(self, found: Strength) -> None:
        self._judging = None
        self.strength.setText(found.words)
        set_property(self.strength, "look", _LOOKS[found.score])
        self.strength.show()


def _strength(database: Database, typed: Typed) -> Strength:
    return typed.strength


def password_form(context: Context, user: Record, parent: QWidget | None = None) -> FormDialog:
    """Sets the user's password; one that was generated is shown once it is stored."""
    email, tenant = user.text("email"), user.text("tenant_id")
    replaced = " It takes the place of the one that is stored." if user["has_password"] else ""
    sentence = f"For {declared.user_and_tenant(user)}.{replaced}"
    form = FormDialog(context.theme, "Set password", sentence, action="Set password", parent=parent)
    field = PasswordField(context, (email, tenant))
    form.add_field("password", "Password", field, field.check)
    field.setFocus()

    generated: list[str] = []

    def write() -> None:
        password = field.value() or generated_password()
        generated[:] = [] if field.is_typed else [password]  # of several tries the last is stored
        typed = Typed(password, (email, tenant))
        form.write(context.act, users.set_password, user["id"], typed)

    def show() -> None:
        for password in generated:
            PasswordShown(context.theme, email, password, parent).open_once()

    form.submitted.connect(write)
    form.accepted.connect(show)
    return form


class PasswordShown(Dialog):
    """Shows a new password this once; it goes to the clipboard when that is asked for."""

    def __init__(self, theme: Theme, email: str, password: str, parent: QWidget | None = None) -> None:
        sentence = f"The new password of {email} is shown this once; only what checks it is stored."
        super().__init__(theme, "Password set", sentence, parent=parent)
        self.field = text_box(theme, "New password", password, kind=SecretBox)
        self.field.setLineWrapMode(SecretBox.LineWrapMode.WidgetWidth)  # all of it shows at once
        self.field.setFixedHeight(self.field.fontMetrics().lineSpacing() + _AROUND_LINE)
        self.add_widget(self.field)
        self.copied = Label("It is on the clipboard until something else is.", Look.DIM, wrap=True)
        self.copied.hide()
        self.add_widget(self.copied)
        self.copy_button = push_button(theme, "Copy", lambda: copy_secret(password), icon=Icon.COPY)
        self.copy_button.clicked.connect(self.copied.show)
        CopyKeys(self.field, self.copy_button.click)
        self.set_close_button(left=[self.copy_button])
        self.copy_button.setFocus()
