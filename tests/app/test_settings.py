"""What is remembered between two runs, and that no damaged file stops the program."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest
from platformdirs.windows import Windows
from PySide6.QtCore import QByteArray, QSettings

from app import paths
from app.settings import RECENT_FILES, Settings


def reopened(settings: Settings) -> Settings:
    """The settings as the next run of the program finds them."""
    assert settings.save()
    return Settings(settings.path.parent)


def read_everything(settings: Settings, database: Path) -> tuple[object, ...]:
    return (
        settings.theme,
        settings.utc_times,
        settings.actor,
        settings.retention_days,
        settings.confirm_deletion,
        settings.recent,
        settings.retention_enabled.get(database),
        settings.retention_last_run.get(database),
        settings.retention_archive.get(database),
        settings.retention_unrecorded.get(database),
        settings.retention_milliseconds.get(database),
        settings.window_geometry,
        settings.column_state.get("users"),
        settings.splitter_state.get("users"),
    )


def test_they_live_in_the_folder_for_this_person() -> None:
    settings = Settings()
    settings.theme = "dark"
    assert settings.save()
    assert (paths.state_dir() / "settings.ini").is_file()
    assert Settings().theme == "dark"


def test_a_first_run_has_sensible_values(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert settings.theme == "system"
    assert settings.utc_times is False
    assert settings.actor == paths.os_user()
    assert settings.retention_days == 90
    assert settings.recent == ()
    assert settings.retention_enabled.get(tmp_path / "a.sqlite") is None
    assert settings.retention_last_run.get(tmp_path / "a.sqlite") is None
    assert settings.retention_archive.get(tmp_path / "a.sqlite") is None
    assert settings.column_state.get("users").isEmpty()


def test_everything_is_there_the_next_time(tmp_path: Path) -> None:
    one, other = tmp_path / "Größe, eins.sqlite", tmp_path / "b.sqlite"
    settings = Settings(tmp_path)
    settings.theme = "light"
    settings.utc_times = True
    settings.actor = "  Ada Lovelace, audit "
    settings.retention_days = 30
    settings.confirm_deletion = True
    settings.retention_enabled.set(one, True)
    settings.retention_enabled.set(other, False)
    settings.retention_last_run.set(one, 1_795_000_000)
    settings.retention_archive.set(one, tmp_path / "Größe, Archiv")
    settings.retention_unrecorded.set(one, True)
    settings.retention_milliseconds.set(other, True)
    settings.window_geometry = QByteArray(bytes(range(256)))
    settings.column_state.set("users", QByteArray(b"\x00\xffusers"))
    settings.splitter_state.set("audit_chain", QByteArray(b"split"))

    settings = reopened(settings)
    assert settings.theme == "light"
    assert settings.utc_times is True
    assert settings.actor == "Ada Lovelace, audit"
    assert settings.retention_days == 30
    assert settings.confirm_deletion is True
    assert settings.retention_enabled.get(one) is True
    assert settings.retention_enabled.get(other) is False
    assert settings.retention_last_run.get(one) == 1_795_000_000
    assert settings.retention_last_run.get(other) is None
    assert settings.retention_archive.get(one) == tmp_path / "Größe, Archiv"
    assert settings.retention_archive.get(other) is None
    assert settings.retention_unrecorded.get(one) is True
    assert settings.retention_unrecorded.get(other) is False
    assert settings.retention_milliseconds.get(one) is False
    assert settings.retention_milliseconds.get(other) is True
    assert settings.window_geometry.data() == bytes(range(256))
    assert settings.column_state.get("users").data() == b"\x00\xffusers"
    assert settings.column_state.get("runs").isEmpty()
    assert settings.splitter_state.get("audit_chain").data() == b"split"

    settings.actor = ""
    settings.retention_enabled.set(one, None)
    settings.retention_archive.set(one, None)
    settings = reopened(settings)
    assert settings.retention_archive.get(one) is None
    assert settings.actor == paths.os_user()
    assert settings.retention_enabled.get(one) is None


def test_recent_files_are_few_and_the_newest_comes_first(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    files = [tmp_path / f"{number}, with comma.sqlite" for number in range(RECENT_FILES + 3)]
    for file in files:
        settings.add_recent(file)
    settings.add_recent(files[5])
    settings = reopened(settings)
    newest_first = [files[5], *reversed([file for file in files[3:] if file != files[5]])]
    assert settings.recent == tuple(newest_first)

    settings.remove_recent(files[5])
    assert settings.recent == tuple(newest_first[1:])


def test_one_recent_file_is_one_and_opening_it_again_writes_nothing(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.add_recent(tmp_path / "only.sqlite")
    settings = reopened(settings)
    assert settings.recent == (tmp_path / "only.sqlite",)

    written = settings.path.stat().st_ino  # another each time
    settings.add_recent(tmp_path / "only.sqlite")
    assert settings.save()
    assert settings.path.stat().st_ino == written


@pytest.mark.parametrize(
    "line",
    [
        "theme=pink",
        "theme=@Variant(\\0\\0\\0\\x7f\\0\\0\\0\\bQWidget\\0)",
        "utc_times=perhaps",
        "data_retention_seconds=0",
        "data_retention_seconds=-5",
        "data_retention_seconds=ninety",
        "data_retention_seconds=99999999999999999999",
        "recent_files=@Invalid()",
        "recent_files=@ByteArray(x)",
        "actor=a, list",
        "confirm_deletion=@Rect(1 2 3 4)",
        "[window]\ngeometry=text\nstate=1, 2",
        "[columns]\nusers=@Variant(\\0)",
        "[databases",
        "\x00\xff%%=%zz",
    ],
)
def test_values_nobody_understands_read_as_the_default(tmp_path: Path, line: str) -> None:
    (tmp_path / "settings.ini").write_bytes(f"[General]\n{line}\n".encode("latin-1"))
    found = read_everything(Settings(tmp_path), tmp_path / "a.sqlite")
    assert found == read_everything(Settings(tmp_path / "nothing"), tmp_path / "a.sqlite")


def test_the_period_is_kept_in_seconds_and_read_in_whole_days(tmp_path: Path) -> None:
    (tmp_path / "settings.ini").write_text(f"[General]\ndata_retention_seconds={30 * 86_400 + 3_600}\n")
    settings = Settings(tmp_path)
    assert settings.retention_days == 30
    settings.retention_days = 31
    assert settings.save()
    assert f"data_retention_seconds={31 * 86_400}\n" in settings.path.read_text()


@pytest.mark.slow
def test_a_damaged_file_never_stops_the_program(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.theme = "dark"
    settings.retention_days = 30
    settings.add_recent(tmp_path / "a.sqlite")
    settings.retention_enabled.set(tmp_path / "a.sqlite", True)
    settings.window_geometry = QByteArray(bytes(range(256)))
    assert settings.save()
    whole = settings.path.read_bytes()
    rng = random.Random(3)
    for number in range(100):
        mutant = bytearray(whole)
        for _ in range(rng.randint(1, 10)):
            mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "settings.ini").write_bytes(mutant[: rng.randrange(len(mutant))] if number % 2 else mutant)
        found = Settings(folder)
        read_everything(found, tmp_path / "a.sqlite")
        assert found.theme in ("system", "light", "dark")
        assert 1 <= found.retention_days <= 36_600


def test_a_folder_that_cannot_be_made_is_told_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(tmp_path / "file" / "home")
    settings.theme = "dark"
    assert settings.theme == "dark"
    assert settings.save() is False


def test_where_the_folder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENANT_ADMIN_HOME", str(tmp_path / "portable"))
    assert paths.state_dir() == tmp_path / "portable"
    monkeypatch.setenv("TENANT_ADMIN_HOME", "relative")
    assert paths.state_dir() == Path.cwd() / "relative"
    monkeypatch.delenv("TENANT_ADMIN_HOME")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert paths.state_dir() == tmp_path / "data" / "tenant-admin"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    assert paths.state_dir() == tmp_path / ".local" / "share" / "tenant-admin"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert paths.state_dir() == tmp_path / ".local" / "share" / "tenant-admin"
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert paths.state_dir() == tmp_path / "Library" / "Application Support" / "Tenant Admin"
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr(platformdirs, "PlatformDirs", Windows)  # chosen when it is imported
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", r"C:\Local")
    assert paths.state_dir() == Path(r"C:\Local") / "Tenant Admin"


class Opened:
    """What makes a file when it is unpickled."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.made,)


def forged(tmp_path: Path) -> tuple[str, Path]:
    """A value as Qt writes an object, and the file that is there when something has unpickled it."""
    made, file = tmp_path / "unpickled", tmp_path / "forged.ini"
    store = QSettings(str(file), QSettings.Format.IniFormat)
    store.setValue("theme", Opened(made))
    store.sync()
    line = next(line for line in file.read_text().splitlines() if line.startswith("theme="))
    return line, made


DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": lambda line: line,
    "under another key": lambda line: line.replace("theme=", "nobody_asks="),
    "in a list": lambda line: line.replace("=", "=a, "),
    "a letter in hexadecimal": lambda line: line.replace("@Variant", '"\\x40""Variant'),
    "a large number": lambda line: line.replace("@", "\\x10040"),
    "octal": lambda line: line.replace("V", "\\126"),
    "an escape of nothing": lambda line: line.replace("@V", "@\\qV"),
    "over two lines": lambda line: line.replace("Vari", "Vari\\\n"),
    "quoted in parts": lambda line: line.replace("Vari", 'Vari""'),
}


def test_the_forged_value_would_be_unpickled(tmp_path: Path) -> None:
    line, made = forged(tmp_path)
    (tmp_path / "settings.ini").write_text(f"[General]\n{line}\n")
    QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat).value("theme")
    assert made.exists(), "else the next test proves nothing"


@pytest.mark.parametrize("disguise", DISGUISES)
def test_nothing_is_ever_unpickled(tmp_path: Path, disguise: str) -> None:
    line, made = forged(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.ini").write_text(f"[General]\nutc_times=true\n{DISGUISES[disguise](line)}\n")
    settings = Settings(home)
    read_everything(settings, tmp_path / "a.sqlite")
    settings.theme = "dark"
    assert reopened(settings).theme == "dark"
    assert not made.exists()
    assert oct((home / "settings.refused.ini").stat().st_mode & 0o777) == "0o600"


def test_a_pipe_in_place_of_the_file_is_set_aside(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.ini")
    settings = Settings(tmp_path)
    settings.theme = "dark"
    assert reopened(settings).theme == "dark"
    assert (tmp_path / "settings.refused.ini").is_fifo()


def test_a_file_that_is_called_like_an_object_is_only_a_name(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.actor = "@Variant(me)"
    assert reopened(settings).actor == "@Variant(me)"


def test_nobody_else_reads_them(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "new" / "home")
    settings.theme = "dark"
    assert settings.save()
    assert settings.path.stat().st_mode & 0o777 == 0o600
    assert settings.path.parent.stat().st_mode & 0o777 == 0o700
    settings.path.chmod(0o644)
    settings = Settings(settings.path.parent)
    settings.theme = "light"
    assert settings.save() and settings.path.stat().st_mode & 0o777 == 0o600
