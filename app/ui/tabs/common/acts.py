"""The acts that tabs have in common: create, edit and delete records, and show the history of one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from app.services.records.change import READ_WHOLE, Change, price_to_change
from app.services.records.known import Chosen
from app.services.records.list_query import ListQuery
from app.services.records.lists import READ_EACH, Lists
from app.services.records.record import Record
from app.services.records.rows import shown
from app.services.records.tables import AUDIT_CHAIN, DECLARED, PLANNING_RUNS, Scope, flag
from app.services.text import counted, some_of, visible
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.selection import ALL_GONE, require_ids
from app.ui.theme import Icon, Kind
from app.ui.widgets.actions import ActionSpec, ButtonIn, Refuses
from app.ui.widgets.formatting import first_line
from models.engine import Database
from models.errors import NothingToDo, StillReferred, TooManyAtOnce

if TYPE_CHECKING:
    from app.services.records.applying import Seen
    from app.services.records.writing import Planned
    from app.ui.session.sight import InSight
    from app.ui.widgets.form_dialog import FormDialog

Flags = Mapping[str, bool]
"""States of flags, by their columns, which an act takes by the same names."""

_READ_TO_DELETE: Final = READ_EACH + READ_WHOLE + 7
"""How often each record is charged before a person is asked about its deletion: for its name, to read it
whole, to find who else has the address of a user, by each of its spellings (5), and to tell whether others
are left (2).
"""
_TOLD: Final = 120
"""The characters of a name that are told where it is asked about."""

NAMED: Final = 5
"""Of the records that have to stay, how many a question names."""

record_act = partial(ActionSpec, button_in=ButtonIn.INSPECTOR)
"""An act on the selected records, with a button in the inspector."""

list_act = partial(ActionSpec, button_in=ButtonIn.FILTER_ROW)
"""An act on the list as a whole, with a button beside its filters."""


def create_act(tab: RecordTab, run: Callable[[], None], *needs: str) -> ActionSpec:
    """Opens the form for a new record, which `needs` some columns; the tab's main button."""

    def refuse() -> str | None:
        return tab.context.cannot_write or tab.context.without(tab.spec.table.name, *needs)

    return list_act("create", "", Icon.ADD, run, refuse, kind=Kind.PRIMARY, short="New…")


def form_opener(tab: RecordTab, form_of: "Callable[[Record], FormDialog]") -> Callable[[Record], None]:
    """Opens the form of a record; and again where somebody else has changed it meanwhile."""

    def open_form(record: Record) -> None:
        form = form_of(record)
        form.outdated.connect(partial(show_again, record["id"]))
        form.open_once()

    def show_again(record_id: object) -> None:
        tab.list.model.reload_records(frozenset([record_id]))
        tab.current.read_again(record_id, open_form)

    return open_form


def edit_act(
    tab: RecordTab,
    form_of: "Callable[[Record], FormDialog]",
    *,
    name: str = "edit",
    icon: str = Icon.EDIT,
    refusal: Refuses = lambda: None,
    in_menu: bool = False,
    short: str = "",
) -> ActionSpec:
    """Opens the form of the selected record, as `form_opener` does."""
    open_form = form_opener(tab, form_of)

    def refuse() -> str | None:
        return refusal() or tab.selection.refusal(single=True)

    spec = ActionSpec if in_menu else record_act
    return spec(name, "", icon, lambda: tab.current.when_whole(open_form, by_form=True), refuse, short=short)


def delete_act(tab: RecordTab, load: Callable[[], Callable[..., Change]], name: str) -> ActionSpec:
    """Deletes exactly the records selected now with the act of many ids that `load` gives.

    `name` is the column that names a record in the question. One record on which nothing else depends goes
    without a question, unless the preferences ask for it; undo brings back all of it. Where all records of a
    tenant go, its name is to be typed. What may not go is said instead of asked; of several records, which
    those are, and whether the others shall go.
    """

    def run() -> None:
        context, selection = tab.context, tab.selection

        whose = ("tenant_id",) if "tenant_id" in tab.spec.table.names else ()
        columns = ("id", name, *whose)
        shown_now = selection.records() if context.costs else []
        known = [] if any(map(selection.is_behind, shown_now)) else shown_now
        positions = [tab.spec.table.names.index(column) for column in columns]
        seen = selection.seen()

        def emptied(database: Database, doomed: Frozen) -> list[str]:
            """The tenants of which none is left, where more than one record goes of any of them."""
            of = {tenant: going for tenant, going in doomed.of.items() if isinstance(tenant, str)}

            def left_without(tenants: Iterable[str]) -> list[str]:
                scopes = {one: ListQuery(tab.spec.table.name, Scope(one)) for one in tenants}
                most = max(of[one] for one in scopes) + 1 if scopes else 0  # more are not all that there are
                counts = context.lists.counts(database, list(scopes.values()), most)
                return [one for one, count in zip(scopes, counts, strict=True) if count == of[one]]

            many = left_without(one for one, going in of.items() if going > 1)
            return [*many, *left_without(one for one, going in of.items() if going == 1)] if many else []

        def look(database: Database, chosen: Chosen) -> "tuple[Frozen, Planned | None, list[str]]":
            from app.services.records.writing import preview  # noqa: PLC0415 - rows show before any go

            # Where each call takes its time those are not read again that are shown.
            rows = [tuple(row[position] for position in positions) for row in known]
            if len(rows) < len(chosen.keys):
                rows = at_once(database, chosen.query.table, chosen.rows(database, columns))
            if not whose:
                rows = [(*row, None) for row in rows]
            all_of_them, by = len(rows), {"actor": context.settings.actor, "now": context.clock()}
            stay, staying, planned, first = "", 0, None, None
            while (doomed := freeze(rows)).ids:
                try:
                    asks = context.agreed.asks
                    planned = preview(load(), database, doomed.ids, asks=asks, seen=seen, **by)
                    break
                except StillReferred as error:
                    first = first or error
                    kept = [row for row in rows if row[0] in error.ids]
                    rows = [row for row in rows if row[0] not in error.ids]
                    if not (kept and rows):
                        raise first from None
                    stay += _say_kept(freeze(kept).names, len(kept), all_of_them, error.rows)
                    staying += len(kept)
            if planned is not None:
                change = planned.change
                going = {row.record_id for row in change.rows if row.after is None}
                doomed = freeze(row for row in rows if row[0] in going)  # some may have gone meanwhile
                selected = len(chosen.keys)
                stay = say_gone(selected - len(doomed.ids) - staying, selected) + stay
                doomed = replace(
                    doomed, stay=stay, going=change.going, written=change.written, read=change.read
                )
            return doomed, planned, emptied(database, doomed)

        decide = partial(_decide_deletion, tab, load(), before=tab.said_of_rows())
        selection.in_turn(look, lambda found: decide(*found), tab.refused, asks=True, each=_READ_TO_DELETE)

    words = partial(tab.selection.words_of_all, "Delete", "Delete {}…")
    return record_act("delete", words, Icon.DELETE, run, tab.selection.refusal, ends=True)


def history_act(tab: RecordTab) -> ActionSpec:
    def run() -> None:
        tab.selection.with_ids(lambda ids, gone: tab.history_wanted.emit(str(shown(ids[0]))))

    def refusal() -> str | None:
        is_there = tab.selection.refusal(single=True, writes=False)
        return is_there or tab.context.without(AUDIT_CHAIN.name)

    return ActionSpec("history", "", Icon.HISTORY, run, refusal)


@dataclass(frozen=True, slots=True)
class NamesRun:
    """A record, the planning run that it names, and what that run is about, where the file has it."""

    record: Record
    run_id: str | None
    idea: str | None


def open_run_act(tab: RecordTab, refusal: Refuses = lambda: None, keys: str = "") -> ActionSpec:
    """Shows the run that the selected record names; the tab reads `NamesRun`. `refusal` comes first."""

    def show(read: NamesRun) -> None:
        if read.idea is not None:
            tab.jump.emit(PLANNING_RUNS.name, read.run_id)

    def refuse() -> str | None:
        read: NamesRun | None = tab.current.whole()
        if read is not None and read.run_id is None:
            return refusal() or f"This {tab.spec.table.noun[0]} names no run."
        gone = read is not None and read.idea is None
        return refusal() or ("Its run is no longer in this database." if gone else None)

    return record_act("open_run", "Open run", Icon.RUNS, lambda: tab.current.when_whole(show), refuse, keys)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a bulk act is about, exactly, before the person is asked.

    The ids of all, names for the first few as a question lists them, and how many are `of` each tenant; and
    which of those selected have to stay, as a sentence. So many rows are `going`, with what goes along,
    about so many are `written`, and so many `read` again at most, each charged. `seen` is what must still be
    so of them then; so many of those selected are `gone`.
    """

    ids: tuple[Any, ...]
    names: tuple[str, ...]
    of: Mapping[Any, int]
    written: int = 0
    read: int = 0
    going: int = 0
    stay: str = ""
    gone: int = 0
    seen: "Seen" = field(default_factory=dict, repr=False)

    @property
    def tenants(self) -> int:
        return len(self.of)


def freeze(rows: Iterable[tuple[Any, ...]]) -> Frozen:
    """Freezes rows of (id, name, tenant). Raises `NotAllowed` where one has no id, by which it would be acted
    on.
    """
    from app.ui.widgets.dialogs import LISTED  # noqa: PLC0415 - rows show before any question

    ids: list[Any] = []
    names: list[str] = []
    of: Counter[Any] = Counter()
    for record_id, name, tenant in rows:
        ids.append(record_id)
        of[tenant] += 1
        if len(names) < LISTED:
            told = first_line(str(name or shown(record_id)).partition("\n")[0], _TOLD)
            names.append(told if tenant is None else f"{told} · {tenant}")
    return Frozen(tuple(require_ids(ids)), tuple(names), of)


def ask_about(
    tab: RecordTab, frozen: Frozen, act: Callable[[], object], title: str, sentence: str, **options: Any
) -> None:
    """Asks whether to `act` on what was frozen, behind what is asked already: two keys may have been pressed
    before either question came. `options` are those of `ConfirmDialog`.
    """
    from app.ui.widgets.dialogs import ConfirmDialog  # noqa: PLC0415 - rows show before any question

    listed: Any = {"items": frozen.names, "total": len(frozen.ids)}
    sentence = priced(tab, frozen, sentence)
    ConfirmDialog(tab.context.theme, title, sentence, parent=tab, **listed, **options).open_in_turn(act)


def priced(tab: RecordTab, frozen: Frozen, sentence: str) -> str:
    """The sentence of a question about what was frozen, with what that costs."""
    return sentence + tab.context.price(frozen.written, read=frozen.read, going=frozen.going)


def set_on_selected(
    tab: RecordTab,
    function: Callable[..., Change],
    flags: Flags,
    *,
    verb: str,
    done: str,
    entry_each: bool,
    given: Mapping[str, Any] | None = None,
    asks: bool = False,
) -> None:
    """Gives the `flags` of exactly the records selected now these states. Undo takes it back, so of several
    it is asked first only where it `asks`, or where it costs much: "Activate {}"? They will be `done`,
    "active", those that are not so. There is an audit entry for each record, or for each tenant. The act
    takes the flags, unless it is `given` something else.
    """
    context, seen = tab.context, tab.selection.seen()
    act = partial(tab.act, function, **(flags if given is None else given), seen=seen)
    if not _is_asked(tab, flags, asks=asks):
        tab.selection.with_ids(act)
        return
    read = partial(not_so, flags=flags, seen=seen, entry_each=entry_each, asks=context.agreed.asks)

    def ask(found: tuple[Frozen, int]) -> None:
        going, of = found
        gone = say_gone(going.gone, of + going.gone)
        if not going.ids:
            are = "The rest is" if of == 1 else "The others are"
            are = f"{gone}{are}" if gone else "All of those selected are"
            tab.refused(NothingToDo(f"{are} {done} already." if of else ALL_GONE))
            return
        count, others = counted(len(going.ids), *tab.spec.table.noun), of - len(going.ids)
        are = "The other one of those selected is" if others == 1 else f"The other {others:,} selected are"
        rest = f" {are} so already." if others else ""
        action, sentence = verb.format(count), f"{gone}{count} will be {done}.{rest} Undo takes it back."
        options: dict[str, Any] = {"action": action, "listed": "About these", "danger": False}
        ask_about(tab, going, partial(act, going.ids, gone=going.gone), f"{action}?", sentence, **options)

    tab.selection.in_turn(read, ask, asks=True, each=READ_EACH + READ_WHOLE)


def at_once(database: Database, table: str, rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """All of the rows. Raises `TooManyAtOnce` where they are more than one act may change: of a selection in
    a list whose length is an estimate only reading tells, and no more are read.
    """
    most = database.most_at_once
    found = list(islice(rows, None if most is None else most + 1))
    if most is not None and len(found) > most:
        raise TooManyAtOnce(counted(most, *DECLARED[table].noun))
    return found


def not_so(
    database: Database,
    chosen: Chosen,
    *,
    flags: Flags,
    seen: "InSight",
    entry_each: bool,
    all_of_them: bool = True,
    asks: bool = True,
) -> tuple[Frozen, int]:
    """Those of the rows of which one of the `flags` is in another state, as the database has them now, and
    how many rows there are. What is read of them joins what was `seen`. Unless `all_of_them` have to go at
    once, the first of them are taken that do; `asks` as of `Agreed`. Raises `TooManyAtOnce`.
    """
    from app.services.records.applying import seen_of  # noqa: PLC0415 - rows show before any act

    table = chosen.query.table
    heading = DECLARED[table].heading
    columns = ("id", "tenant_id", *heading, *flags)
    found = chosen.rows(database, columns)
    rows = at_once(database, table, found) if all_of_them else list(found)
    states = list(flags.values())
    others = [row for row in rows if [*map(flag, row[-len(states) :])] != states][: database.most_at_once]
    seen.fill(seen_of(table, others, columns))
    named = freeze((row[0], next(filter(None, row[2 : 2 + len(heading)]), None), row[1]) for row in others)
    entries = len(named.ids) if entry_each else named.tenants
    each = _written(chosen.lists, table, flags)
    written, read = price_to_change(database, each, len(named.ids), entries, asks=asks)
    gone = len(chosen.keys) - len(rows)
    return replace(named, written=written, read=read, seen=seen, gone=gone), len(rows)


def words_to_set(
    tab: RecordTab, text: str, column: str, state: bool, of_many: str = "", *, asks: bool = False
) -> str:
    """The words of `set_on_selected`, with the dots of its question; `of_many` as in `Selection.words`."""
    words = tab.selection.words(text, column, lambda value: flag(value) is not state, of_many)
    return f"{words}…" if _is_asked(tab, {column: state}, asks=asks) else words


def _is_asked(tab: RecordTab, flags: Flags, *, asks: bool) -> bool:
    """Whether a person is asked before the selected records get these flags, which could be taken back."""
    rows = tab.list.selected_count()
    return rows > 1 and (asks or is_dear(tab, rows, flags))


def is_dear(tab: RecordTab, rows: int, changed: Iterable[str]) -> bool:
    """Whether an act that has `changed` these columns of so many records costs much, by `Context.is_dear`."""
    context = tab.context
    if not context.opened.database.charges:
        return False
    each = _written(context.lists, tab.spec.table.name, changed)
    price = price_to_change(context.opened.database, each, rows, rows, asks=context.agreed.asks)
    return context.is_dear(*price)


def _written(lists: Lists, table: str, changed: Iterable[str]) -> int:
    """About how many rows are charged for each record of which these columns are changed."""
    sources = (DECLARED[table].column(name).source for name in changed)
    return lists.written(table, (*sources, "updated_at"))


def _say_kept(names: Sequence[str], kept: int, of: int, by: str) -> str:
    """Which of the selected records have to stay, and why, before a question about the others."""
    named = some_of(names, NAMED, kept, shown=lambda name: visible(first_line(name, 80)))
    verb, they = ("stays", "it is") if kept == 1 else ("stay", "they are")
    return f"{kept:,} of the {of:,} {verb}, because {they} still referred to by {by}: {named}. "


def say_gone(gone: int, of: int) -> str:
    """How many of the selected records others have deleted, before a question about those that are there."""
    return f"{gone:,} of the {of:,} selected {'is' if gone == 1 else 'are'} no longer there. " if gone else ""


def _decide_deletion(
    tab: RecordTab,
    function: Callable[..., Change],
    doomed: Frozen,
    planned: "Planned | None",
    emptied: Sequence[str],
    *,
    before: str,
) -> None:
    if planned is None:
        return
    act, one = partial(tab.act, function, doomed.ids, planned=planned), len(doomed.ids) == 1
    along = planned.change.along
    if one and not along and not doomed.stay and not tab.context.settings.confirm_deletion:
        act()
        return
    count = counted(len(doomed.ids), *tab.spec.table.noun)
    of_whom = f" of {counted(doomed.tenants, 'tenant')}" if doomed.tenants > 1 else ""
    what, them = ("The other one" if doomed.stay else "It", "it") if one else (f"{count}{of_whom}", "them")
    all_of_it = "all of it" if along else them
    has_chain = AUDIT_CHAIN.name in tab.context.opened.schema.columns
    recorded = "and the audit chain records it" if has_chain else "which is recorded nowhere"
    sentence = (
        f"{before}{doomed.stay}{what} will be deleted{along}, {recorded}. Undo brings {all_of_it} back."
    )
    whose = emptied[0] if len(emptied) == 1 else counted(len(emptied), "tenant") if emptied else ""
    if whose:
        has = "has" if len(emptied) == 1 else "have"
        sentence += f" Then {visible(whose)} {has} no {tab.spec.table.noun[0]} left."
    ask_about(tab, doomed, act, f"Delete {count}?", sentence, action=f"Delete {count}", typed=whose)
