"""Peewee models for the seven tables of the platform, as `migrations/` make them (`models/README.md`).

The models are bound to no database: a query is run on an explicit one, `query.execute(database)`, so
nothing here is global state. `tests/models/test_tables.py` proves them equal to the migrated schema.
"""

from peewee import AutoField, FloatField, ForeignKeyField, IntegerField, Model, TextField


class TextIdModel(Model):
    """A table whose key is a text id, declared `id TEXT PRIMARY KEY` (which SQLite lets be NULL)."""

    id = TextField(primary_key=True)


class User(TextIdModel):
    tenant_id = TextField(index=True)
    email = TextField(index=True)
    password_hash = TextField(null=True)
    created_at = IntegerField()
    updated_at = IntegerField()

    class Meta:
        table_name = "users"


class AuditEntry(Model):
    seq = AutoField()
    tenant_id = TextField(index=True)
    event_type = TextField(index=True)
    payload = TextField()
    previous_hash = TextField()
    hash = TextField()
    created_at = IntegerField()

    class Meta:
        table_name = "audit_chain"


class WebhookDestination(TextIdModel):
    tenant_id = TextField(index=True)
    name = TextField(default="")
    hostname = TextField()
    url = TextField()
    secret = TextField(null=True)
    active = IntegerField(default=1, index=True)
    events = TextField(default="*")
    created_at = IntegerField()
    updated_at = IntegerField()

    class Meta:
        table_name = "webhook_destinations"


class Notification(TextIdModel):
    tenant_id = TextField(index=True)
    type = TextField()
    title = TextField(default="")
    message = TextField(default="")
    metadata = TextField(null=True)
    read = IntegerField(default=0, index=True)
    created_at = IntegerField()

    class Meta:
        table_name = "notifications"


class PlanningRun(TextIdModel):
    idea = TextField()
    refined_idea = TextField(null=True)
    status = TextField(default="running", index=True)
    current_phase = TextField(null=True)
    quality_score = FloatField(null=True)
    revenue_potential = FloatField(null=True)
    workflow_instance_id = TextField(null=True)
    kill_verdict = TextField(null=True)
    pivot_count = IntegerField(default=0, null=True)
    package_key = TextField(null=True)
    mode = TextField(default="cloud", null=True)
    config = TextField(null=True)
    created_at = IntegerField(index=True)
    updated_at = IntegerField()

    class Meta:
        table_name = "planning_runs"


class PlanningArtifact(TextIdModel):
    run_id = ForeignKeyField(PlanningRun, column_name="run_id", object_id_name="run_id_value", index=True)
    phase = TextField()
    version = IntegerField(default=1)
    content = TextField()
    review_verdict = TextField(null=True)
    overall_score = FloatField(null=True)
    created_at = IntegerField()

    class Meta:
        table_name = "planning_artifacts"
        indexes = ((("run_id", "phase"), False),)


class ParkedIdea(TextIdModel):
    idea = TextField()
    refined_idea = TextField(null=True)
    run_id = TextField(null=True)
    source_phase = TextField(null=True, index=True)
    reason = TextField(null=True)
    artifact_summary = TextField(null=True)
    revisit_estimate_months = IntegerField(null=True)
    revisit_estimate_note = TextField(null=True)
    created_at = IntegerField()

    class Meta:
        table_name = "planning_parked_ideas"


TABLES: tuple[type[Model], ...] = (
    User,
    AuditEntry,
    WebhookDestination,
    Notification,
    PlanningRun,
    PlanningArtifact,
    ParkedIdea,
)

TABLE_NAMES: tuple[str, ...] = tuple(str(model._meta.table_name) for model in TABLES)
