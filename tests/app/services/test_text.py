"""Words that people read."""

from app.services import text


def test_quotation_marks_within_others_are_single_ones() -> None:
    assert text.quoted("“Shift planning” deleted") == "“‘Shift planning’ deleted”"
