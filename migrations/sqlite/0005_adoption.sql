-- Whom the users are since, that an app had before it joined the house.
CREATE TABLE "housekey_adoption" (
  "app" varchar(100) NOT NULL,
  "username" varchar(150) NOT NULL,
  "local_id" bigint NOT NULL,
  "user_id" integer NOT NULL,
  "how" varchar(20) NOT NULL,
  "since" datetime NOT NULL,
  PRIMARY KEY ("app", "username")
);
CREATE INDEX "housekey_adoption_user_id" ON "housekey_adoption" ("user_id");
