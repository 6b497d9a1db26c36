"""Words that people read."""

import pytest

from app.services import text


def test_quotation_marks_within_others_are_single_ones() -> None:
    assert text.quoted("“Shift planning” deleted") == "“‘Shift planning’ deleted”"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (1024, "1 KiB"),
        (4300, "4.2 KiB"),
        (342 * 2**20, "342 MiB"),
        (5 * 2**40, "5 TiB"),
    ],
)
def test_byte_size(count: int, words: str) -> None:
    assert text.byte_size(count) == words
