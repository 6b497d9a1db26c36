"""The forms for columns of users that only the file knows, of one user and of several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from app.services.records import users
from app.services.records.known import Chosen
from app.services.records.lists import READ_EACH
from app.services.records.record import Record
from app.services.records.rows import RawText
from app.services.records.seen import Seen
from app.services.records.tables import USERS
from app.services.records.typed import can_be_typed, in_type
from app.services.secrets.forms import hides
from app.services.text import counted, readable, visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.acts import at_once, form_opener
from app.ui.tabs.common.form_fields import PriceLine
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.selection import require_ids
from app.ui.widgets.buttons import CheckBox
from app.ui.widgets.choice_box import ChoiceBox
from app.ui.widgets.form_dialog import Checker, FieldValue, FormDialog, checked
from app.ui.widgets.formatting import EMPTY
from app.ui.widgets.labels import in_column, line_edit
from app.ui.widgets.long_form import LongForm
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
