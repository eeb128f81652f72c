-- What housekey keeps beside Django's tables.
CREATE TABLE "housekey_key" (
  "fingerprint" varchar(16) NOT NULL PRIMARY KEY,
  "app" varchar(100) NOT NULL,
  "first_seen" datetime NOT NULL
);
CREATE TABLE "housekey_session" (
  "session_key" varchar(40) NOT NULL PRIMARY KEY,
  "user_id" integer NOT NULL,
  "app" varchar(100) NOT NULL,
  "created" datetime NOT NULL
);
CREATE INDEX "housekey_session_user_id" ON "housekey_session" ("user_id");
