"""The entry of a return in time: in which chain it is, and what is told of the number that it takes; and the
checkpoint of what a bookmark leads to.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import LostEnd
from app.services.chain.where import InDatabase
from app.services.live import time_travel
from app.services.live.time_travel import Returned, go_back, keep_bookmark
from models.d1.database import D1Database
from models.d1.errors import Failed, ReturnUnknown
from tests.conftest import NOW
from tests.d1.edge import Edge, before
from tests.fixtures.appending import append
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.gateway import append_by_tenant
from tests.fixtures.live import Live
from tests.fixtures.window import ask

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]


@pytest.fixture(scope="module")
def edge(live: Live) -> Iterator[Edge]:
    with before(live.direct) as edge:
        edge.bookmarks, edge.is_busy = [], False
        yield edge


def returned(live: Live, edge: Edge, path: Path) -> tuple[Returned, Path]:
    """What is told of a return to what the file at `path` holds, and where that lies then."""
    file = live.put(path)
    database = D1Database(edge.client(), live.ids[file])
    store = CheckpointStore(path.with_name("home"))
    return go_back(database, "00000001-00000000-abcdef", store, actor="ada", now=NOW), file


def test_the_gateway_goes_on_behind_the_entry_where_it_numbers_one_tenant(
    live: Live, edge: Edge, database_path: Path
) -> None:
    with closing(apsw.Connection(str(database_path))) as sql:
        append_by_tenant(sql, "aurora", NOW, NOW, NOW)
    told, file = returned(live, edge, database_path)
    assert (told.unrecorded, told.caution) == (None, None)
    entry = "SELECT tenant_id, seq FROM audit_chain WHERE event_type = 'database_restored'"
    assert ask(file, entry) == [("aurora", 4)]


def test_whose_next_number_the_entry_takes_is_told(live: Live, edge: Edge, database_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as sql:
        append_by_tenant(sql, "aurora", NOW, NOW, NOW)
        sql.execute("DELETE FROM audit_chain WHERE seq < 3")
        append_by_tenant(sql, "borealis", NOW)
    told, _ = returned(live, edge, database_path)
    assert told.unrecorded is None
    assert "the number that the gateway gives next to “aurora”" in str(told.caution)


def test_what_was_verified_and_missed_is_kept_until_it_went_back(
    live: Live, edge: Edge, database_path: Path
) -> None:
    """Where that is not known, too: a loss stays one until somebody says that it is right."""
    database = D1Database(edge.client(), live.ids[live.put(database_path)])
    store, where = CheckpointStore(database_path.with_name("home")), InDatabase(database)
    lost = LostEnd(9, NOW, "h", ends_at=1, tenant="acme")
    store.verdicts.keep(where, KeptVerdict(Verdict.CONSISTENT, NOW, "ada", 1, 0, 0, 1, lost_end=lost))
    for fault, error in (("echo before", Failed), ("lost before", ReturnUnknown)):
        edge.return_faults = [fault]
        with pytest.raises(error):
            go_back(database, "00000001-00000000-abcdef", store, actor="ada", now=NOW)
        kept = store.verdicts.last(where)
        assert kept is not None and kept.lost_end is not None, fault
    edge.return_faults = []
    go_back(database, "00000001-00000000-abcdef", store, actor="ada", now=NOW)
    assert store.verdicts.last(where) is None


def test_a_bookmark_is_kept_with_a_checkpoint_of_what_it_leads_to(
    live: Live, edge: Edge, database_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = live.put(database_path)
    database = D1Database(edge.client(), live.ids[file])
    store = CheckpointStore(database_path.with_name("home"))

    costs: list[int] = []

    def kept() -> str:
        how: dict[str, Any] = {"why": "kept by you", "clock": lambda: NOW, "by": "ada"}
        how["on_cost"] = costs.append
        found = keep_bookmark(database, store, VERIFY, **how)
        assert database.bookmarks()[1][0].name == found.name
        return found.said

    assert kept() == "", "there are no entries"
    append(file, "a", 3)
    meter = database.client.meter
    before = meter.read
    assert kept() == "Checkpoint 1 was made of its entries."
    assert len(costs) == 1 and meter.read - before < costs[0]
    calls = len(edge.calls)
    assert kept() == "Checkpoint 1 knows its entries."
    assert len(costs) == 1, "and that is nothing to be said"
    assert len(edge.calls) - calls < 8, "by a few rows"
    append(file, "b", 2)
    with monkeypatch.context() as patched:
        patched.setattr(time_travel, "MOST_READ", 10)
        said = kept()
        assert said.startswith("No checkpoint knows all its entries. To make one reads up to ")
        assert said.endswith(" rows: verify the whole.")

    def written_meanwhile(*given: Any, **how: Any) -> str:
        append(file, "c", 1)
        return D1Database.keep_bookmark(database, *given, **how)

    monkeypatch.setattr(database, "keep_bookmark", written_meanwhile)
    assert kept() == "No checkpoint knows all its entries. Others wrote behind checkpoint 2."
    monkeypatch.undo()
    ask(file, "DELETE FROM audit_chain WHERE seq > 4")
    assert kept().startswith("No checkpoint knows all its entries. The audit chain is broken")
    ask(file, "UPDATE sqlite_sequence SET seq = 4 WHERE name = 'audit_chain'")
    assert kept() == "No checkpoint knows all its entries. It is an earlier state than checkpoint 2 knows."
    ask(file, "DELETE FROM audit_chain WHERE seq > 3")
    ask(file, "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit_chain'")
    assert kept() == "Checkpoint 1 knows its entries.", "an earlier state that is just as it knew it"
    assert len(store.checkpoints(InDatabase(database))) == 2
