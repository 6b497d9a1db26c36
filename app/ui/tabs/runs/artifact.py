"""What a phase of a planning run produced, in any of its versions."""

from collections.abc import Sequence

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.itemmodels.columns import Tone
from app.services.records.record import Record, read_record
from app.services.records.tables import PLANNING_ARTIFACTS
from app.ui.shell.context import Context
from app.ui.tabs.common.declared import moment
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.buttons import StatusChip, push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look
from app.workers.runner import Task
from models.errors import TenantAdminError

_SIZE = QSize(820, 640)
_VERDICTS = {
    "approved": (Tone.OK, Icon.COMPLETED),
    "revise": (Tone.WARN, Icon.EDIT),
    "rejected": (Tone.BAD, Icon.BAD),
}


class ArtifactDialog(Dialog):
    """`ArtifactDialog(context, idea, artifacts, parent=None)`: the versions of one phase, the newest first.

    A version's content is read when it is chosen, and shown unwrapped: as a tree or as text.
    """

    def __init__(
        self, context: Context, idea: str, artifacts: Sequence[Record], parent: QWidget | None = None
    ) -> None:
        super().__init__(
            context.theme, artifacts[0].text("phase"), formatting.first_line(idea, 120), parent=parent
        )
        self._context = context
        self._artifacts = tuple(artifacts)
        self._reading: Task | None = None
        self.versions = QComboBox()
        self.versions.setAccessibleName("Version")
        for place, artifact in enumerate(artifacts):
            newest = " (newest)" if place == 0 and len(artifacts) > 1 else ""
            self.versions.addItem(f"Version {artifact['version']}{newest}")
        self.verdict = StatusChip(context.theme)
        self.verdict.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.facts = Label(look=Look.DIM)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.versions)
        head.addWidget(self.verdict)
        head.addWidget(self.facts, 1)
        self.content = JsonView(context.theme, "Content")
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(self.content, 1)
        self.add_widget(body, 1)
        self.close_button = push_button(context.theme, "Close")
        self.close_button.setDefault(True)
        self.close_button.clicked.connect(self.accept)
        self.set_buttons([self.close_button])
        self.finished.connect(self._end)
        self.versions.currentIndexChanged.connect(self._show_version)
        self.resize(_SIZE)
        self.versions.setFocus()
        self._show_version(0)

    def _show_version(self, place: int) -> None:
        if self._reading is not None:
            self._reading.cancel()
        artifact = self._artifacts[place]
        verdict, score, length = (artifact[name] for name in ("review_verdict", "overall_score", "length"))
        tone, icon = _VERDICTS.get(str(verdict), (Tone.NEUTRAL, None))
        self.verdict.set(str(verdict), tone, icon)
        self.verdict.setVisible(bool(verdict))
        facts = [
            f"score {score:.0f}" if isinstance(score, int | float) else "",
            formatting.counted(length, "character") if isinstance(length, int) else "",
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

    def _end(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self.deleteLater()
