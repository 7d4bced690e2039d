-- The index of a cache directory with three entries, as kiss of schema version 4 left it (23 November 2026).
PRAGMA user_version = 4;
BEGIN TRANSACTION;
CREATE TABLE blobs (
    sha256 TEXT PRIMARY KEY, size INTEGER NOT NULL, last_used INTEGER NOT NULL, doomed INTEGER, brought_by TEXT
  ) WITHOUT ROWID;
INSERT INTO "blobs" VALUES('5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',6,1795781594055,NULL,'8c84b96ab6ebac338f93568eb46590e1ebf88dc411cc59e1f9904fb4d591f293');
INSERT INTO "blobs" VALUES('7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87',6,1795781594048,NULL,'4d63e5ad0bca0c506b9d18461f95aaa69e163eb3e3df02e658f99cc21f8708a5');
CREATE TABLE claims (
    sha256 TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (sha256, id)) WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "counters" VALUES('downloaded',18);
INSERT INTO "counters" VALUES('requests',4);
INSERT INTO "counters" VALUES('requests_hit',1);
INSERT INTO "counters" VALUES('requests_miss',3);
INSERT INTO "counters" VALUES('successes',3);
CREATE TABLE entries(key VARCHAR(255) PRIMARY KEY, value TEXT );
INSERT INTO "entries" VALUES('3d7078862c60616a7757b3bf392666826d3d2d96306be2f30a3110da701b4007','{"value":{"id":"3d7078862c60616a7757b3bf392666826d3d2d96306be2f30a3110da701b4007","url":"https://builds.example.com/b.txt","sha256":"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03","size":6,"headers":{"contentType":"text/plain","lastModified":"Fri, 27 Nov 2026 11:34:46 GMT"},"boot":"65f32a5a-067a-45c8-90af-b479854fa330","storedAt":1795781594003,"validatedAt":1795781594003,"staleAt":4102444800000,"lifetime":864000000,"lastUsedAt":1795781594055,"hits":1,"private":false,"unverified":false}}');
INSERT INTO "entries" VALUES('8c84b96ab6ebac338f93568eb46590e1ebf88dc411cc59e1f9904fb4d591f293','{"value":{"id":"8c84b96ab6ebac338f93568eb46590e1ebf88dc411cc59e1f9904fb4d591f293","url":"https://builds.example.com/c.txt","sha256":"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03","size":6,"headers":{"contentType":"text/plain","lastModified":"Fri, 27 Nov 2026 11:34:46 GMT"},"boot":"65f32a5a-067a-45c8-90af-b479854fa330","storedAt":1795781594033,"validatedAt":1795781594033,"staleAt":4102444800000,"lifetime":864000000,"lastUsedAt":1795781594033,"hits":0,"private":false,"unverified":false}}');
INSERT INTO "entries" VALUES('4d63e5ad0bca0c506b9d18461f95aaa69e163eb3e3df02e658f99cc21f8708a5','{"value":{"id":"4d63e5ad0bca0c506b9d18461f95aaa69e163eb3e3df02e658f99cc21f8708a5","url":"https://builds.example.com/a.txt","sha256":"7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87","size":6,"headers":{"contentType":"text/plain","lastModified":"Fri, 27 Nov 2026 12:10:26 GMT"},"boot":"65f32a5a-067a-45c8-90af-b479854fa330","storedAt":1795781594048,"validatedAt":1795781594048,"staleAt":4102444800000,"lifetime":864000000,"lastUsedAt":1795781594048,"hits":0,"private":false,"unverified":false}}');
CREATE TABLE failures (n INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL);
CREATE TABLE history (
    step INTEGER NOT NULL, at INTEGER NOT NULL, downloaded INTEGER NOT NULL, served INTEGER NOT NULL, answered INTEGER NOT NULL, hits INTEGER NOT NULL,
    PRIMARY KEY (step, at)) WITHOUT ROWID;
CREATE TABLE presence (
    owner TEXT PRIMARY KEY, at INTEGER NOT NULL, figures TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE readers (
    owner TEXT NOT NULL, id TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (owner, id)) WITHOUT ROWID;
CREATE TABLE reservations (id TEXT PRIMARY KEY, bytes INTEGER NOT NULL, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "settings" VALUES('generation',0);
INSERT INTO "settings" VALUES('ledger','65f32a5a-067a-45c8-90af-b479854fa330');
CREATE TABLE sums (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX entries_sha256 ON entries (json_extract(value, '$.value.sha256'));
CREATE INDEX blobs_last_used ON blobs (last_used);
CREATE TRIGGER blob_brought_0 AFTER INSERT ON blobs
      BEGIN DELETE FROM reservations WHERE id = NEW.brought_by; END;
CREATE TRIGGER blob_brought_1 AFTER UPDATE OF brought_by ON blobs
      BEGIN DELETE FROM reservations WHERE id = NEW.brought_by; END;
CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
  UPDATE blobs SET last_used = max(last_used, json_extract(NEW.value, '$.value.lastUsedAt')) WHERE sha256 = json_extract(NEW.value, '$.value.sha256');
  DELETE FROM claims WHERE sha256 = json_extract(NEW.value, '$.value.sha256') AND id = NEW.key; END;
CREATE TRIGGER entry_updated AFTER UPDATE ON entries BEGIN
  UPDATE blobs SET last_used = max(last_used, json_extract(NEW.value, '$.value.lastUsedAt')) WHERE sha256 = json_extract(NEW.value, '$.value.sha256');
  DELETE FROM claims WHERE sha256 = json_extract(NEW.value, '$.value.sha256') AND id = NEW.key; END;
CREATE TRIGGER entry_changed AFTER UPDATE ON entries
    WHEN json_remove(OLD.value, '$.value.hits', '$.value.lastUsedAt') <> json_remove(NEW.value, '$.value.hits', '$.value.lastUsedAt') BEGIN UPDATE settings SET value = value + 1 WHERE name = 'generation'; END;
CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN UPDATE settings SET value = value + 1 WHERE name = 'generation'; END;
CREATE TRIGGER entry_keeps_use AFTER UPDATE ON entries
    WHEN json_extract(OLD.value, '$.value.hits') > json_extract(NEW.value, '$.value.hits')
      OR json_extract(OLD.value, '$.value.lastUsedAt') > json_extract(NEW.value, '$.value.lastUsedAt')
    BEGIN UPDATE entries SET value = json_set(value,
        '$.value.hits', max(json_extract(OLD.value, '$.value.hits'), json_extract(NEW.value, '$.value.hits')),
        '$.value.lastUsedAt', max(json_extract(OLD.value, '$.value.lastUsedAt'), json_extract(NEW.value, '$.value.lastUsedAt')))
      WHERE key = NEW.key; END;
COMMIT;
