-- The sessions of Django's of which nobody knows yet whose they are: keys of 32 characters are made by Django alone.
CREATE TABLE IF NOT EXISTS "housekey_stranger" (
  "session_key" varchar(40) NOT NULL PRIMARY KEY
);

-- What an earlier run has left is made anew.
DROP TRIGGER IF EXISTS "housekey_session_insert";
CREATE TRIGGER "housekey_session_insert" AFTER INSERT ON "django_session" WHEN length(NEW."session_key") = 32 BEGIN
  INSERT INTO "housekey_stranger" SELECT NEW."session_key"
  WHERE NOT EXISTS (SELECT 1 FROM "housekey_session" WHERE "session_key" = NEW."session_key")
  AND NOT EXISTS (SELECT 1 FROM "housekey_stranger" WHERE "session_key" = NEW."session_key");
END;
DROP TRIGGER IF EXISTS "housekey_session_update";
CREATE TRIGGER "housekey_session_update" AFTER UPDATE OF "session_data" ON "django_session" WHEN length(NEW."session_key") = 32 BEGIN
  INSERT INTO "housekey_stranger" SELECT NEW."session_key"
  WHERE NOT EXISTS (SELECT 1 FROM "housekey_session" WHERE "session_key" = NEW."session_key")
  AND NOT EXISTS (SELECT 1 FROM "housekey_stranger" WHERE "session_key" = NEW."session_key");
END;
DROP TRIGGER IF EXISTS "housekey_session_delete";
CREATE TRIGGER "housekey_session_delete" AFTER DELETE ON "django_session" BEGIN
  DELETE FROM "housekey_session" WHERE "session_key" = OLD."session_key";
  DELETE FROM "housekey_stranger" WHERE "session_key" = OLD."session_key";
END;
DROP TRIGGER IF EXISTS "housekey_owner_insert";
CREATE TRIGGER "housekey_owner_insert" AFTER INSERT ON "housekey_session" WHEN length(NEW."session_key") = 32 BEGIN
  DELETE FROM "housekey_stranger" WHERE "session_key" = NEW."session_key";
END;
DROP TRIGGER IF EXISTS "housekey_owner_delete";
CREATE TRIGGER "housekey_owner_delete" AFTER DELETE ON "housekey_session" BEGIN
  INSERT INTO "housekey_stranger" SELECT OLD."session_key"
  WHERE EXISTS (SELECT 1 FROM "django_session" WHERE "session_key" = OLD."session_key")
  AND NOT EXISTS (SELECT 1 FROM "housekey_stranger" WHERE "session_key" = OLD."session_key");
END;
