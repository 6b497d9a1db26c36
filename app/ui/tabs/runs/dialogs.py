"""Windows of the planning runs: what a phase produced, in any of its versions, and the ideas put aside."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, QSize
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QComboBox, QWidget

from app.itemmodels.columns import Tone
from app.services.records import runs as planning
from app.services.records.record import Record, read_record
from app.services.records.tables import PLANNING_ARTIFACTS, PLANNING_PARKED_IDEAS
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.acts import NamesRun, open_run_act
from app.ui.tabs.common.declared import TabSpec, epoch, moment
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.buttons import Lines, StatusChip
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, name_choice
from app.workers.runner import Task
from models.engine import Database
from models.errors import TenantAdminError

_ARTIFACT, _IDEAS = QSize(820, 640), QSize(1120, 620)
_VERDICTS = {
    "approved": (Tone.OK, Icon.COMPLETED),
    "revise": (Tone.WARN, Icon.EDIT),
    "rejected": (Tone.BAD, Icon.BAD),
}


class ArtifactDialog(Dialog):
    """The versions of one phase, the newest first.

    A version's content is read when it is chosen, and shown unwrapped: as a tree or as text.
    """

    def __init__(
        self, context: Context, idea: str, artifacts: Sequence[Record], parent: QWidget | None = None
    ) -> None:
        super().__init__(
            context.theme, artifacts[0].text("phase"), formatting.first_line(idea, 120), parent=parent
        )
        self._context, self._artifacts = context, tuple(artifacts)
        self._reading: Task | None = None
        self.versions = QComboBox()
        name_choice(self.versions, "Version")
        for position, artifact in enumerate(artifacts):
            newest = " (newest)" if position == 0 and len(artifacts) > 1 else ""
            version = formatting.figure(artifact["version"]) or "—"
            self.versions.addItem(f"Version {version}{newest}")
        self.verdict = StatusChip(context.theme)
        self.facts = Label(look=Look.DIM, wrap=True)
        head = Lines()
        head.set_parts([self.versions, self.verdict])
        self.content = JsonView(context.theme, "Content")
        self.body.setContentsMargins(0, 8, 0, 0)
        self.body.setSpacing(12)
        for part in (head, self.facts):
            self.add_widget(part)
        self.add_widget(self.content, 1)
        self.set_close_button()
        self.finished.connect(self._stop_reading)
        self.versions.currentIndexChanged.connect(self._show_version)
        self.open_as_large_as(_ARTIFACT)
        self.versions.setFocus()
        self._show_version(0)

    def _show_version(self, position: int) -> None:
        self._stop_reading()
        artifact = self._artifacts[position]
        verdict, score, length = (artifact[name] for name in ("review_verdict", "overall_score", "length"))
        tone, icon = _VERDICTS.get(str(verdict), (Tone.NEUTRAL, None))
        self.verdict.set(str(verdict), tone, icon)
        self.verdict.setVisible(bool(verdict))
        facts = [
            f"score {formatting.score(score) or '—'}",
            counted(length, "character") if isinstance(length, int) else "",
            moment(self._context, artifact["created_at"]),
        ]
        self.facts.setText(" · ".join(fact for fact in facts if fact))
        self._reading = self._context.runner.read(
            read_record,
            PLANNING_ARTIFACTS,
            artifact["id"],
            on_done=lambda whole: self._show_content(whole.text("content")),
            on_failed=self._show_failure,
        )

    def _show_content(self, content: str) -> None:
        self.content.set_json(content)
        if content.lstrip()[:1] not in ("{", "[") and self.content.all_button.isHidden():
            self.content.note.hide()  # a document is not JSON gone wrong

    def _show_failure(self, error: TenantAdminError) -> None:
        self.content.set_json(None)
        self.content.note.setText(str(error))
        self.content.note.show()

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()


class ParkedIdeas(RecordTab):
    """The list of ideas put aside: why, and when to look at them again. `jump` asks for an idea's run."""

    margin = 0
    opens = "open_run"
    spec = TabSpec(
        PLANNING_PARKED_IDEAS, Icon.IDEA, ("No parked ideas", "The planner has put nothing aside.")
    )

    def special_columns(self) -> declared.Special:
        revisits = {
            "text": lambda value, row: revisit(value),
            "hint": "Counted from the day the idea was parked",
            "right": False,
        }
        return {"reason": {"dim": True}, "revisit_estimate_months": revisits}

    def build_inspector(self) -> None:
        super().build_inspector()
        self.inspector.empty.set(Icon.INFO, "Nothing selected", "Select an idea to see all of it.")

    def load(self, database: Database, record_id: Any) -> NamesRun:
        record = read_record(database, PLANNING_PARKED_IDEAS, record_id)
        run_id = record.text("run_id") or None
        return NamesRun(record, run_id, None if run_id is None else planning.idea_of(database, run_id))

    def add_acts(self) -> None:
        self.commands.add(open_run_act(self))

    def show_details(self, record: NamesRun) -> None:
        idea, stored = record.record, record.record["created_at"]
        at = epoch(stored)
        since = formatting.plain(stored) if at is None else formatting.relative_time(at, self.context.clock())
        self.inspector.set_header(idea.text("idea"), f"parked {since}")
        months = {"value": revisit(idea["revisit_estimate_months"])}
        self.fields.set_fields(declared.fields(self.context, idea, revisit_estimate_months=months))

    def open_row_menu(self, index: QModelIndex, where: QPoint) -> None:
        """None: what is offered here is the one button."""


class ParkedIdeasDialog(Dialog):
    """Stands beside the window, which stays usable."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(
            context.theme,
            "Parked ideas",
            "Put aside by the planner, to be looked at again. They belong to the platform, not to a tenant.",
            parent=parent,
        )
        self.page = ParkedIdeas(context, self)
        self.add_widget(self.page, 1)
        self.set_close_button()
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self.page.filters.focus_text)
        self.open_as_large_as(_IDEAS)


def revisit(months: Any) -> str:
    """ "after 6 months", from when it was parked; nothing where there is no estimate."""
    if not isinstance(months, int):
        return "" if months is None else str(months)
    return "now" if months <= 0 else f"after {counted(months, 'month')}"
