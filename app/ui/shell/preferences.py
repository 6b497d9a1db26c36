"""What a person can choose: theme, times, the name in the audit chain, retention, asking first."""

from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSpinBox, QWidget

from app import paths
from app.services import text
from app.settings import DATA_RETENTION_SECONDS, RETENTION_DAYS, Settings
from app.ui.theme import MODES, Mode, Theme
from app.ui.widgets.form_dialog import FormDialog, checked
from app.ui.widgets.formatting import grouped


class PreferencesDialog(FormDialog):
    """`PreferencesDialog(theme, settings, parent=None)`.

    A theme that is chosen is shown at once, and taken back when the dialog is left without saving. The rest
    is written when it is saved; `accepted` says so.
    """

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Preferences", action="Save", parent=parent)
        self.setMinimumWidth(520)
        self._settings = settings
        self._mode_before = theme.mode
        modes = QComboBox()
        for mode, words in MODES:
            modes.addItem(words, mode.value)
        modes.setCurrentIndex(modes.findData(theme.mode.value))
        times = QComboBox()
        times.addItem("Local time", "local")
        times.addItem("UTC", "utc")
        times.setCurrentIndex(int(settings.utc_times))
        system_name = paths.os_user()
        actor = QLineEdit("" if settings.actor == system_name else settings.actor)
        actor.setPlaceholderText(system_name)
        days = QSpinBox()
        days.setRange(RETENTION_DAYS[0], RETENTION_DAYS[-1])
        days.setGroupSeparatorShown(True)
        days.setSuffix(" days")
        days.setValue(settings.retention_days)
        ask = QCheckBox("Ask before deleting a single record")
        ask.setChecked(settings.confirm_deletion)
        self.add_field("theme", "Theme", modes)
        self.add_field("times", "Times are shown in", times)
        self.add_field(
            "actor",
            "Your name in the audit chain",
            actor,
            checked(lambda name: text.single_line("actor", "Your name", name, longest=200, required=False)),
            "What you do is recorded under this name. Leave it empty to use the name you are logged in by.",
        )
        default_days = DATA_RETENTION_SECONDS // 86_400
        self.add_field(
            "days",
            "Data is kept for",
            days,
            hint="The platform's own daily cleanup takes its period from DATA_RETENTION_SECONDS: "
            f"{grouped(DATA_RETENTION_SECONDS)} ({default_days} days) by default. Choose the same here.",
        )
        self.add_field(
            "ask", ask.text(), ask, hint="Deleting can be undone. More than one is always asked about."
        )
        self.set_clean()
        modes.currentIndexChanged.connect(lambda _: theme.set_mode(Mode(modes.currentData())))
        self.submitted.connect(self._save)
        modes.setFocus()
        self.rejected.connect(lambda: theme.set_mode(self._mode_before))

    def _save(self) -> None:
        settings, values = self._settings, self.values()
        settings.theme = Mode(str(values["theme"])).value
        settings.utc_times = values["times"] == "utc"
        settings.actor = str(values["actor"])
        settings.confirm_deletion = bool(values["ask"])
        if values["days"] != settings.retention_days:  # a period of hours, written by hand, stays otherwise
            settings.retention_days = int(values["days"])
        if settings.save():
            self.accept()
        else:
            self.set_problem(
                f"The preferences hold until the program ends, but {settings.path} cannot be written; make "
                "it writable, or choose another folder with TENANT_ADMIN_HOME."
            )
