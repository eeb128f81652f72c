-- What members of staff look for users by: the beginnings of names and addresses, whatever their case.
CREATE INDEX "housekey_user_username" ON "auth_user" (lower("username"));
CREATE INDEX "housekey_user_email" ON "auth_user" (lower("email"));
CREATE INDEX "housekey_user_first_name" ON "auth_user" (lower("first_name"));
CREATE INDEX "housekey_user_last_name" ON "auth_user" (lower("last_name"));

-- The rows that Django makes for its own models of users, so that they can be granted. Those that are there stay.
INSERT INTO "django_content_type" ("app_label", "model")
SELECT 'auth', model.column1 FROM (VALUES ('permission'), ('group'), ('user')) AS model
WHERE NOT EXISTS (
  SELECT 1 FROM "django_content_type" AS known WHERE known."app_label" = 'auth' AND known."model" = model.column1
);
INSERT INTO "auth_permission" ("name", "content_type_id", "codename")
SELECT 'Can ' || verb.column1 || ' ' || kind."model", kind."id", verb.column1 || '_' || kind."model"
FROM "django_content_type" AS kind
CROSS JOIN (VALUES ('add'), ('change'), ('delete'), ('view')) AS verb
WHERE kind."app_label" = 'auth' AND kind."model" IN ('permission', 'group', 'user')
AND NOT EXISTS (
  SELECT 1 FROM "auth_permission" AS known
  WHERE known."content_type_id" = kind."id" AND known."codename" = verb.column1 || '_' || kind."model"
);
