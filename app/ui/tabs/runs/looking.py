"""The acts that only look at runs: side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.itemmodels.columns import Tone
from app.services.records.run_compare import why_not
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme.icons import Icon
from app.ui.widgets.actions import ActionSpec

StatusLooks = Mapping[Any, tuple[Tone, str]]


def looking_acts(tab: RecordTab, looks: StatusLooks) -> list[ActionSpec]:
    """`looks` are those of a run's statuses."""
    return [_compare_act(tab, looks)]


def _compare_act(tab: RecordTab, looks: StatusLooks) -> ActionSpec:
    def show(run_ids: Sequence[Any]) -> None:
        from app.ui.tabs.runs.comparing import CompareDialog  # noqa: PLC0415 - rows show before

        CompareDialog(tab.context, run_ids, looks, tab).open_once()

    def refuse() -> str | None:
        return why_not(tab.list.selected_count()) or tab.selection.refusal(writes=False)

    return ActionSpec(
        "compare", "Compare…", Icon.TREE, lambda: tab.selection.with_ids(show), refuse, "Ctrl+Alt+C"
    )
