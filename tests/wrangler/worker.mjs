// A Worker as the platform writes one: it appends to audit chains through D1 and verifies them,
// by the formula of database-schema.md and nothing else:
//   data = previous_hash + ":" + event_type + ":" + payload_json + ":" + timestamp
//   hash = SHA-256(data)

const GENESIS = "0".repeat(64);

async function sha256(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function append(db, { tenant, type, payload, at }) {
  const head = await db
    .prepare("SELECT hash FROM audit_chain WHERE tenant_id = ? ORDER BY seq DESC LIMIT 1")
    .bind(tenant)
    .first("hash");
  const previous = head ?? GENESIS;
  const text = JSON.stringify(payload);
  const hash = await sha256(`${previous}:${type}:${text}:${at}`);
  await db
    .prepare(
      "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)" +
        " VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(tenant, type, text, previous, hash, at)
    .run();
}

async function verify(db) {
  const { results } = await db.prepare("SELECT * FROM audit_chain ORDER BY seq").all();
  const heads = {};
  const broken = [];
  for (const row of results) {
    const previous = heads[row.tenant_id] ?? GENESIS;
    const hash = await sha256(`${previous}:${row.event_type}:${row.payload}:${row.created_at}`);
    if (row.previous_hash !== previous || row.hash !== hash) broken.push(row.seq);
    heads[row.tenant_id] = row.hash;
  }
  return { entries: results.length, broken, heads };
}

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// Whether it is the user's password, by the PHC string that is stored:
//   $pbkdf2-sha256$i=ITERATIONS,l=BYTES$SALT$HASH
async function signIn(db, { user, password }) {
  const stored = await db.prepare("SELECT password_hash FROM users WHERE id = ?").bind(user).first("password_hash");
  const found = /^\$pbkdf2-sha256\$i=(\d+),l=(\d+)\$([^$]+)\$([^$]+)$/.exec(stored ?? "");
  if (found === null) return false;
  const [, iterations, length, salt, hash] = found;
  const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, ["deriveBits"]);
  const by = { name: "PBKDF2", hash: "SHA-256", salt: bytes(salt), iterations: Number(iterations) };
  const derived = await crypto.subtle.deriveBits(by, key, 8 * Number(length));
  return crypto.subtle.timingSafeEqual(derived, bytes(hash));
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/sign-in") {
      return Response.json(await signIn(env.DB, await request.json()));
    }
    if (request.method === "POST") {
      for (const entry of await request.json()) await append(env.DB, entry);
    }
    return Response.json(await verify(env.DB));
  },
};
