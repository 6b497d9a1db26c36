"""What a change means for a list, where no row of it is named."""

from app.services.records.change import Change, effect_on
from app.services.records.list_query import ListQuery


def test_rows_that_went_in_bulk_may_be_any_of_the_list() -> None:
    change = Change("Retention removed 2 rows", (), (), bulk=frozenset({"notifications"}))
    assert change.tables == {"notifications"}
    effect = effect_on(ListQuery("notifications"), change)
    assert effect.moves
    assert effect.touches("any record")
    assert not effect_on(ListQuery("users"), change).moves
