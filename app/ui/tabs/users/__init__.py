"""A tenant's users, and the forms for a new one and for another e-mail address; what else is done to them has
modules of its own, which are loaded with the first of their forms.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.records.change import Change
from app.services.records.list_query import ListQuery
from app.services.records.record import Record
from app.services.records.tables import EVERYONE, USERS, Scope
from app.ui.session.context import Context
from app.ui.tabs.common import acts, declared
from app.ui.tabs.common.declared import USERS_TAB
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.view_picker import ViewPicker
from app.ui.theme import Icon
from app.ui.widgets.actions import ActionSpec
from app.ui.widgets.buttons import Choice
from app.ui.widgets.labels import line_edit
from models import engine, errors, status

if TYPE_CHECKING:
    from app.services.records.history import Named
    from app.ui.widgets.form_dialog import FormDialog


PASSWORDS: Final = USERS.column("has_password").source


@dataclass(frozen=True, slots=True)
class UsersView:
    """A list of users that is often wanted: by their address, which others have in their tenant or `across`
    tenants, of whom nothing was heard for so many days, or those without a password. The `words` tell them
    apart from their beginning on, where a box has no room for more; `means` is the whole of it.
    """

    key: str
    words: str
    means: str
    across: bool | None = None
    quiet_days: int = 0


VIEWS: Final = (
    UsersView("twice", "Twice in a tenant", "Another user of the tenant has the same address", across=False),
    UsersView("across", "In several tenants", "A user of another tenant has the same address", across=True),
    UsersView("no-password", "Without a password", "No password is stored"),
    *(
        UsersView(f"quiet-{days}", f"{days} days quiet", f"No activity for {days} days", quiet_days=days)
        for days in (30, 90, 365)
    ),
)
_ROOM_FOR_VIEW: Final = 190
_NONE_THERE = "There is no password to invalidate."


def _view(key: str | None) -> UsersView | None:
    return next((view for view in VIEWS if view.key == key), None)


def _narrowed_by(view: UsersView, query: ListQuery, alike: tuple[Any, ...], now: int) -> ListQuery:
    """Those of the view; those with the same address beside each other, unless another order is wanted."""
    if view.quiet_days:
        return replace(query, quiet_since=now - view.quiet_days * status.DAY)
    if view.across is None:
        return replace(query, choices=(*query.choices, ("has_password", (0,))))
    found = replace(query, choices=(*query.choices, ("id", alike)))
    return found if query.sort else replace(found, sort="email", descending=False, as_added=False)


_FOR_ALIKE = 3
"""How often each user is read where those who are alike are looked for."""


class UsersTab(RecordTab):
    """Users: search, create, edit the e-mail address, set and invalidate passwords, delete."""

    spec = USERS_TAB
    opens = "edit"
    _alike: tuple[Any, ...] = ()
    _alike_are_old = True
    """Whether those whose address others have are to be found first."""
    _counted: Scope | None = None
    """Of whose users it is known how many each view has."""

    def listen(self) -> None:
        self.views = ViewPicker(self.context.theme, "All users", width=_ROOM_FOR_VIEW, parent=self.filters)
        self.views.set_choices([Choice(view.key, view.words) for view in VIEWS])
        self.views.before = self._count_views
        self.views.picked.connect(self._choose_view)
        self.filters.share_with(self.views)
        super().listen()

    def make_view_picker(self) -> ViewPicker:
        return self.views

    def _count_views(self, show: Callable[[], None]) -> None:
        """How many users each view has, where that is not known or may be others by now, and is not much to
        read: the list opens meanwhile.
        """
        show()
        scope, now, users = self.scope, self.context.clock(), self.context.rows_of(USERS.name, EVERYONE)
        plain = ListQuery(USERS.name, scope)
        queries = {view.key: _narrowed_by(view, plain, (), now) for view in VIEWS if view.across is None}
        reads = sum(self.lists.reads(query, users) for query in queries.values())
        reads += _FOR_ALIKE * users * (len(VIEWS) - len(queries))
        if self._counted == scope or self.context.is_much(reads):
            return
        from app.services.records.typed import duplicates  # noqa: PLC0415

        self._counted = scope

        def read(database: engine.Database) -> dict[str, int | None]:
            counts = self.lists.counts(database, queries.values())
            found: dict[str, int | None] = dict(zip(queries, counts, strict=True))
            for view in VIEWS:
                if view.across is not None:
                    with suppress(errors.NotAllowed):  # too many to be compared
                        found[view.key] = len(duplicates(database, scope, across=view.across))
            return found

        def counted(found: dict[str, int | None]) -> None:
            if scope == self.scope:
                self.views.set_choices([Choice(view.key, view.words, found.get(view.key)) for view in VIEWS])

        self.context.runner.read(read, on_done=counted, on_failed=lambda error: None)

    def _forget_counts(self) -> None:
        self._counted = None

    def narrowed(self, query: ListQuery) -> ListQuery:
        """By the view that is chosen."""
        view = _view(self.views.key())
        return query if view is None else _narrowed_by(view, query, self._alike, self.context.clock())

    def own_filter(self) -> str:
        return self.views.key() or ""

    def set_own_filter(self, key: str) -> None:
        self.views.set_key(key if _view(key) else None)

    def own_words(self, key: str) -> str:
        view = _view(key)
        return key if view is None else view.means

    def clear_filters(self) -> None:
        had_view = self.views.key() is not None
        self.views.set_key(None)
        super().clear_filters()
        if had_view:
            self.filters_changed()

    def set_scope(self, scope: Scope) -> None:
        super().set_scope(scope)
        self._alike_are_old = True
        self._forget_counts()

    def reload(self) -> None:
        self._forget_counts()
        super().reload()

    def changed_outside(self) -> None:
        self._forget_counts()
        super().changed_outside()

    def hear(self, change: Change, initiator: object) -> None:
        """Who is alike may be others by now."""
        self._alike_are_old = self._alike_are_old or self.shows_any_of(change.tables)
        if self.shows_any_of(change.tables):
            self._forget_counts()
        super().hear(change, initiator)
        view = _view(self.views.key())
        if view is not None and view.across is not None and self._alike_are_old and not self._stale:
            self._find_alike(view.across, self._stay)

    def _choose_view(self, key: str | None) -> None:
        view = _view(key)
        if view is None or view.across is None:
            self.filters_changed()
        else:
            self._find_alike(view.across, self.views.take_back)

    def _read(self, *, agreed: bool = False) -> None:
        view = _view(self.views.key())
        if view is not None and view.across is not None and self._alike_are_old:
            self._find_alike(view.across, self._stay)
        else:
            super()._read(agreed=agreed)

    def _stay(self) -> None:
        """Keeps the view, as it was found before, or where that shows other rows none."""
        if self.query() != self.list.shown:
            self.views.set_key(None)
            self.filters_changed()

    def _find_alike(self, across: bool, declined: Callable[[], None]) -> None:
        """Finds them, then shows them; till then, or where it is declined, those shown stay."""
        from app.services.records.typed import duplicates  # noqa: PLC0415

        scope = self.scope

        def found(ids: tuple[Any, ...]) -> None:
            view = _view(self.views.key())
            if view is not None and view.across is across and scope == self.scope:
                self._alike, self._alike_are_old = ids, False
                self.filters_changed()

        def failed(error: errors.TenantAdminError) -> None:
            self.views.set_key(None)
            self.refused(error)
            self.filters_changed()

        look = partial(self.context.runner.read, duplicates, scope, across=across)
        rows = _FOR_ALIKE * self.context.rows_of(USERS.name, EVERYONE)
        run = partial(look, on_done=found, on_failed=failed)
        self.context.when_agreed(rows, run, self, declined)

    def special_columns(self) -> declared.Special:
        return {"has_password": {"icon": declared.either(Icon.KEY)}}

    def show_details(self, record: Record) -> None:
        self.inspector.set_header(record.text("email"), f"user of {declared.whose(record)}", is_told=True)
        self.fields.set_fields(declared.fields(self.context, record))
        self._show_acts(of_many=False)

    def show_acts_of_many(self) -> None:
        self._show_acts(of_many=True)

    def _show_acts(self, *, of_many: bool) -> None:
        """Of one user those that a form of one does, of several those that take all of them."""
        show = self.commands.show_button
        for name in ("edit", "set_password"):
            show(name, not of_many)
        show("edit_others", self._without_others() is None)
        show("invalidate", of_many and self._without_passwords() is None)
        show("move", of_many)

    def named_in_history(self, record_id: Any, record: Record) -> "Named | None":
        """By the address, too, as the platform's own entries do."""
        from app.services.records.history import Named  # noqa: PLC0415

        return Named.of(record_id, record.text("email"))

    def add_acts(self) -> None:
        add = self.commands.add
        create = acts.create_act(self, self._create)
        add(create)
        add(ActionSpec("create_many", "", Icon.IMPORT, self._create_many, create.refusal))
        form = partial(edit_user_form, self.context, parent=self)
        add(acts.edit_act(self, form, short="Edit…"))
        add(
            acts.edit_act(
                self,
                self._password_form,
                name="set_password",
                icon=Icon.KEY,
                refusal=self._without_passwords,
                short="Password…",
            )
        )
        of_many = "Invalidate {} passwords"
        words = partial(
            acts.words_to_set, self, "Invalidate password", "has_password", False, of_many, asks=True
        )
        refusal = partial(self.selection.refusal_to_set, "has_password", False, _NONE_THERE)

        def refuse() -> str | None:
            return self._without_passwords() or refusal()

        add(acts.record_act("invalidate", words, Icon.CANCEL, self._invalidate, refuse))
        add(
            acts.record_act(
                "edit_others",
                partial(self.selection.words_of_all, "Edit other columns…", "Edit other columns of {}…"),
                Icon.EDIT,
                self._edit_others,
                lambda: self._without_others() or self.selection.refusal(),
            )
        )
        add(ActionSpec("filter_others", "", Icon.FILTER, self._filter_others, self._without_others))
        move = partial(self.selection.words_of_all, "Move to another tenant…", "Move {} to another tenant…")
        add(acts.record_act("move", move, Icon.TREE, self._move, self.selection.refusal))
        add(acts.delete_act(self, _delete, "email"))
        add(acts.history_act(self))
        self.commands.divide_before("edit", "move", "delete")

    def _create(self) -> None:
        new_user_form(self.context, self.scope.tenant_id, self).open_once()

    def _create_many(self) -> None:
        from app.ui.tabs.users.adding import AddUsersDialog  # noqa: PLC0415

        AddUsersDialog(self.context, self.scope.tenant_id, self).open_once()

    def _filter_others(self) -> None:
        from app.ui.tabs.common.exporting import FilterByColumnDialog  # noqa: PLC0415

        columns = USERS.others(self.context.opened.schema.stored[USERS.name])
        FilterByColumnDialog(self.context, self.query(), columns, self.exact.add, self).open_once()

    def _edit_others(self) -> None:
        from app.ui.tabs.users.dialogs import edit_others_of_one, edit_others_of_several  # noqa: PLC0415

        if self.list.selected_count() > 1:
            edit_others_of_several(self)
        else:
            self.current.when_whole(partial(edit_others_of_one, self), by_form=True)

    def _without_others(self) -> str | None:
        stored = self.context.opened.schema.stored.get(USERS.name)
        if stored is None:
            return self.context.without(USERS.name)
        return None if USERS.others(stored) else "Users have no other columns in this database."

    def _without_passwords(self) -> str | None:
        stored = self.context.opened.schema.columns.get(USERS.name, ())
        return "This database has no column for passwords." if stored and PASSWORDS not in stored else None

    def _password_form(self, user: Record) -> "FormDialog":
        from app.ui.tabs.users.dialogs import password_form  # noqa: PLC0415

        return password_form(self.context, user, self)

    def _move(self) -> None:
        from app.ui.tabs.users.dialogs import Moving, move_form  # noqa: PLC0415

        seen = self.selection.seen()

        def ask(ids: list[Any], gone: int) -> None:
            emails = (self.selection.spread(("email",)) or {}).get("email")  # of a few; more are not counted
            moving = Moving(ids, emails, self.selection.values("tenant_id"), gone)
            form = move_form(self.context, moving, seen, self)
            form.outdated.connect(self.reload)
            form.open_once()

        self.selection.with_ids(ask)

    def _invalidate(self) -> None:
        from app.services.records.users import invalidate_passwords  # noqa: PLC0415

        acts.set_on_selected(
            self,
            invalidate_passwords,
            {"has_password": False},
            verb="Invalidate the password of {}",
            done="without a password",
            entry_each=True,
            given={},
            asks=True,
        )


# This tab is the first in sight: it shows rows before what acts on them and its forms are loaded.


def new_user_form(context: Context, tenant: str | None, parent: QWidget | None = None) -> "FormDialog":
    from app.services.records import users  # noqa: PLC0415
    from app.ui.tabs.common.form_fields import TenantField  # noqa: PLC0415
    from app.ui.widgets.form_dialog import FormDialog, checked  # noqa: PLC0415

    stored = context.opened.schema.stored.get(USERS.name)
    has_password = stored is not None and PASSWORDS in stored.columns
    sentence = "The user has no password until one is set." if has_password else ""
    form = FormDialog(context.theme, "New user", sentence, action="Create user", parent=parent)
    tenant_field, email_field = TenantField(context.tenants, tenant, context.erased), QLineEdit()
    email_field.setPlaceholderText("name@example.com")
    form.add_field("tenant_id", "Tenant", tenant_field, tenant_field.check)
    form.add_field("email", "E-mail address", email_field, checked(users.valid_email))
    form.add_asked(USERS.asks_for(stored) if stored else ())
    (email_field if tenant else tenant_field).setFocus()

    def create() -> None:
        tenant = tenant_field.value()
        write = partial(form.write, context.act, users.create, tenant, email_field.text(), form.asked())
        context.when_compared(tenant, write, form, form.set_busy)

    form.submitted.connect(create)
    return form


def edit_user_form(context: Context, user: Record, parent: QWidget | None = None) -> "FormDialog":
    from app.services.records import users  # noqa: PLC0415
    from app.ui.widgets.form_dialog import FormDialog, checked  # noqa: PLC0415

    sentence = f"User of {declared.whose(user)}"
    form = FormDialog(context.theme, "Edit e-mail address", sentence, action="Save", parent=parent)
    field = line_edit(user.text("email"))
    field.selectAll()
    form.add_field("email", "E-mail address", field, checked(users.valid_email))
    field.setFocus()
    before = user.text("email")

    def rename() -> None:
        write = partial(form.write, context.act, users.rename, user["id"], field.text(), before)
        context.when_compared(user.text("tenant_id"), write, form, form.set_busy)

    form.submitted.connect(rename)
    return form


def _delete() -> Callable[..., Change]:
    from app.services.records import users  # noqa: PLC0415

    return users.delete
