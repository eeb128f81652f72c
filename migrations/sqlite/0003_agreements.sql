-- What the apps of the house have agreed on, and whose an app label is.
CREATE TABLE "housekey_setting" (
  "name" varchar(100) NOT NULL PRIMARY KEY,
  "value" varchar(200) NOT NULL,
  "app" varchar(100) NOT NULL,
  "since" datetime NOT NULL
);
CREATE TABLE "housekey_app_label" (
  "label" varchar(100) NOT NULL PRIMARY KEY,
  "app" varchar(100) NOT NULL,
  "since" datetime NOT NULL
);
