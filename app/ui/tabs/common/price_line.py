"""What an act on many records takes where each row is charged, said in the form that it is done by."""

from collections.abc import Iterable

from app.services.records.change import WRITTEN_FOR_ENTRY, price_to_add
from app.ui.session.context import Context
from app.ui.tabs.common.acts import reads_again
from app.ui.widgets.labels import Label, Look


class PriceLine(Label):
    """`PriceLine(context)`: empty where nobody pays, and where the act is about one record; where somebody
    does it keeps room for so many `lines`, so that no button moves when it is told. It is for the foot of a
    form, where it is in sight.
    """

    def __init__(self, context: Context, lines: int = 3) -> None:
        super().__init__("", Look.DIM, wrap=True)
        self._context = context
        if context.opened.database.charges:
            self.setMinimumHeight(lines * self.fontMetrics().lineSpacing())
        else:
            self.hide()

    def tell_added(self, each: int, rows: int, entries: int, looks: int = 0) -> None:
        """Of so many new rows, each charged as `each`, with so many entries; it `looks` at so many others."""
        database, asks = self._context.opened.database, self._context.agreed.asks
        written, read = price_to_add(database, each, rows, entries, asks=asks)
        self._tell(rows, written, read + looks)

    def tell_changed(
        self, table: str, columns: Iterable[str], rows: int, entries: int, looks: int = 0
    ) -> None:
        """Of so many rows that get other values in these columns."""
        database, asks = self._context.opened.database, self._context.agreed.asks
        each = self._context.lists.written(table, [*columns, "updated_at"])
        read = reads_again(database, rows, entries, asks=asks) + looks
        self._tell(rows, each * rows + WRITTEN_FOR_ENTRY * entries, read)

    def _tell(self, rows: int, written: int, read: int) -> None:
        self.setText(self._context.price(written, read=read, going=0).strip() if rows > 1 else "")
