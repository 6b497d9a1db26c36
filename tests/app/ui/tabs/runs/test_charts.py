from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot

from app.services.runs.run_views import MOST_POINTS, RunFigures, RunPoint, RunWeek, Spread, spread
from app.services.runs.statuses import STATUSES
from app.ui.shell.window import MainWindow
from app.ui.tabs.runs import RunsTab, charts
from app.ui.tabs.runs.charts import KINDS, ChartsDialog
from app.ui.theme import Theme
from app.ui.widgets.drawing import Align, DrawnPoint, DrawnText, Frame, as_svg, framed, ticks
from tests.fixtures.gateway import create_gateway
from tests.fixtures.window import ask, child, click, go, open_file, press

HOSTILE = "<script>alert(1)</script>&\u202e\x00\ud800"


def opened(qtbot: QtBot, window: MainWindow, path: Path) -> tuple[RunsTab, ChartsDialog]:
    open_file(qtbot, window, path)
    tab = go(qtbot, window, 4)
    assert isinstance(tab, RunsTab)
    click(qtbot, tab.charts_button)
    dialog = child(tab, ChartsDialog)
    qtbot.waitUntil(lambda: dialog.empty.text() != "Reading…" or dialog.chart.isVisible())
    return tab, dialog


@pytest.mark.slow
def test_a_point_is_found_by_keys_and_selects_its_run(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    tab, dialog = opened(qtbot, window, demo_path)
    for kind in KINDS:
        dialog.kinds.set_key(kind.key)
        dialog.kinds.changed.emit(kind.key)
        assert dialog.stack.currentWidget() is dialog.chart and dialog.chart.drawing.spots
        assert kind.title in dialog.chart.accessibleName()
        dialog.as_table.click()
        assert dialog.table.isVisible() and dialog.table.model().rowCount() > 3
        if kind.key == "points":
            with qtbot.waitSignal(dialog.picked) as picked:
                dialog.table.opened.emit(dialog.table.model().index(2, 0))
            assert "is selected" in dialog.said.text() and len(picked.args) == 1
        dialog.as_table.click()
    dialog.kinds.set_key("points")
    dialog.kinds.changed.emit("points")
    dialog.chart.setFocus()
    press("Right")
    press("Right")
    words, run = dialog.chart.drawing.spots[1].words, dialog.chart.drawing.spots[1].key
    assert dialog.chart.accessibleDescription() == words
    assert 'white-space:pre"' in QToolTip.text() and words[:20] in QToolTip.text()
    ((idea, status),) = ask(demo_path, "SELECT idea, status FROM planning_runs WHERE id = ?", run)
    assert words.startswith(idea[:20]) and status in words
    with qtbot.waitSignal(tab.details_shown, check_params_cb=lambda key: key == run):
        press("Return")
    spot = dialog.chart.drawing.spots[5]
    with qtbot.waitSignal(tab.details_shown, check_params_cb=lambda key: key == spot.key):
        middle = QPoint(round(spot.x + spot.width / 2), round(spot.y + spot.height / 2))
        qtbot.mouseClick(dialog.chart, Qt.MouseButton.LeftButton, pos=middle)


@pytest.mark.slow
def test_it_is_saved_as_a_picture_and_follows_what_is_done(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    tab, dialog = opened(qtbot, window, demo_path)
    for name, is_png in (("a.svg", False), ("a.png", True)):
        dialog.export(tmp_path / name, is_png=is_png)
        qtbot.waitUntil((tmp_path / name).exists)
    root = ET.parse(tmp_path / "a.svg").getroot()
    written = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Score by phase", "opportunity", "synthesis"} <= {*written}
    source = (
        f"{demo_path.name} · all tenants · {len(ask(demo_path, 'SELECT 1 FROM planning_runs'))} runs · as of "
    )
    assert written[-1].startswith(source), "a picture tells where it is from"
    picture = QImage(str(tmp_path / "a.png"))
    assert (picture.width(), picture.height()) == (2240, 1260)
    edge = {picture.pixelColor(x, 20).name() for x in range(picture.width())}
    assert edge == {dialog.theme.colour("panel").name()}, "it has margins"
    dialog.kinds.set_key("weeks")
    dialog.kinds.changed.emit("weeks")
    before = dialog.chart.drawing.spots[-1].words
    tab.table.select_row(0)
    qtbot.waitSignal(tab.details_shown).wait()
    with qtbot.waitSignal(dialog.came):
        ask(demo_path, "UPDATE planning_runs SET status = 'killed' WHERE status = 'running'")
        window.activateWindow()
        press("F5")
    assert before != dialog.chart.drawing.spots[-1].words
    assert "running" not in dialog.chart.drawing.spots[-1].words


@pytest.mark.slow
def test_a_database_without_artifacts_says_so(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "gateway.sqlite"
    create_gateway(path)
    _, dialog = opened(qtbot, window, path)
    assert dialog.chart.isVisible() and dialog.kinds.key() == "weeks", "the first that has something"
    qtbot.mouseClick(dialog.kinds.buttons()[0], Qt.MouseButton.LeftButton)
    assert dialog.empty.isVisible() and "artifact" in dialog.empty.text()
    assert not dialog.export_button.isEnabled()


def figures() -> RunFigures:
    return RunFigures(
        runs=3,
        points=(
            RunPoint("a", HOSTILE, HOSTILE, 50, -3.0),
            RunPoint("b", "B", "killed", 50, 1e12),
            RunPoint("c", "C", "active", 120, 1e12),
        ),
        with_both=MOST_POINTS + 1,
        weeks=(RunWeek(345_600, {}), RunWeek(345_600 + 604_800, {HOSTILE: 2, "killed": 10**6})),
        scores=(spread(HOSTILE, [-5.0, 3.0]), spread("synthesis", [0.0])),
        times=(spread(HOSTILE, [0.0]), spread("synthesis", [1.0, 4e9])),
        has_artifacts=True,
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
@pytest.mark.parametrize("size", [(320, 160), (1200, 700)], ids=["small", "large"])
def test_whatever_the_data_is_all_stands_within_and_nothing_is_markup(
    kind: charts.ChartKind, size: tuple[int, int], theme: Theme
) -> None:
    drawing = kind.draw(figures(), lambda text: 7.0 * len(text), *size)
    assert drawing.spots
    for spot in drawing.spots:
        assert spot.x >= -20 and spot.x + spot.width <= size[0] + 20 and spot.height >= 0
    assert len({(one.form, one.colour) for one in drawing.shapes if isinstance(one, DrawnPoint)}) in (0, 3)
    root = ET.fromstring(as_svg(drawing, theme.colour, HOSTILE))
    if kind.key == "weeks":
        texts = [one for one in drawing.shapes if isinstance(one, DrawnText) and one.text.startswith("19")]
        assert texts and all(one.x + 7 * len(one.text) <= size[0] for one in texts)
    frame = Frame(HOSTILE * 99, HOSTILE, HOSTILE, lambda text: 7.0 * len(text))
    around = framed(frame, partial(kind.draw, figures(), frame.measure), 640, 360)
    title, *others = (one for one in around.shapes if isinstance(one, DrawnText))
    assert title.text.endswith("…") and all(0 <= one.x <= 640 and 0 <= one.y <= 360 for one in others)
    assert {part.tag.rpartition("}")[2] for part in root.iter()} <= {
        *("svg", "rect", "text", "title", "line", "circle", "polygon")
    }
    for text in (one.text for one in drawing.shapes if isinstance(one, DrawnText)):
        assert "\u202e" not in text
    assert kind.rows(figures())


def test_scores_begin_near_the_least_of_them() -> None:
    close = replace(figures(), full=100.0, scores=(Spread("opportunity", 5, 71, 80, 84, 90, 97),))
    drawing = charts.draw_scores(close, lambda text: 7.0 * len(text), 700, 300)
    written = [one.text for one in drawing.shapes if isinstance(one, DrawnText)]
    assert written[:4] == ["70", "80", "90", "100"]


def test_one_outlier_leaves_the_others_their_room() -> None:
    revenues = [-5.0, 0.0, *(2e5 * number for number in range(1, 99)), 1e9]
    points = tuple(RunPoint(number, "", "killed", 50, one) for number, one in enumerate(revenues))
    drawing = charts.draw_points(replace(figures(), points=points), lambda text: 7.0 * len(text), 900, 400)
    places = sorted(spot.x for spot in drawing.spots)
    assert places[75] - places[25] > 90 and places[0] == places[1], "what is below the axis stands at its end"
    assert any(one.text.startswith("≤ $") for one in drawing.shapes if isinstance(one, DrawnText))


def test_what_is_told_in_words_is_of_no_known_currency_and_in_no_heap() -> None:
    told = (("€250K", 2.5e5), ("£10M", 1e7), ("€1.2B", 1.2e9))
    points = tuple(RunPoint(at, "", "killed", 50 + at, *told[at % 3][::-1]) for at in range(12))
    drawing = charts.draw_points(replace(figures(), points=points), lambda text: 7.0 * len(text), 900, 400)
    assert not [one for one in drawing.shapes if isinstance(one, DrawnText) and "$" in one.text]
    places = sorted({spot.x for spot in drawing.spots})
    assert len(places) == 3 and places[1] - places[0] > 150
    assert drawing.spots[-1].words.endswith("€1.2B")


def test_a_legend_has_what_looks_alike_once_and_ends_within() -> None:
    weeks = (RunWeek(345_600, {f"odd {number}": 1 for number in range(8)} | dict.fromkeys(STATUSES, 1)),)
    for width in (320, 1200):
        drawing = charts.draw_weeks(replace(figures(), weeks=weeks), lambda text: 7.0 * len(text), width, 300)
        texts = [one for one in drawing.shapes if isinstance(one, DrawnText)]
        legend = [one.text for one in texts if one.y < 30]
        assert legend[-1] == ("other 8" if width == 1200 else legend[-1]) and not any(
            "odd" in one for one in legend
        )
        assert all(one.x + 7 * len(one.text) <= width for one in texts if one.y < 30)


def test_ticks_are_round_and_cover_all() -> None:
    assert ticks(0, 9.5e6, 7) == [0, 2e6, 4e6, 6e6, 8e6, 1e7]
    assert ticks(52, 100, 6) == [50, 60, 70, 80, 90, 100]
    for low, high in ((3, 3), (99.99999999999999, 100), (0, 5e-324), (9.99e14, 9.99e14), (-5e-324, 0)):
        found = ticks(low, high, 5)
        assert found[0] <= low and found[-1] >= high and found[-1] > found[0]
    for high in (1, 7, 99, 1e12, 0.003):
        assert ticks(0, high, 6)[-1] >= high and len(ticks(0, high, 6)) <= 8


def test_more_phases_than_there_is_room_for_are_counted() -> None:
    many = replace(figures(), times=tuple(spread(f"phase {number}", [1.0, 4e14]) for number in range(300)))
    drawing = charts.draw_times(many, lambda text: 7.0 * len(text), 640, 320)
    written = [one for one in drawing.shapes if isinstance(one, DrawnText)]
    shown = [one for one in written if one.text.startswith("phase ")]
    assert any(one.text == f"and {300 - len(shown)} phases more: as table" for one in written)
    assert all(below.y - above.y >= 12 for above, below in pairwise(shown)), "they are read"
    axis = sorted((one for one in written if one.align is Align.AROUND), key=lambda one: one.x)
    assert all(right.x - left.x >= 14 for left, right in pairwise(axis)), "no word stands on another"


def test_a_run_of_a_clock_that_was_wrong_hides_no_others() -> None:
    told = KINDS[2].said(replace(figures(), runs=10**6 + 5))
    assert "3 of 1,000,005 runs" in told
