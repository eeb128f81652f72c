-- How many wrong passwords came of late, lane by lane. Who came by which lane is told by hashes alone.
CREATE TABLE "housekey_throttle" (
  "lane" varchar(64) NOT NULL PRIMARY KEY,
  "account" varchar(64) NOT NULL,
  "level" integer NOT NULL,
  "since" datetime NOT NULL,
  "opens" datetime NOT NULL,
  "ends" datetime NOT NULL
);
CREATE INDEX "housekey_throttle_ends" ON "housekey_throttle" ("ends");
-- What has happened in the house. No foreign key: it outlives its user.
CREATE TABLE "housekey_event" (
  "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "at" datetime NOT NULL,
  "kind" varchar(40) NOT NULL,
  "user_id" integer NULL,
  "username" varchar(150) NOT NULL,
  "app" varchar(100) NOT NULL,
  "address" varchar(45) NOT NULL,
  "agent" varchar(200) NOT NULL,
  "session" varchar(16) NOT NULL,
  "detail" varchar(200) NOT NULL
);
CREATE INDEX "housekey_event_at" ON "housekey_event" ("at");
CREATE INDEX "housekey_event_user_id" ON "housekey_event" ("user_id", "id");
