-- The apps that the house has seen, and what each has told of itself.
CREATE TABLE "housekey_app" (
  "app" varchar(100) NOT NULL,
  "host" varchar(100) NOT NULL,
  "facts" text NOT NULL,
  "first_seen" datetime NOT NULL,
  "last_seen" datetime NOT NULL,
  PRIMARY KEY ("app", "host")
);
-- What a key is used for, since when, and its two characters in the session keys that it proves.
ALTER TABLE "housekey_key" ADD COLUMN "state" varchar(20) NOT NULL DEFAULT 'signing';
ALTER TABLE "housekey_key" ADD COLUMN "since" datetime NULL;
ALTER TABLE "housekey_key" ADD COLUMN "mark" varchar(2) NOT NULL DEFAULT '';
UPDATE "housekey_key" SET "since" = "first_seen";
UPDATE "housekey_key" SET "state" = 'retiring'
  WHERE "first_seen" < (SELECT max("first_seen") FROM "housekey_key");
-- From where a session is used, and when it last was.
ALTER TABLE "housekey_session" ADD COLUMN "address" varchar(45) NOT NULL DEFAULT '';
ALTER TABLE "housekey_session" ADD COLUMN "agent" varchar(200) NOT NULL DEFAULT '';
ALTER TABLE "housekey_session" ADD COLUMN "last_seen" datetime NULL;
-- Where a session went whose key was renewed, for the requests that were under way with the old one.
CREATE TABLE "housekey_renewal" (
  "session_key" varchar(40) NOT NULL PRIMARY KEY,
  "successor" varchar(40) NOT NULL,
  "until" datetime NOT NULL
);
CREATE INDEX "housekey_renewal_until" ON "housekey_renewal" ("until");
