"""The widget sheet: every shared widget in its states."""

from datetime import date

from PySide6.QtCore import QDate, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QDateEdit,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QProgressBar,
    QRadioButton,
    QSpinBox,
    QSplitter,
    QStatusBar,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from app.itemmodels.columns import Tone
from app.ui.session.busy import Busy
from app.ui.tabs.runs.phase_scores import PhaseScore, PhaseScores
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.banner import Banner, Toast
from app.ui.widgets.buttons import Choice, StatusChip, push_button, tool_button
from app.ui.widgets.count_chips import CountChips
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.dialogs import BugDialog, ConfirmDialog, ErrorDialog
from app.ui.widgets.filter_row import DateRange, FilterRow, FilterValues, Pick, Span
from app.ui.widgets.form_dialog import DateRangeDialog, FormDialog
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, add_layout
from app.ui.widgets.panes import EmptyState, Field, FieldList, Inspector
from app.ui.widgets.picker import Picker
from app.ui.widgets.table_columns import TableHeader
from app.workers.runner import Runner
from tests.gallery.registry import Registry, Shot
from tests.gallery.sample_table import SampleTable

PAYLOAD = (
    '{"webhookId":"wh_01HV","actor":"ops@acme.example","url":"https://hooks.acme.example/…",'
    '"events":["run_completed","run_killed"],"limits":{"perDay":1000,"ratio":0.30,"note":null,"on":true}}'
)
PHASES = (
    ("opportunity", 70, 3), ("customer-intel", 89, 1), ("market-research", 78, 3),
    ("competitive-intel", 85, 3),
    ("kill-test", 92, 1), ("revenue-expansion", 93, 1), ("strategy", 85, 2), ("business-model", 90, 1),
    ("product-design", 67, 3), ("gtm-marketing", 85, 3), ("content-engine", 90, 2), ("tech-arch", 80, 3),
    ("analytics", 64, 1), ("launch-execution", None, 1), ("synthesis", None, None),
)  # fmt: skip
EVENTS = (("user_created", 1204), ("user_updated", 9822), ("user_deleted", 87), ("webhook_created", 311))


def register(registry: Registry) -> None:
    """Add the widget sheet to `registry`."""
    registry.scene("widgets-controls", (1280, 860))(controls)
    registry.scene("widgets-frame")(frame)
    registry.scene("widgets-runs")(runs)
    registry.scene("widgets-parts", (1280, 900))(parts)
    registry.scene("widgets-pick-list", (640, 480))(pick_list)
    registry.scene("widgets-choice-list", (320, 240))(choice_list)
    registry.scene("widgets-menu", (640, 480))(column_menu)
    registry.scene("widgets-confirm", None)(confirm)
    registry.scene("widgets-error", None)(error)
    registry.scene("widgets-bug", None)(bug)
    registry.scene("widgets-form", None)(form)
    registry.scene("widgets-dates", None)(dates)


def _page() -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    page.setProperty("page", True)
    page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    column = QVBoxLayout(page)
    column.setContentsMargins(16, 16, 16, 16)
    column.setSpacing(12)
    return page, column


def _line(*widgets: QWidget, stretch: bool = True) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    if stretch:
        row.addStretch(1)
    return row


def _framed(theme: Theme, icon: str, name: str) -> QAbstractButton:
    """As those of the window's tool bar."""
    button = tool_button(theme, icon, name)
    button.setProperty("small", False)
    button.setProperty("framed", True)
    button.setIconSize(QSize(18, 18))
    return button


def controls(theme: Theme) -> Shot:
    """Every plain control, enabled, checked, focused, disabled."""
    page, column = _page()
    focused = push_button(theme, "Has the focus")
    for enabled in (True, False):
        row: list[QAbstractButton] = [
            push_button(theme, kind.value.capitalize(), kind=kind, icon=Icon.VERIFY) for kind in Kind
        ]
        row += [_framed(theme, Icon.REFRESH, "Refresh"), tool_button(theme, Icon.MORE, "More")]
        chips = push_button(theme, "Chip 12")
        chips.setProperty("kind", "chip")
        chips.setCheckable(True)
        chips.setChecked(True)
        for widget in (*row, chips):
            widget.setEnabled(enabled)
        add_layout(column, _line(*row, chips, *([focused] if enabled else [])))
    for enabled in (True, False):
        text, combo, spin = QLineEdit("some text"), QComboBox(), QSpinBox()
        combo.addItems(["Any event type", "user_created"])
        day = QDateEdit(QDate(2026, 11, 22))
        day.setCalendarPopup(True)
        hint = QLineEdit()
        hint.setPlaceholderText("Search everything")
        hint.addAction(theme.icon(Icon.SEARCH, "dim"), QLineEdit.ActionPosition.LeadingPosition)
        for field in (text, hint, combo, spin, day):
            field.setEnabled(enabled)
        add_layout(column, _line(text, hint, combo, spin, day))
    for enabled in (True, False):
        on, off, some = QCheckBox("Checked"), QCheckBox("Not checked"), QCheckBox("Partly")
        on.setChecked(True)
        some.setTristate(True)
        some.setCheckState(Qt.CheckState.PartiallyChecked)
        box = QWidget()
        first, second = QRadioButton("This", box), QRadioButton("That", box)
        first.setChecked(True)
        inner = QHBoxLayout(box)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(first)
        inner.addWidget(second)
        bar = QProgressBar()
        bar.setTextVisible(False)
        bar.setValue(40)
        for choice in (on, off, some, box, bar):
            choice.setEnabled(enabled)
        add_layout(column, _line(on, off, some, box, bar, stretch=False))
    group = QGroupBox("Group of things")
    lines = QVBoxLayout(group)
    for look in Look:
        lines.addWidget(Label(f"A label that looks like {look.value}", look))
    editor = QPlainTextEdit("Plain text to edit,\nover two lines")
    editor.setProperty("editor", True)
    add_layout(column, _line(group, editor, stretch=False))
    rows = QGridLayout()
    for place, tone in enumerate(Tone):
        rows.addWidget(StatusChip(theme, tone.value, tone), 0, place)
        rows.addWidget(StatusChip(theme, tone.value, tone, Icon.COMPLETED), 1, place)
    rows.setColumnStretch(9, 1)
    add_layout(column, rows)
    column.addStretch(1)
    return Shot(page, then=lambda: focused.setFocus(Qt.FocusReason.TabFocusReason))


def _window(theme: Theme, chosen: int) -> tuple[QMainWindow, QVBoxLayout]:
    window = QMainWindow()
    window.setWindowTitle("foundation-primary.sqlite — Tenant Admin")
    bar = QToolBar()
    bar.setMovable(False)
    tenants = Picker(theme, "Tenant", "All tenants")
    tenants.setMinimumWidth(190)
    tenants.set_choices([Choice(name, name) for name in ("acme-corp", "globex", "initech")])
    tenants.set_key("acme-corp")
    bar.addWidget(push_button(theme, "foundation-primary.sqlite", icon=Icon.DATABASE))
    bar.addWidget(tenants)
    gap = QWidget()
    gap.setSizePolicy(gap.sizePolicy().Policy.Expanding, gap.sizePolicy().Policy.Preferred)
    bar.addWidget(gap)
    search = QLineEdit()
    search.setPlaceholderText("Search everything    Ctrl+K")
    search.setFixedWidth(300)
    search.addAction(theme.icon(Icon.SEARCH, "dim"), QLineEdit.ActionPosition.LeadingPosition)
    bar.addWidget(search)
    bar.addWidget(_framed(theme, Icon.REFRESH, "Refresh"))
    bar.addWidget(_framed(theme, Icon.SETTINGS, "Preferences"))
    window.addToolBar(bar)
    tabs = QTabWidget()
    tabs.setDocumentMode(True)
    page, column = _page()
    names = ("Users", "Audit chain", "Webhooks", "Notifications  23", "Planning runs")
    icons = (Icon.USERS, Icon.AUDIT, Icon.WEBHOOK, Icon.BELL, Icon.RUNS)
    for place, (name, icon) in enumerate(zip(names, icons, strict=True)):
        tabs.addTab(page if place == chosen else QWidget(), theme.icon(icon, "dim"), name)
    tabs.setCurrentIndex(chosen)
    window.setCentralWidget(tabs)
    status = QStatusBar()
    status.addWidget(Label("Local file · WAL · 342 MiB"))
    busy = Busy(theme, Runner())
    busy.run("Verifying", lambda monitor: None, on_done=lambda _: None)
    busy.bar.show_progress(300, 1000)
    status.addPermanentWidget(busy)
    status.addPermanentWidget(Label("Retention: last run 04:00, removed 1,204 rows · next in 14 h"))
    window.setStatusBar(status)
    return window, column


def frame(theme: Theme) -> Shot:
    """The audit picture: frame, banner, filter row, table, inspector with JSON."""
    window, column = _window(theme, 1)
    banner = Banner(theme)
    banner.show_verdict(
        Tone.OK,
        "Chain intact",
        "— 184,220 entries verified",
        "Anchored at entry 61,004 (pruned 2026-11-21, checkpoint signed) · head 9f3c…a1e7 · 0.31 s",
    )
    banner.add_button(push_button(theme, "Export report", icon=Icon.EXPORT))
    banner.add_button(push_button(theme, "Verify chain", kind=Kind.PRIMARY, icon=Icon.VERIFY))
    column.addWidget(banner)
    filters = FilterRow(
        theme, "Filter payload…", picks=[Pick("event", "Event type", "Any event type")], dates=True,
        noun=("entry", "entries"),
    )  # fmt: skip
    filters.set_values(FilterValues(dates=DateRange(Span.LAST_30)))
    filters.set_count(184220)
    column.addWidget(filters)
    table = DataTable(theme, "Audit entries")
    table.setModel(SampleTable())
    table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    inspector = Inspector(theme)
    chips = [("hash ok", Tone.OK, Icon.COMPLETED), ("link ok", Tone.OK, Icon.LINK)]
    inspector.set_header("webhook_created", "entry 245,222 · acme-corp · 2026-11-22 13:55:07", *chips)
    payload = JsonView(theme)
    payload.set_json(PAYLOAD)
    fields = FieldList(theme)
    hashes = {"Previous": "77b0…19cd", "Hash": "3d41…e20f", "Recomputed": "3d41…e20f"}
    fields.set_fields([Field(name, value, mono=True) for name, value in hashes.items()])
    inspector.add_widget(payload)
    inspector.add_widget(fields)
    inspector.show_record()
    split = QSplitter()
    split.addWidget(table)
    split.addWidget(inspector)
    split.setSizes([840, 400])
    column.addWidget(split, 1)

    def choose() -> None:
        table.select_row(2)
        table.setFocus()

    return Shot(window, then=choose)


def runs(theme: Theme) -> Shot:
    """The runs picture: count chips, table, phase scores."""
    window, column = _window(theme, 4)
    chips = CountChips("Status")
    counts = {"Running": 6, "Paused": 2, "Completed": 31, "Killed": 12, "Cancelled": 4, "Deleted": 3}
    chips.set_chips([Choice(None, "All", 58), *(Choice(k.lower(), k, n) for k, n in counts.items())])
    row = QHBoxLayout()
    row.addWidget(chips)
    row.addStretch(1)
    row.addWidget(push_button(theme, "Parked ideas  9", icon=Icon.IDEA))
    add_layout(column, row)
    table = DataTable(theme, "Planning runs")
    table.setModel(SampleTable())
    inspector = Inspector(theme)
    chip = ("completed", Tone.OK, Icon.COMPLETED)
    inspector.set_header(
        "Invoice matching for clinics", "13 of 15 phases · score 84 · verdict proceed · 1 pivot", chip
    )
    scores = PhaseScores(theme)
    scores.set_scores(
        [PhaseScore(name, score, f"v{version}" if version else None) for name, score, version in PHASES]
    )
    inspector.add_widget(scores)
    fields = FieldList(theme)
    fields.set_fields(
        [
            Field("Run", "run_01HVQ7ZK3M9X", mono=True),
            Field("Verdict", "proceed", tone=Tone.OK),
            Field("Note", "a long note " * 30),
            Field("Secret", "", can_copy=False),
        ]
    )
    inspector.add_widget(fields)
    inspector.set_actions(
        [push_button(theme, "Pause", icon=Icon.PAUSE), push_button(theme, "Delete…", icon=Icon.DELETE)]
    )
    inspector.show_record()
    split = QSplitter()
    split.addWidget(table)
    split.addWidget(inspector)
    split.setSizes([800, 440])
    column.addWidget(split, 1)

    def choose() -> None:
        table.select_row(5)
        scores.setFocus()

    return Shot(window, then=choose)


def parts(theme: Theme) -> Shot:
    """Banners of every tone and in progress, JSON tree and faults, empty states, toast."""
    page, column = _page()
    for tone, head, rest in (
        (Tone.NEUTRAL, "Not verified yet", ""),
        (Tone.WARN, "Unproven start", "— nothing proves what came before entry 61,004"),
        (Tone.BAD, "Tampered", "— 2 findings in 184,220 entries"),
    ):
        banner = Banner(theme)
        banner.show_verdict(tone, head, rest, "One dim line that says a little more about it")
        banner.add_button(push_button(theme, "Verify chain", kind=Kind.PRIMARY))
        column.addWidget(banner)
    busy = Banner(theme)
    busy.show_progress("Verifying", 61_000, 184_220, "61,000 of 184,220 entries · 1,020,000 rows/s")
    column.addWidget(busy)
    row = QHBoxLayout()
    row.setSpacing(12)
    tree, broken = JsonView(theme), JsonView(theme, "Broken")
    tree.set_json(PAYLOAD)
    tree.show_tree(True)
    broken.set_json('{"half": [1, 2, "three \u202e hidden", ')
    row.addWidget(tree)
    row.addWidget(broken)
    table = DataTable(theme, "Users")
    table.setModel(SampleTable(0))
    clear = push_button(theme, "Clear filters", kind=Kind.PRIMARY)
    row.addWidget(table)
    inspector = Inspector(theme)
    row.addWidget(inspector)
    add_layout(column, row, 1)
    table.set_empty_state(
        EmptyState(theme, Icon.SEARCH, "No user matches", "Nothing matches “zoe”.", (clear,))
    )
    toast = Toast(theme)
    column.addWidget(toast)

    def say() -> None:
        toast.show_message("3 users deleted", "Undo")
        toast._timer.stop()  # else it goes while a picture is waited for that looks as the stored one

    return Shot(page, then=say)


def pick_list(theme: Theme) -> Shot:
    """The list of a filter's pick list, and a long one with a search."""
    page, column = _page()
    filters = FilterRow(theme, "Filter…", picks=[Pick("event", "Event type", "Any event type", "types")])
    many = [Choice(name, name, count) for name, count in EVENTS]
    many += [Choice(f"custom_event_{n}", f"custom_event_{n}", n * 37) for n in range(20)]
    filters.pickers["event"].set_choices(many, 184_220)
    filters.pickers["event"].set_keys(["user_updated", "custom_event_1"])
    column.addWidget(filters)
    column.addStretch(1)
    picker = filters.pickers["event"]
    return Shot(page, then=picker.showPopup, grab=picker.popup, close=picker.hidePopup)


def choice_list(theme: Theme) -> Shot:
    """The list of a combo box in a form."""
    page, column = _page()
    box = QComboBox()
    box.addItems(["Theme of the system", "Light", "Dark"])
    box.setCurrentIndex(1)
    column.addWidget(box)
    column.addStretch(1)
    return Shot(page, then=box.showPopup, grab=lambda: box.view().window(), close=box.hidePopup)


def column_menu(theme: Theme) -> Shot:
    """The header's menu."""
    page, column = _page()
    table = DataTable(theme, "Runs")
    table.setModel(SampleTable())
    column.addWidget(table)
    header = table.horizontalHeader()
    assert isinstance(header, TableHeader)
    menu = header.columns_menu(1)
    return Shot(
        page, then=lambda: menu.popup(page.mapToGlobal(page.rect().topLeft())), grab=menu, close=menu.close
    )


def confirm(theme: Theme) -> ConfirmDialog:
    """Many go, more than can be listed."""
    return ConfirmDialog(
        theme,
        "Delete 1,204 users?",
        "1,204 users will be deleted, and the audit chain records it. Undo brings them back.",
        action="Delete 1,204 users",
        items=[f"person{n}@globex.example" for n in range(60)],
        total=1204,
    )


def error(theme: Theme) -> ErrorDialog:
    """A sentence."""
    return ErrorDialog(
        theme, "The file is in use by another program. Close it there, or open it read-only here."
    )


def bug(theme: Theme) -> BugDialog:
    """Details to copy."""
    return BugDialog(theme, 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no')


def form(theme: Theme) -> Shot:
    """Wrong value, hint, unsaved changes."""
    dialog = FormDialog(
        theme, "New webhook", "It receives every event of its tenant.", action="Create webhook"
    )
    url = QLineEdit()
    dialog.add_field(
        "url", "URL", url, lambda text: "" if str(text).startswith("https") else "Use an https address."
    )
    dialog.add_field("secret", "Secret", QLineEdit(), hint="Signs each request; it is never shown again.")
    dialog.add_field("active", "Active", QCheckBox("Send events at once"))
    url.setText("ftp://hooks.acme.example")
    dialog.reject()
    return Shot(dialog)


def dates(theme: Theme) -> DateRangeDialog:
    """First and last day."""
    return DateRangeDialog(theme, date(2026, 11, 1), date(2026, 11, 22))
