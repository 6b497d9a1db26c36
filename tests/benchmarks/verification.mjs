// The platform's way: one awaited digest a row (database-schema.md, Hash Chain Algorithm).
import { DatabaseSync } from "node:sqlite";

const heads = new Map();
const encoder = new TextEncoder();
const database = new DatabaseSync(process.argv[2], { readOnly: true });
const rows = database.prepare(
  "SELECT tenant_id, event_type, payload, previous_hash, hash, created_at FROM audit_chain ORDER BY seq",
);
for (const row of rows.iterate()) {
  const data = `${row.previous_hash}:${row.event_type}:${row.payload}:${row.created_at}`;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(data)));
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hash !== row.hash || (heads.get(row.tenant_id) ?? "0".repeat(64)) !== row.previous_hash) {
    throw new Error("The chain is broken.");
  }
  heads.set(row.tenant_id, hash);
}
