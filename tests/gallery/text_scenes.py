"""Every tab with texts that run from right to left, with very long ones, and with none at all."""

from tests.gallery.registry import Registry
from tests.gallery.window_scenes import AUDIT, SMALL, TABS, WindowScenes

RIGHT_TO_LEFT = """
UPDATE users SET email = 'user.' || rowid || '@דוגמה.example', tenant_id = 'מרפאות-צפון' WHERE rowid % 3;
UPDATE webhook_destinations SET name = 'התראות למשמרת הלילה', tenant_id = 'מרפאות-צפון' WHERE rowid % 3;
UPDATE notifications SET title = 'הריצה הסתיימה (3 מתוך 15)',
  message = 'התוכנית "Cold chain" הסתיימה ב-12:40 עם ציון 85.9; ראו https://h.example/a?b=1.' WHERE rowid % 3;
UPDATE planning_runs SET idea = 'منصة لحجز المواعيد في 24 عيادة',
  refined_idea = 'منصة (Beta 2) لحجز المواعيد', kill_verdict = 'لا يوجد طلب كاف' WHERE rowid % 3;
"""

_LONG = "a text that goes on and on, since nobody said how long it may become "

LONG = f"""
UPDATE users SET email = replace('{_LONG}', ' ', '.') || rowid || '@{"sub." * 20}example',
  tenant_id = 'the-tenant-with-the-longest-name-of-them-all-and-a-little-more-{"x" * 60}';
UPDATE webhook_destinations SET name = '{_LONG * 3}', url = 'https://h.example/{"path/" * 80}',
  hostname = '{"sub." * 20}h.example', tenant_id = '{"long-name-" * 12}',
  events = '{"some_event_type," * 40}x';
UPDATE notifications SET title = '{_LONG * 3}', message = '{_LONG * 40}', type = '{"type_" * 20}',
  tenant_id = '{"long-name-" * 12}';
UPDATE planning_runs SET idea = '{_LONG * 5}', refined_idea = '{_LONG * 40}', kill_verdict = '{_LONG * 40}',
  quality_score = 123456789012.25, revenue_potential = 123456789012345.0, mode = '{"mode" * 20}';
UPDATE audit_chain SET event_type = '{"event_" * 20}', payload = '{{"note":"{_LONG * 10}"}}',
  tenant_id = '{"long-name-" * 12}' WHERE seq > 3990;
"""


def register(registry: Registry) -> None:
    """Add the tabs to `registry`."""
    scenes = WindowScenes()
    for position, name in enumerate(TABS):
        if position != AUDIT:
            registry.scene(f"right-to-left-{name}")(scenes.tab(position, change=RIGHT_TO_LEFT))
        registry.scene(f"long-{name}")(scenes.tab(position, change=LONG))
        registry.scene(f"long-{name}-small", SMALL)(scenes.tab(position, change=LONG))
        registry.scene(f"empty-{name}")(scenes.without_rows(position))
        registry.scene(f"empty-{name}-small", SMALL)(scenes.without_rows(position))
