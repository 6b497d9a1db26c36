"""The planning runs: how far they came, what they produced, and the status an administrator may give them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from app.itemmodels.columns import Column, Row, Tone
from app.services.records import runs as planning
from app.services.records.list_query import ListQuery, Value
from app.services.records.lists import Counts
from app.services.records.runs import RunDetail
from app.services.records.tables import PLANNING_ARTIFACTS, PLANNING_RUNS, Scope
from app.ui.shell.actions import ActionSpec, Place
from app.ui.shell.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.declared import RUNS_TAB
from app.ui.tabs.common.record_acts import history_act
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs import acts as run_acts
from app.ui.tabs.runs.acts import ACTS, STATUS_LOOKS
from app.ui.tabs.runs.artifact import ArtifactDialog
from app.ui.tabs.runs.parked_ideas import IDEAS, ParkedIdeasDialog
from app.ui.tabs.runs.phase_scores import PhaseScores, phase_scores, summary
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import CountChip, CountChips, StatusChip, push_button
from app.ui.widgets.fields import FieldList
from app.ui.widgets.formatting import counted, grouped, money
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look
from models.errors import TenantAdminError
from models.status import RunStatus

OTHER = "other"
"""The chip for statuses that the platform does not know."""

_STATUS = PLANNING_RUNS.names.index("status")
_JSON_HEIGHT = 130
PARKED = "parked_ideas"


class RunsTab(RecordTab):
    """Planning runs: watch them, change their status, read what their phases produced."""

    spec = RUNS_TAB

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        self._status_values: dict[str, tuple[Value, ...]] = {}
        self._shown: RunDetail | None = None
        self._parked: ParkedIdeasDialog | None = None
        self._no_parked_ideas: str | None = None
        super().__init__(context, parent)
        self.table.columns.set_widest(self.model.column_of("status"), planning.STATUSES)

    def columns(self) -> Sequence[Column]:
        return declared.columns(
            self.context,
            PLANNING_RUNS,
            status={"tone": _status_tone, "icon": _status_icon},
            idea={"tone": _deleted_tone},
            quality_score={"text": declared.number("{:.0f}".format)},
            revenue_potential={"text": declared.number(money)},
            mode={"dim": True},
        )

    def top_widgets(self) -> Sequence[QWidget]:
        theme = self.context.theme
        self.chips = CountChips(theme, "Status")
        self._show_chips(None)
        self.chips.changed.connect(lambda key: self.filters_changed())
        self.parked_button = self.commands.button(PARKED)
        line = QWidget()
        row = QHBoxLayout(line)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.chips)
        row.addStretch(1)
        row.addWidget(self.parked_button)
        self.scope_note = Label(look=Look.DIM, wrap=True)
        self.scope_note.hide()
        return (line, self.scope_note)

    def build_inspector(self) -> None:
        theme = self.context.theme
        self.scores = PhaseScores(theme)
        self.scores.activated.connect(self._open_artifact)
        self._fields = FieldList(theme)
        self._config = JsonView(theme, "Config")
        self._config.setMinimumHeight(_JSON_HEIGHT)
        self.inspector.add_widget(self.scores)
        self.inspector.add_widget(self._fields)
        self.inspector.add_widget(self._config, 1)
        self._below = QWidget()  # takes the room of a config that is not there
        self._below.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.inspector.add_widget(self._below)

    def inspector_buttons(self) -> Sequence[QPushButton]:
        more = push_button(self.context.theme, "", icon=Icon.MORE, tip="More actions")
        more.setAccessibleName("More actions")
        more.clicked.connect(lambda: self._more_menu(more))
        return [*super().inspector_buttons(), more]

    def load(self) -> Callable[..., Any]:
        return planning.get

    def show_details(self, record: RunDetail) -> None:
        self._shown = record
        run = record.run
        status = run.text("status")
        look = STATUS_LOOKS.get(status)
        tone, icon = (look.tone, look.icon) if look else (Tone.NEUTRAL, None)
        chip = StatusChip(self.context.theme, status, tone, icon)
        self.inspector.set_header(run.text("idea"), summary(record), [chip])
        self.scores.setVisible(record.artifacts is not None)
        self.scores.set_scores(phase_scores(record.artifacts or ()))
        revenue = run["revenue_potential"]
        self._fields.set_fields(
            declared.fields(
                self.context,
                run,
                without=("status", "current_phase", "quality_score", "pivot_count", "config"),
                revenue_potential={"value": money(revenue), "copy": str(revenue)}
                if isinstance(revenue, int | float)
                else {},
            )
        )
        config = run["config"]
        self._config.setVisible(config is not None)
        self._below.setVisible(config is None)
        self._config.set_json(None if config is None else str(config))
        for act in ACTS:
            self.commands.show_button(act.name, act.name in run_acts.main_acts(run["status"]))

    def add_acts(self) -> None:
        for act in ACTS:
            self.commands.add(
                ActionSpec(
                    act.name,
                    act.text,
                    act.icon,
                    partial(self._give_status, act),
                    partial(self._refuse, act),
                    act.key,
                    place=Place.INSPECTOR,
                )
            )
        self.commands.add(history_act(self))
        self.commands.add(
            ActionSpec(
                PARKED, "Parked ideas", Icon.IDEA, self.open_parked_ideas, lambda: self._no_parked_ideas
            )
        )

    def shows_any_of(self, tables: frozenset[str]) -> bool:
        return bool(tables & {PLANNING_RUNS.name, PLANNING_ARTIFACTS.name, IDEAS})

    # filters beside the filter row

    def extra_choices(self) -> dict[str, tuple[Value, ...]]:
        key = self.chips.key()
        return {} if key is None else {"status": self._status_values.get(key, (key,))}

    def counted(self) -> Sequence[str]:
        return ["status", *super().counted()]

    def show_counts(self, column: str, found: Counts) -> None:
        if column == "status":
            self._show_chips(found)
        else:
            super().show_counts(column, found)

    def choose_value(self, column: str, value: Value) -> bool:
        if column != "status":
            return super().choose_value(column, value)
        self.chips.set_key(str(value) if value in planning.STATUSES else OTHER)
        self.filters_changed()
        return True

    def clear_filters(self) -> None:
        chosen = self.chips.key() is not None
        self.chips.set_key(None)
        super().clear_filters()
        if chosen:
            self.filters_changed()

    def set_filter_text(self, text: str) -> None:
        self.chips.set_key(None)
        super().set_filter_text(text)

    def set_scope(self, scope: Scope) -> None:
        super().set_scope(scope)
        self.scope_note.setText(
            f"Planning runs belong to the platform, not to a tenant; choosing {scope.tenant_id} does not "
            "narrow this list."
        )
        self.scope_note.setVisible(scope.tenant_id is not None)

    def reload(self) -> None:
        super().reload()
        self.context.runner.read(
            lambda database: self.context.lists.count(database, ListQuery(IDEAS)),
            on_done=self._show_parked_count,
            on_failed=self._parked_not_counted,
        )
        if self._parked is not None and self._parked.isVisible():
            self._parked.reload()

    def _show_chips(self, found: Counts | None) -> None:
        """A toggle for every status; without counts while they are not known."""
        counts = dict(found or ())
        other = {value: count for value, count in counts.items() if value not in planning.STATUSES}
        self._status_values = {OTHER: tuple(other)} if other else {}
        chips = [CountChip(None, "All", None if found is None else sum(counts.values()))]
        chips += [
            CountChip(name, name.capitalize(), None if found is None else counts.get(name, 0))
            for name in planning.STATUSES
        ]
        if other:
            chips.append(CountChip(OTHER, "Other", sum(other.values())))
        before = self.chips.key()
        self.chips.set_chips(chips)
        if self.chips.key() != before:
            self.filters_changed()

    # acts

    def _give_status(self, act: run_acts.RunAct) -> None:
        if act.status is None:
            self.selection.with_ids(partial(self.act, planning.restore))
        else:
            self.selection.with_ids(lambda ids: self.act(planning.set_status, ids, act.status))

    def _refuse(self, act: run_acts.RunAct) -> str | None:
        refusal = self.selection.refusal()
        if refusal is not None:
            return refusal
        return run_acts.refusal(act, {row[_STATUS] for row in self.selection.records()})

    def _more_menu(self, button: QPushButton) -> None:
        menu = QMenu(button)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.commands.fill(menu)
        menu.popup(button.mapToGlobal(button.rect().topLeft()))

    def _open_artifact(self, phase: str) -> None:
        if self._shown is not None:
            versions = [found for found in self._shown.artifacts or () if found.text("phase") == phase]
            ArtifactDialog(self.context, self._shown.run.text("idea"), versions, self).open()

    # parked ideas

    def open_parked_ideas(self) -> None:
        """Shows the parked ideas in a window of their own, beside this one."""
        if self._parked is None:
            self._parked = ParkedIdeasDialog(self.context, self)
            self._parked.run_wanted.connect(self._show_run)
        self._parked.reload()
        self._parked.show()
        self._parked.raise_()
        self._parked.activateWindow()

    def _show_run(self, run_id: str) -> None:
        self.jump.emit(self.spec.table, run_id)
        self.window().activateWindow()

    def _show_parked_count(self, count: int) -> None:
        self._no_parked_ideas = None
        self.parked_button.setText(f"Parked ideas  {grouped(count)}")
        self.parked_button.setAccessibleName(f"Parked ideas, {counted(count, 'idea')}")
        self.commands.update()

    def _parked_not_counted(self, error: TenantAdminError) -> None:
        self._no_parked_ideas = str(error)
        self.commands.update()


def _status_tone(value: Any, row: Row) -> Tone | None:
    return STATUS_LOOKS[value].tone


def _status_icon(value: Any, row: Row) -> str | None:
    return STATUS_LOOKS[value].icon


def _deleted_tone(value: Any, row: Row) -> Tone | None:
    return Tone.NEUTRAL if row[_STATUS] == RunStatus.DELETED else None
