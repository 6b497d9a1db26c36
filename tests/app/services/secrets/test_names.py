"""What is called a secret, and what is not."""

from app.services.records.tables import DECLARED, ColumnKind, undeclared, undeclared_of
from app.services.secrets.names import is_of_people, is_secret, is_secret_text


def test_a_secret_is_known_by_the_words_of_its_columns_name() -> None:
    secret = (
        "API-Token, Private Key, privateKey2, jwt, otp, totp, session cookie, recovery_codes, backupCodes"
    )
    secret += ", reset_code, pin, refreshtoken, mfa_seed, api.key, X-API-Key"
    secret += ", bindpass, mnemonic, pkcs12, pat, пароль, contraseña, auth, basic_auth"
    plain = "tokens_used, key, spinner, pinned, shipping, seeded_at, country_code, webhook_url, pinned_at"
    kinds = {name: undeclared(name).kind for name in f"{secret}, {plain}".split(", ")}
    assert [name for name, kind in kinds.items() if kind is ColumnKind.PRESENCE] == secret.split(", ")


def test_a_hash_is_a_secret_in_a_table_of_people_and_nowhere_else() -> None:
    secret = "hash, Digest, hashed, pass, user_hash, verifier, argon2id, pwhash, legacy_hash, recovery"
    plain = "content_hash, hashtag, passed, digest_sent_at, name, bypass, seats"
    kinds = {name: undeclared(name, of_people=True).kind for name in f"{secret}, {plain}".split(", ")}
    assert [name for name, kind in kinds.items() if kind is ColumnKind.PRESENCE] == secret.split(", ")
    assert {undeclared(name).kind for name in ("hash", "digest", "pass")} == {ColumnKind.ID}
    assert undeclared_of("smtp", "pass", ("host", "pass")).kind is ColumnKind.PRESENCE
    people = [table.name for table in DECLARED.values() if table.of_people]
    assert people == ["users"]
    assert is_of_people("app_accounts", ["id"]) and is_of_people("t", ["id", "eMail"])
    assert is_of_people("t", ["User_Name"]) and not is_of_people("files", ["id", "digest", "user_id"])
    for table, name, hidden in (
        ("api_keys", "key", True), ("ApiKeys", "hash", True), ("refresh_tokens", "token", True),
        ("secrets", "value", True), ("settings", "value", False), ("keys_pressed", "key", False),
        ("api_key_store", "key_value", True), ("password_resets", "code", True),
        ("oauth_tokens", "refresh", True),
        ("sessions", "id", True), ("chat_sessions", "id", False), ("magic_links", "link", True),
        ("env_vars", "value", True), ("env_vars", "name", False), ("api_keys", "id", False),
        ("api_keys", "id", False), ("accounts", "hash", True), ("logins", "value", False),
    ):  # fmt: skip
        assert (undeclared_of(table, name, ["id"]).kind is ColumnKind.PRESENCE) == hidden, (table, name)
    assert is_secret(b"db_password") and not is_secret(b"title") and not is_secret(1), "names of settings"
    told = "apiKey, jwt, pass, smtp_pass, token2, botTokenProd, set-cookie, sessioncookie"
    told += ", tokenizer, passed, secretary_of, seed, boarding_pass, title"
    assert [name for name in told.split(", ") if not is_secret_text(name)] == [
        "tokenizer", "passed", "seed", "boarding_pass", "title"
    ], "as members of JSON"  # fmt: skip
    assert not is_of_people("user_log", ["seq", "email", "hash", "prev_hash"]), "a chain"
