"""What is remembered between two runs, and that no damaged file stops the program."""

import random
from pathlib import Path

import platformdirs
import pytest
from platformdirs.windows import Windows
from PySide6.QtCore import QByteArray

from app import paths
from app.settings import DATA_RETENTION_SECONDS, RECENT_FILES, Settings


def reopened(settings: Settings) -> Settings:
    """The settings as the next run of the program finds them."""
    assert settings.save()
    return Settings(settings.path.parent)


def read_everything(settings: Settings, database: Path) -> tuple[object, ...]:
    return (
        settings.theme,
        settings.utc_times,
        settings.actor,
        settings.data_retention_seconds,
        settings.retention_days,
        settings.confirm_deletion,
        settings.recent_files,
        settings.retention_enabled(database),
        settings.retention_last_run(database),
        settings.retention_archive(database),
        settings.window_geometry,
        settings.window_state,
        settings.column_state("users"),
        settings.splitter_state("users"),
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
    assert settings.data_retention_seconds == DATA_RETENTION_SECONDS == 90 * 24 * 60 * 60
    assert settings.retention_days == 90
    assert settings.recent_files == ()
    assert settings.retention_enabled(tmp_path / "a.sqlite") is None
    assert settings.retention_last_run(tmp_path / "a.sqlite") is None
    assert settings.retention_archive(tmp_path / "a.sqlite") is None
    assert settings.column_state("users").isEmpty()


def test_everything_is_there_the_next_time(tmp_path: Path) -> None:
    one, other = tmp_path / "Größe, eins.sqlite", tmp_path / "b.sqlite"
    settings = Settings(tmp_path)
    settings.theme = "light"
    settings.utc_times = True
    settings.actor = "  Ada Lovelace, audit "
    settings.retention_days = 30
    settings.confirm_deletion = True
    settings.set_retention_enabled(one, True)
    settings.set_retention_enabled(other, False)
    settings.set_retention_last_run(one, 1_795_000_000)
    settings.set_retention_archive(one, tmp_path / "Größe, Archiv")
    settings.window_geometry = QByteArray(bytes(range(256)))
    settings.set_column_state("users", QByteArray(b"\x00\xffusers"))
    settings.set_splitter_state("audit_chain", QByteArray(b"split"))

    settings = reopened(settings)
    assert settings.theme == "light"
    assert settings.utc_times is True
    assert settings.actor == "Ada Lovelace, audit"
    assert settings.retention_days == 30
    assert settings.data_retention_seconds == 30 * 86_400
    assert settings.confirm_deletion is True
    assert settings.retention_enabled(one) is True
    assert settings.retention_enabled(other) is False
    assert settings.retention_last_run(one) == 1_795_000_000
    assert settings.retention_last_run(other) is None
    assert settings.retention_archive(one) == tmp_path / "Größe, Archiv"
    assert settings.retention_archive(other) is None
    assert settings.window_geometry.data() == bytes(range(256))
    assert settings.column_state("users").data() == b"\x00\xffusers"
    assert settings.column_state("runs").isEmpty()
    assert settings.splitter_state("audit_chain").data() == b"split"

    settings.actor = ""
    settings.set_retention_enabled(one, None)
    settings.set_retention_archive(one, None)
    settings = reopened(settings)
    assert settings.retention_archive(one) is None
    assert settings.actor == paths.os_user()
    assert settings.retention_enabled(one) is None


def test_recent_files_are_few_fresh_and_those_that_exist_come_first(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    files = [tmp_path / f"{number}, with comma.sqlite" for number in range(RECENT_FILES + 3)]
    for file in files:
        file.touch()
        settings.add_recent_file(file)
    settings.add_recent_file(files[5])
    settings = reopened(settings)
    newest_first = [files[5], *reversed([file for file in files[3:] if file != files[5]])]
    assert settings.recent_files == tuple(newest_first)

    files[5].unlink()
    assert settings.recent_files == (*newest_first[1:], files[5])
    settings.remove_recent_file(files[5])
    assert settings.recent_files == tuple(newest_first[1:])
    settings.clear_recent_files()
    assert reopened(settings).recent_files == ()


def test_one_recent_file_is_one(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.add_recent_file(tmp_path / "only.sqlite")
    assert reopened(settings).recent_files == (tmp_path / "only.sqlite",)


@pytest.mark.parametrize(
    "line",
    [
        "theme=pink",
        pytest.param(
            "theme=@Variant(\\0\\0\\0\\x7f\\0\\0\\0\\bQWidget\\0)",
            marks=pytest.mark.qt_log_ignore("unknown user type"),
        ),
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


def test_a_damaged_file_never_stops_the_program(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.theme = "dark"
    settings.retention_days = 30
    settings.add_recent_file(tmp_path / "a.sqlite")
    settings.set_retention_enabled(tmp_path / "a.sqlite", True)
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
