"""What is prepared in a child process is what would be here."""

import json

import pytest

from app.services.runs.contents import ContentKind, prepare
from app.workers.contents import prepare_contents
from models.errors import Cancelled
from models.progress import UNWATCHED, Monitor

TEXT = "# T\r\n" + "Some \ud800 words: строка\n\n" * 12_000
JSON = json.dumps([{"n": n, "of": ["é"] * 4} for n in range(8_000)], ensure_ascii=False)


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        ([TEXT], ContentKind.MARKDOWN),
        ([JSON], ContentKind.JSON),
        ([JSON[:-1] + ",]"], ContentKind.BROKEN_JSON),
        ([JSON, JSON.replace("7999", "8000")], ContentKind.JSON),
        ([TEXT, TEXT.replace("строка", "line", 1)], ContentKind.MARKDOWN),
    ],
)
def test_it_is_the_same_as_here(contents: list[str], kind: ContentKind) -> None:
    found, here = (prepare_contents(contents, UNWATCHED), prepare(contents, lambda: None, whole=True))
    assert found.kind is kind and found.text == contents[-1]
    assert (found.diff, found.pages, found.is_single) == (here.diff, here.pages, len(contents) == 1)


def test_it_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        prepare_contents([TEXT], Monitor(cancelled=lambda: True))
