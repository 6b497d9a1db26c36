"""Keyrings that answer, raise, keep silent and end who asks, as backends of the real package."""

import os
from pathlib import Path

import pytest

from app.services.chain.checkpoints.document import IN_FILE, IN_KEYRING, NotSigned, load_key
from app.workers.system_keyring import SystemKeyring
from tests.fixtures.keyrings import Desktop

pytestmark = pytest.mark.slow


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    return Desktop(tmp_path / "desktop", monkeypatch, by_child=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def test_a_key_is_made_once_and_found_again(desktop: Desktop, folder: Path) -> None:
    key = load_key(folder, SystemKeyring())
    assert (key.where, desktop.kept) == (IN_KEYRING, 1)
    assert load_key(folder, SystemKeyring()).public == key.public


def test_a_silent_keyring_is_waited_for_with_a_limit_and_is_not_an_absent_one(
    desktop: Desktop, folder: Path
) -> None:
    key = load_key(folder, SystemKeyring())
    desktop.meets("silence")
    with pytest.raises(NotSigned, match="keyring does not answer"):
        load_key(folder, SystemKeyring(seconds=0.05))
    desktop.meets("")
    assert load_key(folder, SystemKeyring()).public == key.public
    assert not folder.exists(), "no other key is made meanwhile"


def test_one_that_prints_answers_all_the_same(desktop: Desktop, folder: Path) -> None:
    desktop.meets("words")
    key = load_key(folder, SystemKeyring())
    assert (key.where, desktop.kept) == (IN_KEYRING, 1)


@pytest.mark.parametrize("meets", ["locked", "dismissed"])
def test_a_locked_keyring_is_not_an_absent_one(desktop: Desktop, meets: str, folder: Path) -> None:
    desktop.meets(meets)
    with pytest.raises(NotSigned, match="keyring is locked"):
        load_key(folder, SystemKeyring())
    assert not folder.exists()


@pytest.mark.parametrize(
    ("meets", "why"),
    [("a bug", "TypeError"), ("a number", "it gives no text"), ("the end", "the process that asks it ended")],
)
def test_a_broken_keyring_is_not_an_absent_one(desktop: Desktop, meets: str, why: str, folder: Path) -> None:
    desktop.meets(meets)
    with pytest.raises(NotSigned, match=rf"No checkpoint was made.* cannot be used \({why}\)"):
        load_key(folder, SystemKeyring())
    assert not folder.exists()


@pytest.mark.parametrize("name", ["", "nobody.knows.this.Keyring"])
def test_a_keyring_that_is_named_wrongly_is_not_an_absent_one(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", name)
    with pytest.raises(NotSigned, match="Correct PYTHON_KEYRING_BACKEND"):
        load_key(folder, SystemKeyring())
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    assert load_key(folder, SystemKeyring()).where == IN_FILE


def test_what_is_to_be_corrected_is_what_names_it(
    desktop: Desktop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing does, nothing is: a keyring that fails is no reason to look for a variable."""
    (config := folder.parent / "config").mkdir()
    (config / "python_keyring").mkdir()
    file = config / "python_keyring" / "keyringrc.cfg"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    file.write_text("[backend]\ndefault-keyring = nobody.knows.this\n")
    with pytest.raises(NotSigned, match=f"Correct {file} and try again"):
        load_key(folder, SystemKeyring())
    file.write_text("no section")
    with pytest.raises(NotSigned, match=f"Correct {file} and try again"):
        load_key(folder, SystemKeyring())
    assert not folder.exists()


def test_where_there_is_none_the_key_is_kept_in_a_file(desktop: Desktop, folder: Path) -> None:
    desktop.meets("absent")
    assert load_key(folder, SystemKeyring()).where == IN_FILE


def test_asking_for_one_runs_no_compiler(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose files would stay where the child is ended."""
    tools, ran = tmp_path / "tools", tmp_path / "ran"
    tools.mkdir()
    for name in ("gcc", "cc"):
        (tools / name).write_text(f"#!/bin/sh\n: > '{ran}'\n")
        (tools / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND", raising=False)
    assert load_key(folder, SystemKeyring()).where == IN_FILE
    assert not ran.exists()
