-- What Django has left of sessions that it has deleted; from now on it leaves nothing.
DELETE FROM "housekey_session"
WHERE NOT EXISTS (SELECT 1 FROM "django_session" AS "here" WHERE "here"."session_key" = "housekey_session"."session_key");
INSERT OR IGNORE INTO "housekey_stranger"
SELECT "session_key" FROM "django_session" AS "here"
WHERE length("session_key") = 32 AND "expire_date" > strftime('%Y-%m-%d %H:%M:%f', 'now')
AND NOT EXISTS (SELECT 1 FROM "housekey_session" AS "known" WHERE "known"."session_key" = "here"."session_key");
