"""What the file stores beside the content of an artifact, in columns that nobody declared."""

from PySide6.QtWidgets import QPushButton

from app.services.records.record import Record
from app.services.text import counted, visible
from app.ui.session.context import Context
from app.ui.tabs.common.declared import unknown_fields
from app.ui.widgets import formatting
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.panes import FieldList


class OtherColumnsButton(QPushButton):
    """Says how many such columns a version has something in, and shows them; hidden where there are none."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._artifact: Record | None = None
        self.setProperty("kind", "secondary")
        self.setAutoDefault(False)
        self.clicked.connect(self._show_them)
        self.hide()

    def show_of(self, artifact: Record | None) -> None:
        """Those of a version that was read whole; None where it was not, yet."""
        self._artifact = artifact
        filled = (
            []
            if artifact is None
            else [name for name, value in artifact.unknown.items() if value not in (None, "")]
        )
        self.setText(f"{counted(len(filled), 'other column')}…")
        self.setVisible(bool(filled))

    def _show_them(self) -> None:
        artifact = self._artifact
        if artifact is None:
            return
        version = formatting.figure(artifact["version"])
        which = f", version {formatting.first_line(version, 20)}" if version else ""
        phase = formatting.first_line(artifact.text("phase"), 60)
        box = Dialog(
            self._context.theme,
            visible(f"Other columns of {phase}{which}"),
            "What this database stores of it in columns that only it has.",
            parent=self.window(),
        )
        fields = FieldList(self._context.theme)
        fields.set_fields(unknown_fields(artifact))
        box.add_widget(fields)
        box.set_close_button()
        box.open_once()
