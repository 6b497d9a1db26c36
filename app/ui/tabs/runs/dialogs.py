"""What a phase of a planning run produced, in any of its versions."""

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QWidget

from app.itemmodels.columns import Tone
from app.services.records.record import Record, read_record
from app.services.records.tables import PLANNING_ARTIFACTS
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common.declared import moment
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.buttons import Lines, StatusChip
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, name_choice
from app.workers.runner import Task
from models.errors import TenantAdminError

_ARTIFACT = QSize(820, 640)
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
