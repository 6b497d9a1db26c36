"""What is large is let go in parts."""

import weakref

from models.freeing import let_go


class Row:
    """What is freed."""


def test_all_of_each_is_let_go() -> None:
    rows = [Row() for _ in range(2_500)]
    freed = [weakref.ref(row) for row in rows]
    by_number, of_all = dict(enumerate(rows)), set(rows)
    let_go(rows, by_number, of_all, [])
    assert not rows and not by_number and not of_all
    assert all(one() is None for one in freed)
