#!/usr/bin/env bash
# What a house of many sessions costs: the statements of housekey over so many rows of django_session and
# housekey_session, ten sessions a user. Prints microseconds as pgbench's one client sees them. "By chance" is any session of all,
# "in use" one of 20,000 that are spread over all and have all been asked for before, as the visitors of a day are.
#
#     benches/growth.sh postgres://postgres@127.0.0.1:5432 [ROWS ...]
#
# The server may make databases; one of its own is made there for each number of rows, and dropped again. 10,000,000 rows take
# 6 GB. Needs psql and pgbench of PostgreSQL.
set -euo pipefail
server=${1:?the URL of a server, without a database}
shift
cd "$(dirname "$0")/.."
name=housekey_growth_$$
database=$server/$name
folder=$(mktemp -d)
pgbench=$(type -P pgbench || ls -d /usr/lib/postgresql/*/bin/pgbench | sort -V | tail -n 1)
drop() { psql -q "$server/postgres" -c 'SET client_min_messages = error' -c "DROP DATABASE IF EXISTS $name"; }
trap 'drop; rm -rf "$folder"' EXIT

# A session key as number n has it; those that have expired are the last of them.
key="substr(md5(?::text) || md5('x' || ?), 1, 40)"
key_of() { echo "${key//\?/$1}"; }

fill() {
    drop
    psql -q "$server/postgres" -c "CREATE DATABASE $name"
    for step in migrations/postgres/*.sql; do psql -q -1 -v ON_ERROR_STOP=1 "$database" -f "$step" > "$folder/log" 2>&1; done
    psql -q -v ON_ERROR_STOP=1 "$database" << SQL
INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
SELECT 'pbkdf2_sha256\$1000000\$' || md5(n::text), false, 'user' || n, 'First' || n, 'Last' || n, n || '@example.org', false,
  true, now() FROM generate_series(1, $1 / 10) AS n;
INSERT INTO django_session SELECT $(key_of n), repeat(md5(n::text), 8), now() + interval '14 days'
FROM generate_series(1, $1) AS n;
INSERT INTO housekey_session (session_key, user_id, app, created, address, agent, last_seen)
SELECT $(key_of n), 1 + n % ($1 / 10), 'notes', now(), '10.0.0.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox', now()
FROM generate_series(1, $1) AS n;
VACUUM ANALYZE;
SQL
}

# The statements of session::store::find, session::owned::living_of, auth::end and auth::purge.
# Whose a session is, is remembered from the second look-up on.
known="SELECT s.session_data, s.expire_date > CURRENT_TIMESTAMP, u.* FROM django_session s
  LEFT JOIN auth_user u ON u.id = :user WHERE s.session_key = $(key_of :n) LIMIT 1;"
by_key="SELECT s.session_data, s.expire_date > CURRENT_TIMESTAMP, u.* FROM django_session s
  LEFT JOIN housekey_session h ON h.session_key = s.session_key LEFT JOIN auth_user u ON u.id = h.user_id
  WHERE s.session_key = $(key_of :n) LIMIT 1;"
list="SELECT h.session_key, h.app, h.address, h.agent, h.created, h.last_seen, s.session_data, s.expire_date
  FROM housekey_session h JOIN django_session s ON s.session_key = h.session_key
  WHERE h.user_id = :user AND s.expire_date > CURRENT_TIMESTAMP ORDER BY h.created DESC, h.session_key;"
strangers="SELECT session_key FROM housekey_stranger WHERE session_key > '' ORDER BY session_key LIMIT 500;"
keys="ARRAY(SELECT session_key FROM housekey_session WHERE user_id = :user)"
end="$strangers
BEGIN;
DELETE FROM django_session WHERE session_key = ANY ($keys);
SELECT successor FROM housekey_renewal WHERE session_key = ANY ($keys);
INSERT INTO housekey_event (at, kind, user_id, username, app, address, agent, session, detail)
  VALUES (now(), 'session_revoked', :user, 'user', 'notes', '', '', '', '10 ended');
COMMIT;"
idle="SELECT session_key FROM django_session WHERE expire_date <= CURRENT_TIMESTAMP ORDER BY expire_date LIMIT 500;
SELECT session_key FROM housekey_renewal WHERE until <= CURRENT_TIMESTAMP ORDER BY until LIMIT 500;
SELECT lane FROM housekey_throttle WHERE ends <= CURRENT_TIMESTAMP ORDER BY ends LIMIT 500 FOR UPDATE SKIP LOCKED;
SELECT settled FROM housekey_change WHERE at < CURRENT_TIMESTAMP - interval '10 minutes' ORDER BY at DESC LIMIT 1;"
batch="DELETE FROM django_session WHERE session_key = ANY (ARRAY(SELECT session_key FROM django_session
  WHERE expire_date <= CURRENT_TIMESTAMP ORDER BY expire_date LIMIT 500)) AND expire_date <= CURRENT_TIMESTAMP;"

measured() {
    local rows=$1 times=$2
    local which=${4:-"random(1, $rows)"}
    printf '\\set n %s\n\\set user 1 + :n %% %d\n%s\n' "$which" $((rows / 10)) "$3" > "$folder/statements"
    "$pgbench" -n -M prepared -f "$folder/statements" -t "$times" "$database" > "$folder/said" 2>&1
    awk '/^latency average/ { printf "%d", $4 * 1000 }' "$folder/said"
}

in_use() { echo "1 + (random(1, 20000) * 499979) % $1"; }

echo "| rows | a session in use | the same, first look-up | a session by chance | list of a user's | end of a user's | purge, idle | purge of 1,000 |"
echo "|---|---|---|---|---|---|---|---|"
for rows in "${@:-10000}"; do
    fill "$rows"
    measured "$rows" 100000 "$by_key" "$(in_use "$rows")" > /dev/null
    again=$(measured "$rows" 20000 "$known" "$(in_use "$rows")")
    first=$(measured "$rows" 20000 "$by_key" "$(in_use "$rows")")
    found=$(measured "$rows" 5000 "$by_key")
    listed=$(measured "$rows" 2000 "$list")
    nothing=$(measured "$rows" 2000 "$idle")
    ended=$(measured "$rows" 200 "$end")
    some=$(key_of 'generate_series(1, 4000)')
    psql -q "$database" -c "UPDATE django_session SET expire_date = now() - interval '1 day' WHERE session_key IN (SELECT $some)"
    purged=$(measured "$rows" 3 "$batch $batch")
    echo "| $rows | $again | $first | $found | $listed | $ended | $nothing | $purged |"
done
