"""The planning runs: how far they came, what they produced, and the status an administrator may give them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.itemmodels.columns import Column, Row
from app.services.records.applying import NONE_LEFT, Left, seen_of
from app.services.records.change import Change, price_to_change
from app.services.records.known import Chosen
from app.services.records.list_query import ListQuery
from app.services.records.record import Record
from app.services.records.tables import (
    AUDIT_CHAIN,
    PLANNING_ARTIFACTS,
    PLANNING_PARKED_IDEAS,
    PLANNING_RUNS,
    Scope,
)
from app.services.runs import parking
from app.services.runs import statuses as planning
from app.services.runs.statuses import RunDetail
from app.services.text import counted, readable
from app.ui.tabs.common import declared
from app.ui.tabs.common.acts import (
    Frozen,
    ask_about,
    create_act,
    freeze,
    history_act,
    is_dear,
    priced,
    record_act,
)
from app.ui.tabs.common.declared import RUNS_TAB
from app.ui.tabs.common.facets import FacetChips
from app.ui.tabs.common.new_rows import NEW_ROWS
from app.ui.tabs.common.record_tab import INSPECTOR, OF_VIEWS, RecordTab
from app.ui.tabs.common.view_picker import ViewPicker
from app.ui.tabs.common.when_removed import LEAVES, OF_RUNS, Leaving
from app.ui.tabs.runs import run_acts
from app.ui.tabs.runs.parked import ParkedIdeasDialog, copy_run_form, new_run_form, park_form
from app.ui.tabs.runs.phase_scores import VERDICT, PhaseScores, phase_scores, summary
from app.ui.tabs.runs.reading_acts import RunOpener, looking_acts, search_texts
from app.ui.tabs.runs.ready import GOING, WAITING, WHY, ReadyRuns, view_words
from app.ui.theme import Icon, Kind, Tone
from app.ui.widgets.actions import ActionSpec, ButtonIn
from app.ui.widgets.buttons import BUTTON, tool_button
from app.ui.widgets.formatting import first_line, grouped, money, score
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, in_row
from app.ui.widgets.panes import LOW, Field, FieldList
from app.ui.widgets.tab_pages import height_of
from models.engine import Database
from models.errors import TenantAdminError
from models.status import GOES_ON, RunStatus

if TYPE_CHECKING:
    from app.services.runs.run_search import TextPlace
    from app.ui.tabs.runs.charts import ChartsDialog
    from app.ui.tabs.runs.page import RunPage

PARKED, CHARTS, OPEN = "parked_ideas", "charts", "open"
_FACTS = {
    PLANNING_RUNS.column(name).label
    for name in ("revenue_potential", "mode", "id", "created_at", "updated_at")
}
"""What stands above the scores; what may be long, or is for other programs, is below them."""
_IN_HEADER = {"idea": 80, "kill_verdict": VERDICT}
"""And what stands above them where it has more characters than surely are read in the header."""
_WHY, _WHY_WIDE = "Why", "No market yet"
_STATUS = PLANNING_RUNS.names.index("status")
_OF_THE_LIST = frozenset({OPEN, "compare", INSPECTOR, NEW_ROWS, *OF_VIEWS})
"""Acts that cannot be done, nor are their keys told, while a run is opened in the place of the list."""
_IDEA_TOLD = 48
"""Characters of an idea in a list of runs that an act is about; their status has room beside them."""
_BESIDE = 8


_ENDED = frozenset({RunStatus.PAUSED, RunStatus.KILLED, RunStatus.CANCELLED, RunStatus.DELETED})
_SHOWN_BY = {WAITING: (RunStatus.PAUSED,), GOING: (RunStatus.DELETED,)}


class RunsTab(RecordTab):
    """Planning runs: watch them, change their status, read what their phases produced."""

    spec = RUNS_TAB

    opens = OPEN
    in_place_of_list = "The opened run is in the place of the list; Esc goes back to it."

    _parked: ParkedIdeasDialog | None = None
    _charts: "ChartsDialog | None" = None
    _place: "TextPlace | None" = None
    """What was found, until its run is shown."""
    _no_parked: str | None = None
    _parked_count: int | None = None
    _due_count = 0
    _kept: frozenset[str] = frozenset()
    _unrecordable: str | None = None
    _has_tenants = _is_close = False
    _taken: frozenset[str] = frozenset(RunStatus)

    def special_columns(self) -> declared.Special:
        return {
            "status": {
                "text": lambda value, row: run_acts.status_word(value),
                "tone": lambda value, row: run_acts.STATUS_LOOKS[value][0],
                "icon": lambda value, row: run_acts.STATUS_LOOKS[value][1],
                "tooltip": lambda value, row: self.ready.why_of(row),
            },
            "idea": {
                "text": lambda value, row: run_acts.idea_words(value),
                "tone": _deleted_tone,
                "told": lambda value, row: self.opener.told(row),
            },
            "quality_score": {"text": declared.number(score)},
            "revenue_potential": {"text": declared.number(money)},
            "mode": {"dim": True},
        }

    @cached_property
    def leaving(self) -> Leaving:
        return Leaving(self.context, OF_RUNS)

    @cached_property
    def ready(self) -> ReadyRuns:
        return ReadyRuns(self.context, self._change_ready, self._know_reasons)

    def _know_reasons(self) -> None:
        self.model.repaint()
        if (shown := self.current.whole()) is not None:
            self._show_fields(shown.run)

    def shown_columns(self, columns: Sequence[Column]) -> Sequence[Column]:
        at = next(place for place, column in enumerate(columns) if column.name == "created_at")
        leaving = [self.leaving.column()] if self.leaving.is_told else []
        return (*columns[:at], self.ready.why(), *columns[at:], *leaving)

    @property
    def gives_way(self) -> tuple[str, ...]:
        """When a run is removed matters of those alone that are deleted, and why a run is what it is of those
        that do not go on: of these more than its score, which the inspector tells, too.
        """
        own, leaves = super().gives_way, (LEAVES,) if self.leaving.is_told else ()
        at = own.index("updated_at")
        if not self._kept or self._kept & _ENDED:
            with_why = (*own, WHY) if self._kept and self._kept <= _ENDED else (*own[:at], WHY, *own[at:])
        else:
            with_why = (WHY, *own)
        shown = self.ready.is_of
        with_why = (*(name for name in with_why if name not in shown), *shown)
        return (*with_why, *leaves) if self._kept == {RunStatus.DELETED} else (*leaves, *with_why)

    def top_widgets(self) -> Sequence[QWidget]:
        self.opener = RunOpener(self, self._make_page)
        self.details_shown.connect(self._open_place)
        self.chips = self.facets.chips["status"] = FacetChips(
            self.context.theme,
            PLANNING_RUNS.column("status"),
            planning.STATUSES,
            {RunStatus.ACTIVE: RunStatus.RUNNING},  # as the gateway calls it
        )
        self.chips.changed.connect(lambda key: self._change_chips())
        self.charts_button, self.parked_button = map(self.commands.button, (CHARTS, PARKED))
        self._line = QWidget()
        self._put_away = (self.commands.button("create"), self.charts_button)
        buttons = (*self._put_away, self.parked_button)
        self._above = in_row(self.chips, None, *buttons, within=self._line, spacing=_BESIDE)
        self._line.installEventFilter(self)
        self.filters.add_beside_text(self.ready)
        words = "New run, charts, parked ideas"
        self._more = tool_button(self.context.theme, Icon.MORE, words, colour="text")
        self._more.setProperty("small", False)
        self._more.setProperty("framed", True)
        self._more.setFixedHeight(BUTTON)
        menu = QMenu(self._more)
        menu.addActions([self.commands.action(name) for name in ("create", CHARTS, PARKED)])
        self._more.setMenu(menu)
        self._more.setPopupMode(self._more.ToolButtonPopupMode.InstantPopup)
        self._more.hide()
        self.filters.add_trailing(self._more)
        self.scope_note = Label(look=Look.DIM, wrap=True)
        self.scope_note.hide()
        return (self._line, self.scope_note)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._line and event.type() == QEvent.Type.LayoutRequest:  # the counts, maybe
            self._share_line()
        return super().eventFilter(watched, event)

    def _share_line(self) -> None:
        """Before the statuses lose their counts the buttons beside them are under "…", the first one last."""
        low, words = height_of(self) < LOW, self._parked_words()
        listed = self.chips.sizeHint().width() > self._line.width()  # not beside each other, but to pick from
        chips = (self.chips.minimumSizeHint if listed else self.chips.sizeHint)().width()
        parked = self.parked_button.sizeHint().width()
        parked -= self.parked_button.fontMetrics().horizontalAdvance(self.parked_button.text())
        of = self.parked_button.fontMetrics().horizontalAdvance
        room = self._line.width() - chips - 2 * _BESIDE - parked
        needed = of(words[0]) + sum(button.sizeHint().width() + _BESIDE for button in self._put_away)
        needed += self.ready.sizeHint().width() + _BESIDE if self.is_narrow else 0
        is_short = room < needed
        self._is_close = not low and is_short and not listed
        new, charts = self._put_away
        takes = new.sizeHint().width() + _BESIDE
        keeps_new = room >= takes + of(words[1])
        room -= takes if keeps_new else 0
        new.setHidden(self._is_close and not keeps_new)
        charts.setHidden(self._is_close)
        self.parked_button.setText(words[is_short if listed else self._is_close and room < of(words[0])])
        self.parked_button.setHidden(self._is_close and room < of(words[1]))
        self._more.setVisible((low or self._is_close) and not self.opener.is_open)
        self._place_ready()

    def _place_ready(self) -> None:
        """Above where there is no room for it among the filters."""
        low = height_of(self) < LOW
        above = self.is_narrow and not low and not self._is_close
        if above != (self._above.indexOf(self.ready) >= 0):
            if above:
                self.filters.let_go(self.ready)
                self._above.insertWidget(1, self.ready)
            else:
                self._above.removeWidget(self.ready)
                self.filters.add_beside_text(self.ready)
        self.ready.setVisible(not low or self.ready.key() is not None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the tab is low its statuses stand among the pick lists, and its buttons are under "…"."""
        super().resizeEvent(event)
        low = height_of(self) < LOW
        if not self.opener.is_open and low != self._line.isHidden():
            self._line.setHidden(low)
            self.chips.stand_among(low)
            self.filters.share_with(self.chips if low else None)
            if not low:
                self._above.insertWidget(0, self.chips)
        self._share_line()

    def build_inspector(self) -> None:
        theme = self.context.theme
        self.scores = PhaseScores(theme)
        self.scores.activated.connect(self.open_page)
        self._config = JsonView(theme, "Config")
        self.more_fields = FieldList(theme)
        self.inspector.add_widget(self.fields)
        self.inspector.add_below(self.scores)
        self.inspector.add_below(self.more_fields)
        self.inspector.add_below(self._config)
        self.table.columns.set_widest(self.model.column_of("status"), planning.STATUSES)
        self.table.columns.set_widest(self.model.column_of("current_phase"), planning.PHASES, icon=False)
        self.table.columns.set_widest(self.model.column_of(WHY), (_WHY_WIDE,), icon=False)
        if self.leaving.is_told:
            self.table.columns.set_widest(self.model.column_of(LEAVES), (self.leaving.widest,), icon=False)

    def stop(self) -> None:
        self.opener.stop()
        super().stop()

    def inspector_buttons(self) -> Sequence[QPushButton]:
        return [*super().inspector_buttons(), self.commands.more_button()]

    def load(self, database: Database, record_id: Any) -> RunDetail:
        return planning.get(database, record_id)

    def show_details(self, record: RunDetail) -> None:
        self.opener.prepare()
        run = record.run
        tone, icon = run_acts.STATUS_LOOKS.get(run["status"], (Tone.NEUTRAL, None))
        status = (run_acts.status_word(run["status"]), tone, icon)
        is_told = len(run.text("idea")) > _IN_HEADER["idea"]
        self.inspector.set_header(run.text("idea"), summary(record), status, is_told=is_told)
        self.scores.setVisible(record.artifacts is not None)
        self.scores.set_scores(phase_scores(record.artifacts or ()))
        self._show_fields(run)
        config = run["config"]
        self._config.setVisible(config is not None)
        self._config.set_json(None if config is None else str(config))
        for act in run_acts.ACTS:
            self.commands.show_button(act.name, act.name in run_acts.main_acts(run["status"]))

    def _show_fields(self, run: Record) -> None:
        fields = declared.fields(
            self.context,
            run,
            without=("status", "current_phase", "quality_score", "pivot_count", "config"),
            revenue_potential=declared.amount(run["revenue_potential"]),
        )
        if self.leaving.is_told and run["status"] == RunStatus.DELETED:
            fields.append(self.leaving.field(run["status"], run["updated_at"]))
        reason = self.ready.reasons.why(run["id"], run["status"])
        if reason and run["status"] != RunStatus.KILLED:  # whose verdict it is
            fields.insert(0, Field(_WHY, reason))
        cut = {name for name, most in _IN_HEADER.items() if len(run.text(name)) > most}
        above = {_WHY, *_FACTS}.union(PLANNING_RUNS.column(name).label for name in cut)
        self.fields.set_fields([field for field in fields if field.label in above])
        self.more_fields.set_fields([field for field in fields if field.label not in above])

    def add_acts(self) -> None:
        add = self.commands.add
        for act in run_acts.ACTS:
            run, refusal = partial(self._give_status, act), partial(self._refuse, act)
            words = partial(self._words, act)
            ends = act.status is not None and not planning.allowed(act.status) - {RunStatus.DELETED}
            add(record_act(act.name, words, act.icon, run, refusal, ends=ends))
        new = replace(create_act(self, self._new_run), button_in=ButtonIn.MENU, kind=Kind.SECONDARY)
        add(new)  # among its filters there is no room for a button more
        whole = partial(self.current.when_whole, by_form=True)
        copy = partial(whole, lambda found: copy_run_form(self.context, found.run, self).open_once())
        park = partial(whole, lambda found: park_form(self.context, found.run, self).open_once())
        single = partial(self.selection.refusal, single=True)
        add(ActionSpec("copy_run", "New run of this idea…", Icon.ADD, copy, single))
        add(ActionSpec("park", "Park idea…", Icon.IDEA, park, self._refuse_parking))
        where = ButtonIn.INSPECTOR
        add(ActionSpec(OPEN, "", Icon.REVEAL, self.open_page, self._not_open, button_in=where))
        add(history_act(self))
        for look in looking_acts(self, run_acts.STATUS_LOOKS, self.show_place):
            add(look)
        add(ActionSpec(CHARTS, "Charts…", Icon.RUNS, self.open_charts))
        add(ActionSpec(PARKED, "Parked ideas…", Icon.IDEA, self.open_parked_ideas, lambda: self._no_parked))
        self.commands.divide_before("create", OPEN, "search_texts")

    def search_texts(self, text: str) -> None:
        search_texts(self, self.show_place, text)

    def shows_any_of(self, tables: frozenset[str]) -> bool:
        return bool(tables & {PLANNING_RUNS.name, PLANNING_ARTIFACTS.name})

    def about_record(self) -> Sequence[QWidget]:
        page = self.opener.page
        return super().about_record() if page is None else (*super().about_record(), page)

    def _show_act(self, name: str) -> None:
        if self.opener.is_open:  # whose buttons stand in the place of the inspector's
            self.commands.trigger(name)
        else:
            super()._show_act(name)

    def keys_out_of_sight(self) -> Collection[str]:
        return _OF_THE_LIST if self.opener.is_open else ()

    def take_focus(self) -> None:
        page = self.opener.page
        if page is not None and self.opener.is_open:
            page.take_focus()
        else:
            super().take_focus()

    def find_words(self) -> None:
        page = self.opener.page
        if page is not None and self.opener.is_open:  # which stands in place of the filters
            page.find_words()
        else:
            super().find_words()

    def set_filter_text(self, text: str) -> None:
        had_view = self.ready.let_go()
        chosen = self.chips.key() is not None or had_view
        self.chips.set_key(None)
        super().set_filter_text(text)
        if chosen:
            self._change_view()

    def set_scope(self, scope: Scope) -> None:
        super().set_scope(scope)
        self.scope_note.setText(
            f"This list shows the runs of all tenants; choosing {scope.tenant_id} does not narrow it."
        )
        self._show_scope_note()
        if self._charts is not None and self._charts.isVisible():
            self._charts.set_scope(scope)

    def _show_scope_note(self) -> None:
        self.scope_note.setVisible(self.scope.tenant_id is not None and not self._has_tenants)

    def narrowed(self, query: ListQuery) -> ListQuery:
        return self.ready.narrow(query)

    def own_filter(self) -> str:
        return self.ready.key() or ""

    def set_own_filter(self, key: str) -> None:
        self.ready.restore(key)
        self._know_kept()

    def make_view_picker(self) -> ViewPicker:
        return self.ready

    def own_words(self, key: str) -> str:
        return view_words(key)

    def _change_chips(self) -> None:
        self.ready.follow(self.chips)
        self._change_view()

    def _change_ready(self) -> None:
        self.ready.lead(self.chips)
        self._change_view()

    def _change_view(self) -> None:
        self._know_kept()
        self.filters_changed()

    def _know_kept(self) -> None:
        """The columns that show go by the statuses that are kept."""
        self._kept = frozenset({*self.chips.keys(), *_SHOWN_BY.get(self.ready.key() or "", ())})
        self._let_give_way()

    def read_beside(self, query: ListQuery) -> None:
        self.leaving.read()
        self.ready.look(query.scope)
        self.context.runner.read(_limits, on_done=self._know_limits, on_failed=lambda error: None)

    def reload(self) -> None:
        super().reload()
        self._count_parked()
        if self._parked is not None and self._parked.isVisible():
            self._parked.page.reload()

    def hear(self, change: Change, initiator: object) -> None:
        super().hear(change, initiator)
        if self.shows_any_of(change.tables):
            self.ready.hear(change)
            if not self._stale:
                self.ready.look(self.scope)
        if PLANNING_PARKED_IDEAS.name in change.tables and not self._stale:
            self._count_parked()
        if self._parked is not None and self._parked.isVisible():
            self._parked.page.hear(change, initiator)

    def _count_parked(self) -> None:
        self.context.runner.read(
            self.context.lists.count,
            ListQuery(PLANNING_PARKED_IDEAS.name),
            on_done=self._show_parked_count,
            on_failed=self._parked_not_counted,
        )
        self.context.runner.read(
            parking.due, self.context.clock(), on_done=self._show_due, on_failed=lambda error: None
        )
        if self._charts is not None and self._charts.isVisible():
            self._charts.refresh()

    # the run that is open

    def open_page(self, phase: str = "", sought: "TextPlace | None" = None) -> None:
        """Shows all of the current run; the table folds to a list beside it. Of a phase what it produced, and
        of that the place that was `sought`.
        """
        self.opener.open(phase, sought)

    def show_place(self, place: "TextPlace") -> None:
        """Opens the run that a place is in, at that place."""
        shown = self.current.whole()
        if shown is not None and shown.run["id"] == place.of.run_id and self.isVisible():
            self.open_page(place.of.phase, place)  # nothing would say that it is current
            return
        self._place = place
        self.jump.emit(PLANNING_RUNS.name, place.of.run_id)

    def _open_place(self, record_id: object) -> None:
        place = self._place
        if place is not None and place.of.run_id == record_id:
            self._place = None
            self.open_page(place.of.phase, place)

    def step_back(self) -> bool:
        page = self.opener.page
        if page is None or not self.opener.is_open:
            return False
        page.close_page()
        return True

    def _make_page(self) -> "RunPage":
        from app.ui.tabs.runs.page import RunPage  # noqa: PLC0415 - the table shows before

        acts = [act.name for act in run_acts.ACTS]
        page = RunPage(
            self,
            run_acts.STATUS_LOOKS,
            acts,
            run_acts.main_acts,
            self._open_entry,
            reason_of=self._known_reason,
        )
        page.closed.connect(lambda: self.resizeEvent(QResizeEvent(self.size(), self.size())))
        page.closed.connect(self.commands.update)
        return page

    def _known_reason(self, run: Record) -> str:
        return self.ready.reasons.why(run["id"], run["status"])

    def _not_open(self) -> str | None:
        if self.list.selected_count() > 1:
            return "Select a single run."
        if (gone := self.selection.refusal_of_gone()) is not None:
            return gone
        return None if self.list.current_id() is not None else "Select a run first."

    # acts

    def _give_status(self, act: run_acts.RunAct) -> None:
        """To those of the selected runs to which it applies, as the button says; what ends several asks."""
        if self.opener.shows_other(self.list.current_id()):
            self.context.say("Nothing was done: the run that is selected now is not shown yet.")
            return
        seen, wary = self.selection.seen(), self.context.agreed.asks

        def able(database: Database, chosen: Chosen) -> tuple[Frozen, Left, bool, bool]:
            columns, table = ("id", "idea", "status"), chosen.query.table
            rows = list(chosen.rows(database, columns))
            found = [row for row in rows if run_acts.refusal_of(act, {row[2]}, self._taken) is None]
            left = run_acts.left_as_they_are(rows, found, len(chosen.keys)) if found else NONE_LEFT
            stay = run_acts.before_asking(left, len(chosen.keys))
            each = chosen.lists.written(table, ("status", "updated_at"))
            seen.fill(seen_of(table, found, columns))
            asked = found or rows
            written, read = price_to_change(database, each, len(asked), len(asked), asks=wary)
            named = (
                (key, first_line(readable(idea).partition("\n")[0], _IDEA_TOLD), run_acts.status_word(status))
                for key, idea, status in asked
            )
            frozen = replace(freeze(named), written=written, read=read, stay=stay, seen=seen)
            return frozen, left, bool(found), any(row[2] in GOES_ON for row in found)

        def give(judged: tuple[Frozen, Left, bool, bool]) -> None:
            runs, left, applies, at_work = judged
            how: dict[str, Any] = {"seen": runs.seen, "others": left}
            if act.status is None:
                do = partial(self.act, planning.restore, runs.ids, **how)
            else:
                do = partial(self.act, planning.set_status, runs.ids, act.status, **how)
            if applies and self._asks(act, len(runs.ids), at_work):
                self._ask(act, runs, do, at_work=at_work)
            else:  # where it does not apply, it says why
                do()

        self.selection.in_turn(able, give, asks=self._asks_now(act))

    def _ask(self, act: run_acts.RunAct, runs: Frozen, do: Callable[..., object], *, at_work: bool) -> None:
        count = counted(len(runs.ids), "run")
        danger = self.commands.ends(act.name) and act.status is not RunStatus.COMPLETED
        verb, one = act.text.removesuffix(" run"), len(runs.ids) == 1
        self.leaving.read()
        comes = run_acts.consequence(act.status, self.leaving.days, at_work, one=one)
        what = f"{'It' if one else count} will be {act.done}."
        parts = (what, runs.stay.strip(), comes, "Undo takes it back.")
        title, sentence = f"{verb} {'this run' if one else count}?", " ".join(filter(None, parts))
        if act.status is None or act.status is RunStatus.RUNNING:
            ask_about(self, runs, do, title, sentence, action=f"{verb} {count}", danger=danger)
        else:
            options: dict[str, Any] = {"status": act.status, "action": f"{verb} {count}", "danger": danger}
            if act.status is RunStatus.CANCELLED:  # two buttons said Cancel
                options["cancel"] = "Keep it" if one else "Keep them"
            columns = self.context.opened.schema.columns
            options["recorded"] = AUDIT_CHAIN.name in columns
            options["has_verdict"] = "kill_verdict" in columns.get(PLANNING_RUNS.name, ())
            sentence = priced(self, runs, sentence)
            items, total = runs.names, len(runs.ids)
            dialog = run_acts.ReasonDialog(
                self.context.theme, title, sentence, items=items, total=total, parent=self, **options
            )
            dialog.open_in_turn(lambda: do(reason=dialog.reason()))  # as `ask_about`

    def _asks(self, act: run_acts.RunAct, runs: int, at_work: bool) -> bool:
        """What ends several asks first; so does what a reason is wanted for, the deletion of a run that is at
        work, and any act on several that costs much.
        """
        if act.status is RunStatus.DELETED and (at_work or self.context.settings.confirm_deletion):
            return runs > 0
        return act.status in run_acts.ASKED or (
            runs > 1 and (self.commands.ends(act.name) or is_dear(self, runs, ("status",)))
        )

    def _asks_now(self, act: run_acts.RunAct) -> bool:
        """The same of those that are selected now, as far as they are at hand."""
        at_work = any(row[_STATUS] in GOES_ON for row in self.selection.records())
        return self._asks(act, self.list.selected_count(), at_work)

    def _words(self, act: run_acts.RunAct) -> str:
        words = self.selection.words(act.text, "status", partial(self._applies, act), act.many)
        return f"{words}…" if self._asks_now(act) else words

    def _applies(self, act: run_acts.RunAct, status: Any) -> bool:
        return run_acts.refusal_of(act, {status}, self._taken) is None

    def _refuse(self, act: run_acts.RunAct) -> str | None:
        statuses = self.selection.values("status") or ()
        refusals = [run_acts.refusal_of(act, {status}, self._taken) for status in sorted(statuses, key=str)]
        # Of a mixed selection the act takes those that it applies to.
        none_can = next(iter(refusals), None) if None not in refusals else None
        return self.selection.refusal() or none_can or self._unrecordable

    def show_acts_of_many(self) -> None:
        at_hand = {row[_STATUS] for row in self.selection.records()}
        statuses = at_hand.union(self.selection.values("status") or ())
        wanted = {name for status in statuses for name in run_acts.main_acts(status) or ("delete",)}
        for act in run_acts.ACTS:
            self.commands.show_button(act.name, act.name in wanted)

    def _know_limits(self, found: tuple[frozenset[RunStatus], bool, str | None]) -> None:
        accepted, self._has_tenants, self._unrecordable = found
        self._taken = planning.taken(accepted)
        self.chips.know(planning.offered(accepted))
        self._show_scope_note()
        self.commands.update()

    # parked ideas, and runs by hand

    def _new_run(self) -> None:
        new_run_form(self.context, self.scope.tenant_id, self).open_once()

    def _refuse_parking(self) -> str | None:
        return self.selection.refusal(single=True) or self.context.without(
            PLANNING_PARKED_IDEAS.name, parking.IDEA
        )

    def open_parked_ideas(self) -> RecordTab:
        """Shows the parked ideas in a window of their own, beside this one, and gives their list."""
        if self._parked is None:
            self._parked = ParkedIdeasDialog(self.context, self)
            self._parked.page.jump.connect(self._show_run)
        self._parked.show()
        self._parked.page.mark_stale()
        self._parked.page.activate()
        self._parked.raise_()
        self._parked.activateWindow()
        return self._parked.page

    def open_charts(self) -> None:
        """Shows the charts of the tenant's runs in a window of their own, beside this one."""
        from app.ui.tabs.runs.charts import ChartsDialog  # noqa: PLC0415 - few look at them

        if self._charts is None:
            self._charts = ChartsDialog(self.context, self.scope, self)
            self._charts.picked.connect(partial(self.jump.emit, PLANNING_RUNS.name))
        elif not self._charts.isVisible():
            self._charts.take_focus()
            self._charts.read()
        self._charts.set_scope(self.scope)
        self._charts.show()
        self._charts.raise_()
        self._charts.activateWindow()

    def _show_run(self, table: str, run_id: str) -> None:
        self.jump.emit(table, run_id)
        self.window().activateWindow()

    def _show_parked_count(self, count: int) -> None:
        self._no_parked, self._parked_count = None, count
        self._show_parked()

    def _show_due(self, ids: Sequence[object]) -> None:
        self._due_count = len(ids)
        self._show_parked()

    def _show_parked(self) -> None:
        self._share_line()
        said = f", {grouped(self._due_count)} of them due" if self._due_count else ""
        count = "not counted" if self._parked_count is None else counted(self._parked_count, "idea")
        self.parked_button.setAccessibleName(f"Parked ideas, {count}{said}")
        self.commands.update()

    def _parked_words(self) -> tuple[str, str]:
        """At ease, and where there is little room."""
        due = f" · {grouped(self._due_count)} due" if self._due_count else ""
        if self._parked_count is None:
            return "Parked ideas…", "Parked…"
        count = f"{grouped(self._parked_count)}{due}"
        return f"Parked ideas…  {count}", count

    def _parked_not_counted(self, error: TenantAdminError) -> None:
        self._no_parked = str(error)
        self.commands.update()


def _limits(database: Database) -> tuple[frozenset[RunStatus], bool, str | None]:
    """The statuses the file takes, whether its runs have tenants, and else why nothing can be recorded."""
    has_tenants = planning.has_tenants(database)
    return planning.accepted(database), has_tenants, None if has_tenants else planning.cannot_record(database)


def _deleted_tone(value: Any, row: Row) -> Tone | None:
    return Tone.NEUTRAL if row[_STATUS] == RunStatus.DELETED else None
