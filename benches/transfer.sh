#!/usr/bin/env bash
# `housekey transfer` beside `pg_dump | psql`, taking turns over the same rows: 100,000 users, 1,000,000 sessions, 50
# groups with permissions. Prints seconds, ratios and the memory of the command.
#
#     benches/transfer.sh postgres://postgres@127.0.0.1:5432 [ROUNDS]
#
# The server may make databases; two of its own are made there and dropped again. Needs psql, pg_dump, python3 (with
# its sqlite3), GNU time.
set -euo pipefail
server=${1:?the URL of a server, without a database}
rounds=${2:-3}
cd "$(dirname "$0")/.."
cargo build -q --release -p housekey-cli --all-features
housekey=${CARGO_TARGET_DIR:-target}/release/housekey
folder=$(mktemp -d)
name=housekey_bench_$$
drop() { psql -q "$server/postgres" -c 'SET client_min_messages = error' -c "DROP DATABASE IF EXISTS $1"; }
fresh() { drop "$1"; psql -q "$server/postgres" -c "CREATE DATABASE $1"; }
trap 'drop ${name}_a; drop ${name}_b; rm -rf "$folder"' EXIT

SECRET_KEY=$("$housekey" key generate)
export SECRET_KEY
SHARED_DATABASE_URL=sqlite:$folder/house.db "$housekey" migrate > "$folder/log"
python3 - "$folder/house.db" << 'PYTHON'
import sqlite3
import sys

MANY = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA synchronous = OFF")
for statement in [
    "BEGIN",
    MANY % 50 + " INSERT INTO django_content_type (app_label, model) SELECT 'app' || (i % 7), 'model' || i FROM n",
    "INSERT INTO auth_permission (name, content_type_id, codename) SELECT 'Can ' || v.column1, c.id, v.column1 || c.model"
    " FROM django_content_type c, (VALUES ('add_'), ('change_'), ('delete_'), ('view_')) v",
    MANY % 50 + " INSERT INTO auth_group (name) SELECT 'group' || i FROM n",
    "INSERT INTO auth_group_permissions (group_id, permission_id) SELECT g.id, p.id FROM auth_group g, auth_permission p"
    " WHERE (g.id + p.id) % 10 = 0",
    MANY % 100_000 + " INSERT INTO auth_user (password, last_login, is_superuser, username, first_name, last_name, email,"
    " is_staff, is_active, date_joined) SELECT 'pbkdf2_sha256$1000000$' || hex(randomblob(11)) || '$' || hex(randomblob(22)),"
    " '2026-11-0' || (1 + i % 9) || ' 10:11:12.123456', 0, 'user' || i, 'First' || i, 'Last' || i,"
    " 'user' || i || '@example.org', 0, 1, '2024-01-0' || (1 + i % 9) || ' 01:02:03' FROM n",
    "INSERT INTO auth_user_groups (user_id, group_id) SELECT id, 1 + id % 50 FROM auth_user",
    MANY % 1_000_000 + " INSERT INTO django_session (session_key, session_data, expire_date) SELECT"
    " lower(hex(randomblob(20))), hex(randomblob(130)), '2999-01-0' || (1 + i % 9) || ' 10:11:12.5' FROM n",
    "INSERT INTO housekey_session (session_key, user_id, app, created, address, agent) SELECT session_key,"
    " 1 + rowid % 100000, 'notes', '2026-11-01 10:00:00', '10.0.0.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox'"
    " FROM django_session",
    "COMMIT",
]:
    database.execute(statement)
PYTHON

seconds() { python3 -c "print(f'{$2 - $1:.1f}')"; }
transfer() {
    "$(type -P time)" -f '%M' -o "$folder/memory" "$housekey" transfer "$1" "$2" > "$folder/report" 2> "$folder/log"
    tail -n 1 "$folder/report" | grep -q '^done: '
}
for _ in $(seq "$rounds"); do
    fresh "${name}_a"
    begin=$(date +%s.%N)
    transfer "$folder/house.db" "$server/${name}_a"
    there=$(seconds "$begin" "$(date +%s.%N)")
    memory=$(cat "$folder/memory")

    fresh "${name}_b"
    begin=$(date +%s.%N)
    pg_dump "$server/${name}_a" | psql -q "$server/${name}_b" > "$folder/log"
    dump=$(seconds "$begin" "$(date +%s.%N)")

    rm -f "$folder/back.db"
    begin=$(date +%s.%N)
    transfer "$server/${name}_a" "$folder/back.db"
    back=$(seconds "$begin" "$(date +%s.%N)")
    python3 -c "
print(f'to PostgreSQL $there s, {$there / $dump:.2f} x pg_dump | psql ($dump s), {$memory / 1024:.0f} MiB;',
      f'to SQLite $back s, {$back / $dump:.2f} x, {$(cat "$folder/memory") / 1024:.0f} MiB')"
done
