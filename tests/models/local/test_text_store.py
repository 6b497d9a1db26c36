"""Texts that are kept to be looked through."""

import pytest

from models.errors import TemporaryFull
from models.files.errors import temporary_folder
from models.local.text_store import TextStore


def test_a_full_disk_is_told_with_the_folder_on_it() -> None:
    store = TextStore()
    store._connection.pragma("max_page_count", 4)
    with pytest.raises(TemporaryFull) as raised:
        store.add([(1, 0, "x" * 100_000)])
    assert f"({temporary_folder()}) is full" in str(raised.value)
    store.close()
