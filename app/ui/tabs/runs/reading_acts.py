"""The acts that only look at runs: side by side, as a document, and by their words; and what opens one, which
makes the page for it before anybody asks.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Row
from app.services.runs.run_compare import why_not
from app.services.text import byte_size, counted
from app.ui.session.context import Context
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Icon, Tone
from app.ui.widgets.actions import ActionSpec
from app.ui.widgets.later import later
from models.progress import Monitor

if TYPE_CHECKING:
    from app.services.runs.run_search import TextPlace
    from app.ui.tabs.runs.page import RunPage


StatusLooks = Mapping[Any, tuple[Tone, str]]


def looking_acts(
    tab: RecordTab, looks: StatusLooks, show_place: "Callable[[TextPlace], object]"
) -> list[ActionSpec]:
    """`looks` are those of a run's statuses; `show_place` opens a run where a text of it has some words."""
    return [_compare_act(tab, looks), _dossier_act(tab), _search_act(tab, show_place)]


def _compare_act(tab: RecordTab, looks: StatusLooks) -> ActionSpec:
    def show(run_ids: Sequence[Any], gone: int) -> None:
        from app.ui.tabs.runs.comparing import CompareDialog  # noqa: PLC0415 - rows show before

        if gone > 0:
            tab.context.say(f"{counted(gone, 'run')} of those selected {'is' if gone == 1 else 'are'} gone.")
        if why_not(len(run_ids)) is None:
            CompareDialog(tab.context, run_ids, looks, tab).open_once()

    def refuse() -> str | None:
        return why_not(tab.list.selected_count()) or tab.selection.refusal(writes=False)

    return ActionSpec("compare", "", Icon.TREE, lambda: tab.selection.with_ids(show), refuse)


def _search_act(tab: RecordTab, show_place: "Callable[[TextPlace], object]") -> ActionSpec:
    return ActionSpec("search_texts", "", Icon.SEARCH, partial(search_texts, tab, show_place))


def search_texts(tab: RecordTab, show_place: "Callable[[TextPlace], object]", text: str = "") -> None:
    """Opens the search of what runs say, or brings it back; for a `text` where one was typed elsewhere."""
    from app.ui.tabs.runs.searching import RunSearchDialog  # noqa: PLC0415 - rows show before

    def show(place: "TextPlace") -> None:
        show_place(place)
        tab.window().activateWindow()

    there = (one for one in tab.findChildren(RunSearchDialog) if one.is_of(tab.scope))
    shown = next(there, None)
    if shown is None:
        shown = RunSearchDialog(tab.context, tab.scope, show, tab)
        shown.finished.connect(shown.deleteLater)
    if text:
        shown.line.setText(text)
    shown.come()


_OF_IDEA = 48
_FILTERS = {
    "HTML, the newest versions (*.html)": (".html", False),
    "HTML, all versions (*.html)": (".html", True),
    "Markdown, the newest versions (*.md)": (".md", False),
    "Markdown, all versions (*.md)": (".md", True),
}


def _dossier_act(tab: RecordTab) -> ActionSpec:
    def ask(run_ids: Sequence[Any], gone: int) -> None:
        from app.ui.widgets.file_dialogs import ask_save  # noqa: PLC0415 - rows show before

        shown = tab.current.whole()
        is_it = shown is not None and shown.run["id"] == run_ids[0]
        idea = shown.run.text("idea") if shown is not None and is_it else ""
        start = str(tab.context.opened.folder / dossier_name(run_ids[0], idea))
        chosen = ask_save(tab.context.theme, tab, "Write the dossier", start, ";;".join(_FILTERS))
        if chosen is not None:
            write_dossier(tab.context, run_ids[0], *chosen)

    refuse = partial(tab.selection.refusal, single=True, writes=False)
    return ActionSpec("dossier", "", Icon.EXPORT, lambda: tab.selection.with_ids(ask), refuse)


def dossier_name(run_id: Any, idea: str) -> str:
    """A name for its file: the idea, by which people know it, and the id, which no other run has."""
    words = re.sub(r"[^\w]+", "-", idea.casefold())[:_OF_IDEA].strip("-_")
    key = re.sub(r"[^\w.-]+", "-", str(run_id))[:80].removeprefix("run-").removeprefix("run_")
    return f"run-{words}-{key}.html" if words else f"run-{key}.html"


def write_dossier(context: Context, run_id: Any, path: Path, kind: str) -> None:
    """Writes a run as a document, by the name's ending, or else by the filter that was chosen."""
    from app.services.runs.run_dossier import DossierForm  # noqa: PLC0415 - rows show before
    from app.workers.export import save_dossier  # noqa: PLC0415

    ending, every = _FILTERS[kind]
    typed = path.suffix.lower()
    is_markdown = typed == ".md" or (typed != ".html" and ending == ".md")
    form = DossierForm.MARKDOWN if is_markdown else DossierForm.HTML

    def work(monitor: Monitor) -> int:
        return save_dossier(
            context.opened, run_id, path, form, every=every, now=context.clock(), monitor=monitor
        )

    def done(size: int) -> None:
        context.say(f"The dossier is in {path.name}, {byte_size(size)}", path)

    context.job(f"Writing {path.name}…", work, on_done=done)


_PAGE = "app.ui.tabs.runs.page"
IDLE_MS = 400
"""After a record has been shown first: a person reads it."""


class RunOpener(QObject):
    """`make()` gives the page; it is made when one is opened first, or in steps while a person reads."""

    def __init__(self, owner: QWidget, make: Callable[[], "RunPage"]) -> None:
        super().__init__(owner)
        self._make = make
        self._asked = self._stopped = False
        self.page: RunPage | None = None

    @property
    def is_open(self) -> bool:
        return self.page is not None and not self.page.isHidden()

    def told(self, row: Row) -> str | None:
        """What the list beside the page shows of a run with its idea; None while there is none."""
        return self.page.neighbours.told(row) if self.page is not None and self.is_open else None

    def shows_other(self, run_id: object) -> bool:
        """Whether the page is open with what was read of another run than this."""
        story = self.page.story if self.page is not None and self.is_open else None
        return story is not None and story.run["id"] != run_id

    def open(self, phase: str = "", sought: "TextPlace | None" = None) -> None:
        """The current run, and what a phase of it produced; of that the place that was `sought`."""
        self._made().open(phase, sought)

    def prepare(self) -> None:
        """Makes the page soon; asked as often as one likes."""
        if not self._asked:
            self._asked = True
            later(self, IDLE_MS, self._import)

    def stop(self) -> None:
        """Makes none ahead any more: its file is closed."""
        self._stopped = True

    def _made(self) -> "RunPage":
        if self.page is None:
            self.page = self._make()
        return self.page

    def _import(self) -> None:
        if not self._stopped:
            import_module(_PAGE)
            later(self, 0, self._build)

    def _build(self) -> None:
        if not self._stopped:
            later(self, 0, self._made().prepare)
