"""What the program remembers of a person: each setting declared once, kept in `settings.ini`.

The file lies in the person's own folder (`app.paths.state_dir`), readable by nobody else. A value that is
missing, of another version or damaged reads as its default; nothing here raises. Settings are data: a file
that asks for an object to be made is set aside unread.
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar, get_args

from PySide6.QtCore import QByteArray, QSettings

from app import paths
from app.services.live import PREFIX
from models.errors import FileOrName
from models.patterns import compiled_later
from models.status import DAY, DEFAULT_RETENTION_DAYS

ThemeName = Literal["system", "light", "dark"]

RECENT_FILES = 10
RETENTION_DAYS = range(1, 36_501)
"""The periods that can be chosen."""

T = TypeVar("T")
K = TypeVar("K", str, FileOrName, bool)


class Setting(Generic[T]):
    """One value. `read` makes it of what the file holds, and None of what is no such value.

    `kept` values are read from the file once, because they are asked for every cell painted.
    """

    def __init__(
        self, read: Callable[[object], T | None], default: T, key: str = "", *, kept: bool = False
    ) -> None:
        self._read, self._default, self._kept = read, default, kept
        self._key: str = key

    def __set_name__(self, owner: type, name: str) -> None:
        self._key = self._key or name.lstrip("_")

    def __get__(self, instance: "Settings", owner: type) -> T:
        if self._key in instance.kept:
            return instance.kept[self._key]  # type: ignore[no-any-return]
        value = instance.read(self._key, self._read, self._default)
        if self._kept:
            instance.kept[self._key] = value
        return value

    def __set__(self, instance: "Settings", value: T) -> None:
        instance.kept.pop(self._key, None)
        instance.write(self._key, value)


class SettingOf(Generic[K, T]):
    """One value for each tab or each database: `settings.name.get(key)` and `settings.name.set(key, value)`.

    None takes it away.
    """

    _settings: "Settings"

    def __init__(self, read: Callable[[object], T | None], default: T, key: Callable[[K], str]) -> None:
        self._read, self._default = read, default
        self._key: Callable[[K], str] = key

    def __get__(self, instance: "Settings", owner: type) -> Self:
        bound = copy(self)
        bound._settings = instance
        return bound

    def get(self, key: K) -> T:
        return self._settings.read(self._key(key), self._read, self._default)

    def set(self, key: K, value: T | None) -> None:
        self._settings.write(self._key(key), value)


# An INI file gives back text where a number was put in, and whatever somebody wrote by hand.


def _is(kind: type[T]) -> Callable[[object], T | None]:
    return lambda found: found if isinstance(found, kind) else None


def _texts(found: object) -> tuple[str, ...] | None:
    items = [found] if isinstance(found, str) else found  # a list of one comes back as its item
    return tuple(filter(None, map(_is(str), items))) if isinstance(items, list) else None


def _theme(found: object) -> ThemeName | None:
    return next((known for known in get_args(ThemeName) if known == found), None)


def _flag(found: object) -> bool | None:
    flags: dict[object, bool] = {True: True, False: False, "true": True, "false": False}
    return flags.get(found) if isinstance(found, bool | str) else None


def _number(found: object, least: int = 0, most: int = 2**63 - 1) -> int | None:
    try:
        number = int(found) if isinstance(found, int | str) else -1
    except ValueError:
        return None
    return number if least <= number <= most else None


def _path(found: object) -> Path | None:
    return Path(found) if isinstance(found, str) and found else None


_period = partial(_number, least=RETENTION_DAYS[0] * DAY, most=RETENTION_DAYS[-1] * DAY)


def _absolute(place: FileOrName) -> str:
    return str(place.absolute()) if isinstance(place, Path) else place


def _of_database(name: str) -> Callable[[FileOrName], str]:
    """A path, or a live database, as a settings key: slashes would make groups of it."""

    def key(database: FileOrName) -> str:
        try:  # `hashlib`'s own; that loads all of OpenSSL, 2 ms of a start
            from _sha256 import sha256  # type: ignore[import-not-found]  # noqa: PLC0415
        except ImportError:  # Python from 3.12 on
            from hashlib import sha256  # noqa: PLC0415

        digest = sha256(_absolute(database).encode(errors="surrogateescape")).hexdigest()
        return f"databases/{digest[:32]}/{name}"

    return key


def _of_room(narrow: bool) -> str:
    return f"inspector/{'narrow' if narrow else 'wide'}"


PREFERENCES = (
    "theme",
    "utc_times",
    "actor",
    "confirm_deletion",
    "retention_days",
    "verify_by_itself",
    "tell_of_notifications",
    "webhooks_here",
    "deliveries_days",
)


class Settings:
    """The person's preferences and the window's memory, written as they are set."""

    theme = Setting(_theme, "system")
    utc_times = Setting(_flag, False, kept=True)
    """Whether times are shown in UTC rather than in local time."""
    confirm_deletion = Setting(_flag, False)
    """Whether deleting a single record, which can be undone, is asked about first."""
    verify_by_itself = Setting(_flag, True)
    """Whether a file is verified when it is opened, and daily while it is open."""
    tell_of_notifications = Setting(_flag, False)
    """Whether the desktop tells of unread notifications that come in."""
    unread_alone = Setting(_flag, True)
    """Whether the tab of notifications begins with those that are unread."""
    groups_by = Setting(_is(str), "")
    groups_shown = Setting(_flag, False)
    """Whether groups of notifications stand beside their list."""
    groups_width = Setting(partial(_number, most=10_000), 0)
    """How wide they were drawn by hand, in pixels; 0 for never."""
    webhooks_here = Setting(_flag, False)
    """Whether test events may be sent to webhooks on this computer."""
    receiver_port = Setting(partial(_number, least=1024, most=65_535), 0)
    """The port that the receiver of webhooks had last, so that an address that was given out stays true."""
    deliveries_days = Setting(partial(_number, least=1, most=RETENTION_DAYS[-1]), 30)
    """For how many days the log keeps what was sent to webhooks."""
    window_geometry = Setting(_is(QByteArray), QByteArray(), "window/geometry")
    inspector_folded = SettingOf[bool, bool | None](_flag, None, _of_room)
    """Whether the inspector is folded away in narrow windows (True) and in others; None until one chose."""
    column_state = SettingOf[str, QByteArray](_is(QByteArray), QByteArray(), "columns/{}".format)
    views = SettingOf[str, str](_is(str), "", "views/{}".format)
    """The views that a person has saved of a tab, by name, as JSON (`tabs.common.arrangement`)."""
    left_at = SettingOf[FileOrName, str](_is(str), "", _of_database("left_at"))
    """How each tab of a database was left, by its table, as JSON: filter, order and the record selected."""
    splitter_state = SettingOf[str, QByteArray](_is(QByteArray), QByteArray(), "splitters/{}".format)
    retention_enabled = SettingOf[FileOrName, bool | None](_flag, None, _of_database("retention_enabled"))
    """Whether retention may run on this file, or by this connection; None until the person has seen its
    preview.
    """
    retention_last_run = SettingOf[FileOrName, int | None](_number, None, _of_database("retention_last_run"))
    """When retention last ran on this file, in epoch seconds; None when it never did."""
    went_back_at = SettingOf[FileOrName, int | None](_number, None, _of_database("went_back_at"))
    """When Time Travel last brought this live database back, in epoch seconds; None when it never did."""
    copy_of = SettingOf[FileOrName, Path | None](_path, None, _of_database("copy_of"))
    """The file that this one was copied from, since that could not be opened where it is; None as a rule."""
    restored = SettingOf[FileOrName, tuple[str, ...]](_texts, (), _of_database("restored"))
    """The file as it was before this one was restored, and what came of it, until a person has read that."""
    seen_through = SettingOf[FileOrName, int | None](_number, None, _of_database("seen_through"))
    """The last audit entry of this file that a person did here or was told of."""
    retention_archive = SettingOf[FileOrName, Path | None](_path, None, _of_database("retention_archive"))
    """The folder that keeps what retention removes from this file's audit chain; None for no archive."""
    retention_unrecorded = SettingOf[FileOrName, bool](_flag, False, _of_database("retention_unrecorded"))
    """Whether retention may run on this file although there is no audit chain to record it in."""
    retention_milliseconds = SettingOf[FileOrName, bool](_flag, False, _of_database("retention_milliseconds"))
    """Whether retention reads times of this file that seem to be in milliseconds as such."""
    _data_retention_seconds = Setting(_period, DEFAULT_RETENTION_DAYS * DAY)
    """In seconds, as the platform sets its own; whole days are read of it (`retention_days`)."""
    _actor = Setting(_is(str), "")
    _recent_files = Setting[tuple[str, ...]](_texts, ())

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or paths.state_dir()) / "settings.ini"
        self.kept: dict[str, Any] = {}
        _set_aside_objects(self.path)
        self._store = QSettings(str(self.path), QSettings.Format.IniFormat)
        self._is_private = False

    def save(self) -> bool:
        """Writes what is pending now; False when the folder cannot be written."""
        self._store.sync()
        return self._store.status() == QSettings.Status.NoError

    def look_again(self) -> None:
        """Takes up what another window of this person has written since."""
        self._store.sync()
        self.kept.clear()

    def preferences(self) -> dict[str, object]:
        """What a person sets in the preferences, as it is now."""
        return {name: getattr(self, name) for name in PREFERENCES}

    @property
    def actor(self) -> str:
        """Who acts, in the audit entries; the operating system's user unless another name was given."""
        return self._actor.strip() or paths.os_user()

    @actor.setter
    def actor(self, value: str) -> None:
        """An empty name goes back to the operating system's user."""
        self._actor = value.strip()

    @property
    def retention_days(self) -> int:
        """How long data is kept, in whole days."""
        return self._data_retention_seconds // DAY

    @retention_days.setter
    def retention_days(self, value: int) -> None:
        self._data_retention_seconds = value * DAY

    @property
    def recent(self) -> tuple[FileOrName, ...]:
        """What was opened last, the newest first: files, and connections as `d1:NAME`.

        Whether they are there is not asked: it may take long.
        """
        kept = self._recent_files[:RECENT_FILES]
        return tuple(text if text.startswith(PREFIX) else Path(text) for text in kept)

    def add_recent(self, place: FileOrName) -> None:
        if self._recent_files[:1] == (text := _absolute(place),):
            return  # to write the file takes two waits for the disk, with the rows not yet in sight
        self.remove_recent(place)
        self._recent_files = (text, *self._recent_files)[:RECENT_FILES]

    def remove_recent(self, place: FileOrName) -> None:
        self.look_again()
        self._recent_files = tuple(text for text in self._recent_files if text != _absolute(place))

    # what the declarations stand on

    def read(self, key: str, as_value: Callable[[object], T | None], default: T) -> T:
        """What the file holds; the default for nothing, and for what Qt or PySide cannot rebuild."""
        found = None
        with suppress(RuntimeError, TypeError, ValueError, EOFError):
            found = as_value(self._store.value(key))
        return default if found is None else found

    def write(self, key: str, value: object) -> None:
        """Keeps a text, number, flag, path, bytes or a tuple of texts; None takes it away."""
        if not self._is_private:
            self._is_private = True
            _make_private(self.path)
        if value is None:
            self._store.remove(key)
        elif isinstance(value, Path):
            self._store.setValue(key, str(value.absolute()))
        else:
            self._store.setValue(key, list(value) if isinstance(value, tuple) else value)


_ESCAPES = compiled_later(r"\\x([0-9a-f]+)|\\([0-7]+)|\\(?:\r\n|.)?", re.IGNORECASE | re.DOTALL)


def _set_aside_objects(file: Path) -> None:
    """Renames a file with a value that Qt would make an object of, by unpickling if PySide is asked to, and
    what is no file.

    None is ever written here. Qt reads all values of a section at once, so one is enough. It undoes escapes
    and joins what quotes part before it looks for the word, and so does this.
    """

    def undone(escape: re.Match[str]) -> str:
        hexadecimal, octal = escape.groups()
        digits = hexadecimal or octal
        return chr(int(digits, 16 if hexadecimal else 8) & 0xFFFF) if digits else ""

    with suppress(OSError):
        refused = file.with_name("settings.refused.ini")
        if paths.exists(file) and not file.is_file():  # from a pipe Qt would read for ever
            file.replace(refused)
        words = re.sub(r"[^@A-Za-z]", "", _ESCAPES.sub(undone, file.read_text("utf-8", "replace")))
        if re.search("(?<!@)@Variant", words):  # Qt doubles the sign in a text that begins with it
            file.chmod(0o600)
            file.replace(refused)


def _make_private(file: Path) -> None:
    """The person's alone: what they open and how they are called is nobody else's. What cannot be done, Qt
    tells when it writes."""
    with suppress(OSError):
        if not file.parent.exists():
            paths.make_private(file.parent)
        elif file.parent == paths.state_dir() and paths.CHOSEN not in os.environ:
            file.parent.chmod(0o700)
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
        file.chmod(0o600)
