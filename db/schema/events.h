/* events: the schema steps of a day file. A released step is never edited. Included by db/migrate.c
 * alone. text.id numbers are per file; 0 is the empty string. hour = Unix time / 3,600 s, minute =
 * Unix time / 60 s, both of the moment the request ended. */
#ifndef DB_SCHEMA_EVENTS_H
#define DB_SCHEMA_EVENTS_H

#define SCHEMA_EVENTS_1                                                                            \
    "CREATE TABLE text(id INTEGER PRIMARY KEY, s TEXT NOT NULL UNIQUE) STRICT;"                    \
    "INSERT INTO text VALUES(0, '');"                                                              \
    "CREATE TABLE record("                                                                         \
    "  id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"            \
    "  user INTEGER NOT NULL, host INTEGER NOT NULL, client INTEGER NOT NULL,"                     \
    "  verdict INTEGER NOT NULL, status INTEGER NOT NULL, rule INTEGER NOT NULL,"                  \
    "  categories INTEGER NOT NULL, method INTEGER NOT NULL, scheme INTEGER NOT NULL,"             \
    "  port INTEGER NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,"              \
    "  tls INTEGER NOT NULL, cache INTEGER NOT NULL, groups INTEGER NOT NULL,"                     \
    "  rule_name INTEGER NOT NULL, policy_version INTEGER NOT NULL, shadow INTEGER NOT NULL,"      \
    "  content_type INTEGER NOT NULL, upstream INTEGER NOT NULL, upstream_ms INTEGER NOT NULL,"    \
    "  user_agent INTEGER NOT NULL, referer INTEGER NOT NULL, error INTEGER NOT NULL,"             \
    "  node INTEGER NOT NULL, client_port INTEGER NOT NULL, url TEXT NOT NULL) STRICT;"            \
    "CREATE TABLE journal("                                                                        \
    "  journal INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT;"      \
    "CREATE TABLE minute("                                                                         \
    "  minute INTEGER PRIMARY KEY, first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,"           \
    "  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, requests INTEGER NOT NULL,"            \
    "  allowed INTEGER NOT NULL, blocked INTEGER NOT NULL, warned INTEGER NOT NULL,"               \
    "  denied_auth INTEGER NOT NULL, refused INTEGER NOT NULL, error INTEGER NOT NULL,"            \
    "  bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, times BLOB NOT NULL) STRICT;"        \
    "CREATE TABLE hour("                                                                           \
    "  what INTEGER NOT NULL, text INTEGER NOT NULL, hour INTEGER NOT NULL,"                       \
    "  title INTEGER NOT NULL, requests INTEGER NOT NULL, blocked INTEGER NOT NULL,"               \
    "  bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL,"                                     \
    "  PRIMARY KEY(what, text, hour)) STRICT, WITHOUT ROWID;"

/* The facts of a decision that were not kept before, so that it can be made again from its record.
 */
#define SCHEMA_EVENTS_2                                                                            \
    "ALTER TABLE record ADD COLUMN listener INTEGER NOT NULL DEFAULT 0;"                           \
    "ALTER TABLE record ADD COLUMN group_paths INTEGER NOT NULL DEFAULT 0;"                        \
    "ALTER TABLE record ADD COLUMN effect INTEGER NOT NULL DEFAULT 0;"                             \
    "ALTER TABLE record ADD COLUMN note INTEGER NOT NULL DEFAULT 0;"                               \
    "ALTER TABLE record ADD COLUMN answer_bytes INTEGER NOT NULL DEFAULT -1;"

/* What became of the requests of one person (else of one client address) under one policy
 * version. Errors are refused and failed requests; a request that was only sent to log in is not
 * counted at all. */
#define SCHEMA_EVENTS_VERSIONS                                                                     \
    "CREATE TABLE version_use("                                                                    \
    "  version INTEGER NOT NULL, who INTEGER NOT NULL,"                                            \
    "  requests INTEGER NOT NULL, blocked INTEGER NOT NULL, errors INTEGER NOT NULL,"              \
    "  PRIMARY KEY(version, who)) STRICT, WITHOUT ROWID;"

#endif
