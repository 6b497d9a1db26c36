"""Keyrings that answer, that raise, and that keep silent, as backends of the real `keyring` package."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.errors
import pytest

from app.services.chain.checkpoints.document import IN_FILE, IN_KEYRING, KeyringUnavailable, load_key
from app.workers.system_keyring import SystemKeyring
from tests.fixtures.keyrings import Backend


@pytest.fixture
def backend() -> Iterator[Backend]:
    before, backend = keyring.get_keyring(), Backend()
    keyring.set_keyring(backend)
    yield backend
    backend.answers.set()
    keyring.set_keyring(before)


def test_a_key_is_made_once_and_found_again(backend: Backend, tmp_path: Path) -> None:
    key = load_key(tmp_path, SystemKeyring())
    assert (key.place, len(backend.kept)) == (IN_KEYRING, 1)
    assert load_key(tmp_path, SystemKeyring()).public == key.public


def test_a_silent_keyring_is_waited_for_with_a_limit_and_is_not_an_absent_one(
    backend: Backend, tmp_path: Path
) -> None:
    key = load_key(tmp_path, SystemKeyring())
    backend.answers.clear()
    with pytest.raises(KeyringUnavailable, match="does not answer, so no checkpoint was made"):
        load_key(tmp_path, SystemKeyring(seconds=0.05))
    backend.answers.set()
    assert load_key(tmp_path, SystemKeyring()).public == key.public
    assert list(tmp_path.iterdir()) == [], "no other key is made meanwhile"


@pytest.mark.parametrize(
    "error", [keyring.errors.KeyringLocked(), keyring.errors.InitError("Prompt dismissed")]
)
def test_a_locked_keyring_is_not_an_absent_one(backend: Backend, error: Exception, tmp_path: Path) -> None:
    key = load_key(tmp_path, SystemKeyring())
    backend.error = error
    with pytest.raises(KeyringUnavailable, match="is locked, so no checkpoint was made"):
        load_key(tmp_path, SystemKeyring())
    backend.error = None
    assert load_key(tmp_path, SystemKeyring()).public == key.public
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [keyring.errors.NoKeyringError(), TypeError("configuration")])
def test_where_there_is_none_the_key_is_kept_in_a_file(
    backend: Backend, error: Exception, tmp_path: Path
) -> None:
    backend.error = error
    assert load_key(tmp_path, SystemKeyring()).place == IN_FILE
