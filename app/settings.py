"""What the program remembers of a person: a typed wrapper over QSettings.

Everything is kept in `settings.ini` in the person's own folder (`app.paths.state_dir`). A value that is
missing, of another version or damaged reads as its default; nothing here raises.
"""

import hashlib
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QByteArray, QSettings

from app import paths

Theme = Literal["system", "light", "dark"]

RECENT_FILES = 10
DATA_RETENTION_SECONDS = 90 * 86_400
"""The platform's default retention period (`database-schema.md`, Data Retention)."""

_MAX_RETENTION_SECONDS = 100 * 366 * 86_400


class Settings:
    """The person's preferences and the window's memory, written as they are set."""

    def __init__(self, folder: Path | None = None) -> None:
        file = (folder or paths.state_dir()) / "settings.ini"
        self._store = QSettings(str(file), QSettings.Format.IniFormat)
        self._utc_times = self._flag("utc_times") or False  # asked for every cell painted

    @property
    def path(self) -> Path:
        return Path(self._store.fileName())

    def save(self) -> bool:
        """Writes what is pending now; False when the folder cannot be written."""
        self._store.sync()
        return self._store.status() == QSettings.Status.NoError

    # preferences

    @property
    def theme(self) -> Theme:
        found = self._text("theme")
        return next((known for known in get_args(Theme) if known == found), "system")

    @theme.setter
    def theme(self, value: Theme) -> None:
        self._store.setValue("theme", value)

    @property
    def utc_times(self) -> bool:
        """Whether times are shown in UTC rather than in local time."""
        return self._utc_times

    @utc_times.setter
    def utc_times(self, value: bool) -> None:
        self._utc_times = value
        self._store.setValue("utc_times", value)

    @property
    def actor(self) -> str:
        """Who acts, in the audit entries; the operating system's user unless another name was given."""
        return self._text("actor").strip() or paths.os_user()

    @actor.setter
    def actor(self, value: str) -> None:
        """An empty name goes back to the operating system's user."""
        self._store.setValue("actor", value.strip())

    @property
    def data_retention_seconds(self) -> int:
        """How long data is kept, in seconds; at least one day."""
        found = self._number("data_retention_seconds")
        valid = found is not None and 86_400 <= found <= _MAX_RETENTION_SECONDS
        return found if found is not None and valid else DATA_RETENTION_SECONDS

    @data_retention_seconds.setter
    def data_retention_seconds(self, value: int) -> None:
        self._store.setValue("data_retention_seconds", value)

    @property
    def retention_days(self) -> int:
        """The same in whole days."""
        return self.data_retention_seconds // 86_400

    @retention_days.setter
    def retention_days(self, value: int) -> None:
        self.data_retention_seconds = value * 86_400

    @property
    def confirm_deletion(self) -> bool:
        """Whether deleting a single record, which can be undone, is asked about first."""
        return self._flag("confirm_deletion") or False

    @confirm_deletion.setter
    def confirm_deletion(self, value: bool) -> None:
        self._store.setValue("confirm_deletion", value)

    # recent files

    @property
    def recent_files(self) -> tuple[Path, ...]:
        """The files opened last: those that are there first, in that order, then those that are gone."""
        found = [Path(text) for text in self._texts("recent_files")][:RECENT_FILES]
        return tuple(sorted(found, key=lambda path: not _is_file(path)))

    def add_recent_file(self, path: Path) -> None:
        others = [text for text in self._texts("recent_files") if text != str(path.absolute())]
        self._store.setValue("recent_files", [str(path.absolute()), *others][:RECENT_FILES])

    def remove_recent_file(self, path: Path) -> None:
        self._store.setValue("recent_files", [t for t in self._texts("recent_files") if t != str(path)])

    def clear_recent_files(self) -> None:
        self._store.remove("recent_files")

    # one database

    def retention_enabled(self, database: Path) -> bool | None:
        """Whether retention may run on this file; None until the person has seen its preview."""
        return self._flag(_key(database, "retention_enabled"))

    def set_retention_enabled(self, database: Path, enabled: bool | None) -> None:
        if enabled is None:
            self._store.remove(_key(database, "retention_enabled"))
            return
        self._store.setValue(_key(database, "path"), str(database.absolute()))
        self._store.setValue(_key(database, "retention_enabled"), enabled)

    def retention_last_run(self, database: Path) -> int | None:
        """When retention last ran on this file, in epoch seconds; None when it never did."""
        return self._number(_key(database, "retention_last_run"))

    def set_retention_last_run(self, database: Path, at: int) -> None:
        self._store.setValue(_key(database, "path"), str(database.absolute()))
        self._store.setValue(_key(database, "retention_last_run"), at)

    def retention_archive(self, database: Path) -> Path | None:
        """The folder that keeps what retention removes from this file's audit chain; None for no archive."""
        found = self._text(_key(database, "retention_archive"))
        return Path(found) if found else None

    def set_retention_archive(self, database: Path, folder: Path | None) -> None:
        if folder is None:
            self._store.remove(_key(database, "retention_archive"))
            return
        self._store.setValue(_key(database, "path"), str(database.absolute()))
        self._store.setValue(_key(database, "retention_archive"), str(folder.absolute()))

    # the window

    @property
    def window_geometry(self) -> QByteArray:
        """For `QWidget.restoreGeometry`; empty when there is none."""
        return self._bytes("window/geometry")

    @window_geometry.setter
    def window_geometry(self, value: QByteArray) -> None:
        self._store.setValue("window/geometry", value)

    @property
    def window_state(self) -> QByteArray:
        """For `QMainWindow.restoreState`; empty when there is none."""
        return self._bytes("window/state")

    @window_state.setter
    def window_state(self, value: QByteArray) -> None:
        self._store.setValue("window/state", value)

    def column_state(self, tab: str) -> QByteArray:
        """For `QHeaderView.restoreState` of the tab's table; empty when there is none."""
        return self._bytes(f"columns/{tab}")

    def set_column_state(self, tab: str, state: QByteArray) -> None:
        self._store.setValue(f"columns/{tab}", state)

    def splitter_state(self, tab: str) -> QByteArray:
        """For `QSplitter.restoreState` of the tab; empty when there is none."""
        return self._bytes(f"splitters/{tab}")

    def set_splitter_state(self, tab: str, state: QByteArray) -> None:
        self._store.setValue(f"splitters/{tab}", state)

    # An INI file gives back text where a number was put in, and whatever somebody wrote by hand.

    def _value(self, key: str) -> object:
        try:
            return self._store.value(key)
        except (RuntimeError, TypeError, ValueError, EOFError):  # a type that Qt or PySide cannot rebuild
            return None

    def _text(self, key: str) -> str:
        found = self._value(key)
        return found if isinstance(found, str) else ""

    def _texts(self, key: str) -> list[str]:
        found = self._value(key)
        if isinstance(found, str):  # a list of one comes back as its item
            return [found] if found else []
        return [item for item in found if isinstance(item, str) and item] if isinstance(found, list) else []

    def _flag(self, key: str) -> bool | None:
        found = self._value(key)
        if isinstance(found, bool):
            return found
        return {"true": True, "false": False}.get(found) if isinstance(found, str) else None

    def _number(self, key: str) -> int | None:
        found = self._value(key)
        try:
            return int(found) if isinstance(found, int | str) else None
        except ValueError:
            return None

    def _bytes(self, key: str) -> QByteArray:
        found = self._value(key)
        return found if isinstance(found, QByteArray) else QByteArray()


def _key(database: Path, name: str) -> str:
    """A path as a settings key: slashes would make groups of it."""
    digest = hashlib.sha256(str(database.absolute()).encode(errors="surrogateescape")).hexdigest()
    return f"databases/{digest[:32]}/{name}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
