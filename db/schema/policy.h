/* policy: the schema steps of policy.db. A released step is never edited; a change is a new step at
 * the end. Included by db/migrate.c alone. Times are Unix milliseconds. */
#ifndef DB_SCHEMA_POLICY_H
#define DB_SCHEMA_POLICY_H

#define SCHEMA_POLICY_1                                                                            \
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

#define SCHEMA_POLICY_2                                                                            \
    "CREATE TABLE policy_draft("                                                                   \
    "  one INTEGER PRIMARY KEY CHECK(one = 1), document TEXT NOT NULL, author TEXT NOT NULL,"      \
    "  at_ms INTEGER NOT NULL, revision INTEGER NOT NULL, base_version INTEGER NOT NULL) STRICT;"  \
    "CREATE TABLE policy_version("                                                                 \
    "  version INTEGER PRIMARY KEY, document TEXT NOT NULL, comment TEXT NOT NULL,"                \
    "  author TEXT NOT NULL, at_ms INTEGER NOT NULL, rolled_back_from INTEGER NOT NULL,"           \
    "  n_rules INTEGER NOT NULL) STRICT;"                                                          \
    "CREATE TABLE policy_live("                                                                    \
    "  one INTEGER PRIMARY KEY CHECK(one = 1),"                                                    \
    "  version INTEGER NOT NULL REFERENCES policy_version(version)) STRICT;"                       \
    "CREATE TRIGGER policy_version_is_immutable BEFORE UPDATE ON policy_version"                   \
    "  BEGIN SELECT RAISE(ABORT, 'a published version never changes'); END;"                       \
    "CREATE TRIGGER policy_version_stays BEFORE DELETE ON policy_version"                          \
    "  BEGIN SELECT RAISE(ABORT, 'a published version is kept'); END;"

#define SCHEMA_POLICY_3                                                                            \
    "CREATE TABLE category("                                                                       \
    "  name TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL,"                     \
    "  source TEXT NOT NULL, format TEXT NOT NULL, revision INTEGER NOT NULL,"                     \
    "  content_at_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL) STRICT;"                       \
    "CREATE TABLE category_content("                                                               \
    "  category TEXT NOT NULL REFERENCES category(name) ON DELETE CASCADE,"                        \
    "  kind INTEGER NOT NULL, n_entries INTEGER NOT NULL, text_bytes INTEGER NOT NULL,"            \
    "  zstd BLOB NOT NULL, UNIQUE(category, kind)) STRICT;"                                        \
    "CREATE TABLE category_report("                                                                \
    "  category TEXT PRIMARY KEY REFERENCES category(name) ON DELETE CASCADE,"                     \
    "  at_ms INTEGER NOT NULL, format TEXT NOT NULL, source TEXT NOT NULL,"                        \
    "  accepted INTEGER NOT NULL, duplicates INTEGER NOT NULL, n_rejected INTEGER NOT NULL,"       \
    "  added INTEGER NOT NULL, removed INTEGER NOT NULL) STRICT, WITHOUT ROWID;"                   \
    "CREATE TABLE category_reject("                                                                \
    "  category TEXT NOT NULL REFERENCES category_report(category) ON DELETE CASCADE,"             \
    "  seq INTEGER NOT NULL, line INTEGER NOT NULL, file TEXT NOT NULL, text TEXT NOT NULL,"       \
    "  reason TEXT NOT NULL, PRIMARY KEY(category, seq)) STRICT, WITHOUT ROWID;"

#define SCHEMA_POLICY_4                                                                            \
    "CREATE TABLE settings("                                                                       \
    "  name TEXT PRIMARY KEY, document TEXT NOT NULL, author TEXT NOT NULL,"                       \
    "  version INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT;"                                  \
    "CREATE TABLE person("                                                                         \
    "  name TEXT PRIMARY KEY COLLATE NOCASE, hash TEXT NOT NULL, groups TEXT NOT NULL,"            \
    "  comment TEXT NOT NULL, enabled INTEGER NOT NULL, revision INTEGER NOT NULL,"                \
    "  created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT;"

#define SCHEMA_POLICY_5                                                                            \
    "CREATE TABLE admin_account("                                                                  \
    "  username TEXT PRIMARY KEY COLLATE NOCASE, hash TEXT NOT NULL, role INTEGER NOT NULL,"       \
    "  enabled INTEGER NOT NULL, must_change_password INTEGER NOT NULL,"                           \
    "  revision INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL,"       \
    "  last_login_ms INTEGER NOT NULL) STRICT;"                                                    \
    "CREATE TABLE admin_session("                                                                  \
    "  hash BLOB PRIMARY KEY, username TEXT NOT NULL COLLATE NOCASE"                               \
    "    REFERENCES admin_account(username) ON DELETE CASCADE,"                                    \
    "  csrf TEXT NOT NULL, from_address TEXT NOT NULL, created_ms INTEGER NOT NULL,"               \
    "  seen_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;"              \
    "CREATE INDEX admin_session_of ON admin_session(username);"                                    \
    "CREATE TABLE admin_token("                                                                    \
    "  id TEXT PRIMARY KEY, hash BLOB NOT NULL, name TEXT NOT NULL, created_by TEXT NOT NULL,"     \
    "  role INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"           \
    "  last_used_ms INTEGER NOT NULL, last_used_from TEXT NOT NULL) STRICT, WITHOUT ROWID;"

#define SCHEMA_POLICY_6                                                                            \
    "CREATE TABLE audit("                                                                          \
    "  id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL,"    \
    "  from_address TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,"                    \
    "  before TEXT NOT NULL, after TEXT NOT NULL, result TEXT NOT NULL,"                           \
    "  request_id TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"                                      \
    "CREATE INDEX audit_time ON audit(at_ms);"                                                     \
    "CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON audit"                                   \
    "  BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;"                          \
    "CREATE TRIGGER audit_stays BEFORE DELETE ON audit"                                            \
    "  BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;"

/* Changes on their way: asked for, waiting for a time or a second person, tried as a canary; and
 * the one publication that is being watched. A change keeps its document until it has a version. */
#define SCHEMA_POLICY_CHANGES                                                                      \
    "CREATE TABLE policy_change("                                                                  \
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, state INTEGER NOT NULL,"       \
    "  document TEXT NOT NULL, n_rules INTEGER NOT NULL, comment TEXT NOT NULL,"                   \
    "  author TEXT NOT NULL, person TEXT NOT NULL, reason TEXT NOT NULL, flags INTEGER NOT NULL,"  \
    "  at_ms INTEGER NOT NULL, publish_at_ms INTEGER NOT NULL, base_version INTEGER NOT NULL,"     \
    "  copy_of INTEGER NOT NULL, version INTEGER NOT NULL, canary TEXT NOT NULL,"                  \
    "  canary_ms INTEGER NOT NULL, since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,"          \
    "  replay TEXT NOT NULL, report TEXT NOT NULL, message TEXT NOT NULL,"                         \
    "  ended_ms INTEGER NOT NULL) STRICT;"                                                         \
    "CREATE INDEX policy_change_open ON policy_change(id) WHERE ended_ms = 0;"                     \
    "CREATE UNIQUE INDEX policy_change_canary ON policy_change(state) WHERE state = 3;"            \
    "CREATE TABLE policy_approval("                                                                \
    "  change INTEGER NOT NULL REFERENCES policy_change(id), seq INTEGER NOT NULL,"                \
    "  author TEXT NOT NULL, person TEXT NOT NULL, at_ms INTEGER NOT NULL,"                        \
    "  is_approved INTEGER NOT NULL, comment TEXT NOT NULL,"                                       \
    "  PRIMARY KEY(change, seq)) STRICT, WITHOUT ROWID;"                                           \
    "CREATE TABLE policy_watch("                                                                   \
    "  one INTEGER PRIMARY KEY CHECK(one = 1), version INTEGER NOT NULL,"                          \
    "  previous INTEGER NOT NULL, state INTEGER NOT NULL, since_ms INTEGER NOT NULL,"              \
    "  until_ms INTEGER NOT NULL, message TEXT NOT NULL) STRICT;"

/* Content source by source. What was there before is of the source "upload", and as old as it. */
#define SCHEMA_POLICY_SOURCES                                                                      \
    "CREATE TABLE category_source("                                                                \
    "  category TEXT NOT NULL REFERENCES category(name) ON DELETE CASCADE, source TEXT NOT NULL,"  \
    "  title TEXT NOT NULL, format TEXT NOT NULL, created_ms INTEGER NOT NULL,"                    \
    "  updated_ms INTEGER NOT NULL, PRIMARY KEY(category, source)) STRICT, WITHOUT ROWID;"         \
    "CREATE TABLE source_content("                                                                 \
    "  category TEXT NOT NULL, source TEXT NOT NULL, kind INTEGER NOT NULL,"                       \
    "  n_entries INTEGER NOT NULL, bytes INTEGER NOT NULL, zstd BLOB NOT NULL,"                    \
    "  since BLOB NOT NULL, UNIQUE(category, source, kind),"                                       \
    "  FOREIGN KEY(category, source) REFERENCES category_source(category, source)"                 \
    "    ON DELETE CASCADE) STRICT;"                                                               \
    "INSERT INTO category_source SELECT name, 'upload', source, format, content_at_ms,"            \
    "  content_at_ms FROM category"                                                                \
    "  WHERE EXISTS (SELECT 1 FROM category_content WHERE category = name);"                       \
    "INSERT INTO source_content SELECT category, 'upload', kind, n_entries, text_bytes, zstd, x''" \
    "  FROM category_content;"                                                                     \
    "DROP TABLE category_content;"

/* Lists that are fetched. config: JSON as the API takes it, with the secret. */
#define SCHEMA_POLICY_SUBSCRIPTIONS                                                                \
    "CREATE TABLE subscription("                                                                   \
    "  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, config TEXT NOT NULL,"     \
    "  revision INTEGER NOT NULL, created_ms INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"  \
    "  why TEXT NOT NULL DEFAULT '', waiting TEXT NOT NULL DEFAULT '',"                            \
    "  etag TEXT NOT NULL DEFAULT '', last_modified TEXT NOT NULL DEFAULT '',"                     \
    "  hash TEXT NOT NULL DEFAULT '', checked_ms INTEGER NOT NULL DEFAULT 0,"                      \
    "  good_ms INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0,"                    \
    "  failures INTEGER NOT NULL DEFAULT 0, entries INTEGER NOT NULL DEFAULT 0) STRICT;"           \
    "CREATE TABLE subscription_fetch("                                                             \
    "  id INTEGER PRIMARY KEY, subscription INTEGER NOT NULL"                                      \
    "    REFERENCES subscription(id) ON DELETE CASCADE,"                                           \
    "  at_ms INTEGER NOT NULL, outcome INTEGER NOT NULL, status INTEGER NOT NULL,"                 \
    "  bytes INTEGER NOT NULL, entries INTEGER NOT NULL, added INTEGER NOT NULL,"                  \
    "  removed INTEGER NOT NULL, took_ms INTEGER NOT NULL, why TEXT NOT NULL) STRICT;"             \
    "CREATE INDEX subscription_fetch_of ON subscription_fetch(subscription, id);"

#endif
