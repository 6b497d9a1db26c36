-- Where events are delivered to.

CREATE TABLE webhook_destinations (
  id TEXT PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  hostname TEXT NOT NULL,
  url TEXT NOT NULL,
  secret TEXT,
  active INTEGER NOT NULL DEFAULT 1,
  events TEXT NOT NULL DEFAULT '*',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE INDEX idx_webhook_tenant ON webhook_destinations(tenant_id);
CREATE INDEX idx_webhook_active ON webhook_destinations(active);
