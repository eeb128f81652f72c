-- A step of its own, behind the triggers: logins go on meanwhile, and none is missed.
-- What Django has left of sessions that it has deleted; from now on it leaves nothing.
DELETE FROM "housekey_session" AS "known"
WHERE NOT EXISTS (SELECT FROM "django_session" AS "here" WHERE "here"."session_key" = "known"."session_key");
INSERT INTO "housekey_stranger"
SELECT "session_key" FROM "django_session" AS "here"
WHERE length("session_key") = 32 AND "expire_date" > CURRENT_TIMESTAMP
AND NOT EXISTS (SELECT FROM "housekey_session" AS "known" WHERE "known"."session_key" = "here"."session_key")
ON CONFLICT DO NOTHING;
