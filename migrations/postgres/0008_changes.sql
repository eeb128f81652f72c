-- The sessions of Django's of which nobody knows yet whose they are: keys of 32 characters are made by Django alone.
CREATE TABLE IF NOT EXISTS "housekey_stranger" (
  "session_key" varchar(40) NOT NULL PRIMARY KEY
);
-- What has changed of sessions and users, whoever changed it: a session, a user, or with neither everything. Rows are only
-- added, so nobody waits for anybody; they go when each poller has had ten minutes to read them.
CREATE TABLE IF NOT EXISTS "housekey_change" (
  "xid" bigint NOT NULL DEFAULT txid_current(),
  "settled" bigint NOT NULL DEFAULT txid_snapshot_xmin(txid_current_snapshot()),
  "at" timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "session_key" varchar(40) NULL,
  "user_id" bigint NULL
);
ALTER TABLE "housekey_change" REPLICA IDENTITY FULL;
CREATE INDEX IF NOT EXISTS "housekey_change_xid" ON "housekey_change" ("xid");
CREATE INDEX IF NOT EXISTS "housekey_change_at" ON "housekey_change" ("at");

CREATE OR REPLACE FUNCTION "housekey_everything_changed"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO "housekey_change" DEFAULT VALUES;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION "housekey_users_changed"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  "users" bigint[];
BEGIN
  IF TG_TABLE_NAME = 'auth_user' THEN
    "users" := ARRAY(SELECT "id" FROM "touched" LIMIT 1001);
  ELSE
    "users" := ARRAY(SELECT DISTINCT "user_id" FROM "touched" LIMIT 1001);
  END IF;
  IF cardinality("users") > 1000 THEN
    INSERT INTO "housekey_change" DEFAULT VALUES;
  ELSE
    INSERT INTO "housekey_change" ("user_id") SELECT unnest("users");
  END IF;
  RETURN NULL;
END $$;
-- A session that was over already is nobody's loss, so a purge tells nothing.
CREATE OR REPLACE FUNCTION "housekey_sessions_changed"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  "keys" text[];
BEGIN
  IF TG_OP = 'DELETE' THEN
    -- How many they are is not told to the planner: it is to take the index, always.
    DELETE FROM "housekey_session" WHERE "session_key" = ANY (ARRAY(SELECT "session_key" FROM "touched"));
    DELETE FROM "housekey_stranger" WHERE "session_key" = ANY (ARRAY(SELECT "session_key" FROM "touched"));
  END IF;
  "keys" := ARRAY(SELECT "session_key" FROM "touched" WHERE "expire_date" > CURRENT_TIMESTAMP LIMIT 1001);
  IF cardinality("keys") > 1000 THEN
    INSERT INTO "housekey_change" DEFAULT VALUES;
  ELSE
    INSERT INTO "housekey_change" ("session_key") SELECT unnest("keys");
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION "housekey_sessions_emptied"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  DELETE FROM "housekey_session";
  DELETE FROM "housekey_stranger";
  INSERT INTO "housekey_change" DEFAULT VALUES;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION "housekey_stranger_came"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO "housekey_stranger" SELECT NEW."session_key"
  WHERE NOT EXISTS (SELECT FROM "housekey_session" WHERE "session_key" = NEW."session_key")
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION "housekey_owner_came"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  DELETE FROM "housekey_stranger" WHERE "session_key" = NEW."session_key";
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION "housekey_owner_went"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO "housekey_stranger" SELECT OLD."session_key"
  WHERE EXISTS (SELECT FROM "django_session" WHERE "session_key" = OLD."session_key")
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

-- They work with the rights of who made them, in the tables of this schema, whoever writes: Django's role has no right to ours.
-- What an earlier run has left is made anew.
DO $housekey$
DECLARE
  "house" CONSTANT oid := (SELECT relnamespace FROM pg_class WHERE oid = '"housekey_change"'::regclass);
  "one" record;
BEGIN
  FOR "one" IN
    SELECT oid::regprocedure AS "name" FROM pg_proc
    WHERE pronamespace = "house" AND proname LIKE 'housekey\_%' AND prorettype = 'trigger'::regtype
  LOOP
    EXECUTE format(
      'ALTER FUNCTION %s SET search_path = pg_catalog, %s, pg_temp', "one"."name", "house"::regnamespace);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', "one"."name");
  END LOOP;
  FOR "one" IN
    SELECT tgname AS "name", tgrelid::regclass AS "of" FROM pg_trigger
    WHERE tgname LIKE 'housekey\_%' AND NOT tgisinternal
    AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = "house")
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', "one"."name", "one"."of");
  END LOOP;
END
$housekey$;

CREATE TRIGGER "housekey_session_insert" AFTER INSERT OR UPDATE OF "session_data" ON "django_session"
  FOR EACH ROW WHEN (length(NEW."session_key") = 32) EXECUTE FUNCTION "housekey_stranger_came"();
CREATE TRIGGER "housekey_owner_insert" AFTER INSERT ON "housekey_session"
  FOR EACH ROW WHEN (length(NEW."session_key") = 32) EXECUTE FUNCTION "housekey_owner_came"();
CREATE TRIGGER "housekey_owner_delete" AFTER DELETE ON "housekey_session"
  FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION "housekey_owner_went"();
CREATE TRIGGER "housekey_session_update" AFTER UPDATE ON "django_session"
  REFERENCING OLD TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_sessions_changed"();
CREATE TRIGGER "housekey_session_delete" AFTER DELETE ON "django_session"
  REFERENCING OLD TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_sessions_changed"();
CREATE TRIGGER "housekey_session_truncate" AFTER TRUNCATE ON "django_session"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_sessions_emptied"();
CREATE TRIGGER "housekey_user_update" AFTER UPDATE ON "auth_user"
  REFERENCING OLD TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_users_changed"();
CREATE TRIGGER "housekey_user_delete" AFTER DELETE ON "auth_user"
  REFERENCING OLD TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_users_changed"();
CREATE TRIGGER "housekey_user_truncate" AFTER TRUNCATE ON "auth_user"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_everything_changed"();
CREATE TRIGGER "housekey_user_group_insert" AFTER INSERT ON "auth_user_groups"
  REFERENCING NEW TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_users_changed"();
CREATE TRIGGER "housekey_user_group_delete" AFTER DELETE ON "auth_user_groups"
  REFERENCING OLD TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_users_changed"();
CREATE TRIGGER "housekey_user_group_other" AFTER UPDATE OR TRUNCATE ON "auth_user_groups"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_everything_changed"();
CREATE TRIGGER "housekey_user_permission_insert" AFTER INSERT ON "auth_user_user_permissions"
  REFERENCING NEW TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_users_changed"();
CREATE TRIGGER "housekey_user_permission_delete" AFTER DELETE ON "auth_user_user_permissions"
  REFERENCING OLD TABLE AS "touched" FOR EACH STATEMENT EXECUTE FUNCTION "housekey_users_changed"();
CREATE TRIGGER "housekey_user_permission_other" AFTER UPDATE OR TRUNCATE ON "auth_user_user_permissions"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_everything_changed"();
CREATE TRIGGER "housekey_group" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "auth_group"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_everything_changed"();
CREATE TRIGGER "housekey_group_permission" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "auth_group_permissions"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_everything_changed"();
CREATE TRIGGER "housekey_permission" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "auth_permission"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_everything_changed"();
CREATE TRIGGER "housekey_content_type" AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON "django_content_type"
  FOR EACH STATEMENT EXECUTE FUNCTION "housekey_everything_changed"();
