"""What a plan says of what would go."""

from app.services.retention.prefixes import TenantShare


def test_a_majority_is_more_than_half_of_the_live_entries() -> None:
    assert [TenantShare("acme", 1, 99, 60, 100, losing).is_majority for losing in (49, 50, 51)] == [
        False,
        False,
        True,
    ]
