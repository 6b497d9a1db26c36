"""Named values of the platform: its texts and its retention period (`models/README.md`)."""

from enum import StrEnum
from typing import Final

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
"""Seconds."""

DEFAULT_RETENTION_DAYS: Final = 90
"""The platform's own retention period (models/README.md, The schema)."""


class RunStatus(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    KILLED = "killed"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    ACTIVE = "active"
    """What the platform's gateway calls a run that is running."""


GOES_ON: Final = (RunStatus.RUNNING, RunStatus.ACTIVE)
"""In which a run is at work."""


class Phase(StrEnum):
    """The planning phases, in the order they run."""

    OPPORTUNITY = "opportunity"
    CUSTOMER_INTEL = "customer-intel"
    MARKET_RESEARCH = "market-research"
    COMPETITIVE_INTEL = "competitive-intel"
    KILL_TEST = "kill-test"
    REVENUE_EXPANSION = "revenue-expansion"
    STRATEGY = "strategy"
    BUSINESS_MODEL = "business-model"
    PRODUCT_DESIGN = "product-design"
    GTM_MARKETING = "gtm-marketing"
    CONTENT_ENGINE = "content-engine"
    TECH_ARCH = "tech-arch"
    ANALYTICS = "analytics"
    LAUNCH_EXECUTION = "launch-execution"
    SYNTHESIS = "synthesis"


class ReviewVerdict(StrEnum):
    """Of the planning machine, on what a phase has produced."""

    APPROVED = "approved"
    REVISE = "revise"
    REJECTED = "rejected"


class RunMode(StrEnum):
    CLOUD = "cloud"
    LOCAL = "local"


class WebhookEvent(StrEnum):
    RUN_STARTED = "run_started"
    PHASE_COMPLETED = "phase_completed"
    RUN_COMPLETED = "run_completed"
    RUN_KILLED = "run_killed"
    RUN_CANCELLED = "run_cancelled"
    IDEA_PROMOTED = "idea_promoted"


class AuditEvent(StrEnum):
    """Audit event types: the platform's own, then ours. A prune marker's is `chain.rules.MARKER_EVENT`."""

    USER_CREATED = "user_created"
    USER_UPDATED = "user_updated"
    USER_DELETED = "user_deleted"
    WORKFLOW_DISPATCHED = "workflow_dispatched"
    WORKFLOW_COMPLETED = "workflow_completed"
    FILE_UPLOADED = "file_uploaded"
    WEBHOOK_CREATED = "webhook_created"
    WEBHOOK_DELETED = "webhook_deleted"
    SETTINGS_CHANGED = "settings_changed"

    USER_RESTORED = "user_restored"
    USER_MOVED = "user_moved"
    USERS_CREATED = "users_created"
    USERS_DELETED = "users_deleted"
    WEBHOOK_UPDATED = "webhook_updated"
    WEBHOOK_ACTIVATED = "webhook_activated"
    WEBHOOK_DEACTIVATED = "webhook_deactivated"
    WEBHOOK_RESTORED = "webhook_restored"
    NOTIFICATIONS_CREATED = "notifications_created"
    NOTIFICATIONS_READ = "notifications_read"
    NOTIFICATIONS_UNREAD = "notifications_unread"
    NOTIFICATIONS_DELETED = "notifications_deleted"
    NOTIFICATIONS_RESTORED = "notifications_restored"
    RUN_PAUSED = "run_paused"
    RUN_RESUMED = "run_resumed"
    RUN_COMPLETED = "run_completed"
    RUN_KILLED = "run_killed"
    RUN_CANCELLED = "run_cancelled"
    RUN_DELETED = "run_deleted"
    RUN_RESTORED = "run_restored"
    RUN_CREATED = "run_created"
    RUN_REMOVED = "run_removed"
    IDEA_PARKED = "idea_parked"
    IDEA_UPDATED = "idea_updated"
    IDEA_PROMOTED = "idea_promoted"
    IDEA_DELETED = "idea_deleted"
    IDEA_RESTORED = "idea_restored"
    RETENTION_REMOVED = "retention_removed"
    RETENTION_COMPLETED = "retention_completed"
    RETENTION_FAILED = "retention_failed"
    DATABASE_RESTORED = "database_restored"
    TENANT_ERASED = "tenant_erased"


SYSTEM_TENANT = "system"
"""The tenant whose chain holds what belongs to no tenant: planning runs, retention's outcome."""
