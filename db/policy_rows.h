/* policy_rows: the draft, the immutable published versions, and which of them is live. Documents
 * are JSON text and not looked into here. adminui writes, proxyd reads the live one. Borrows: texts
 * are copied into the caller's arena, whose ceiling bounds them (ERR_NOMEM above). Threads: as the
 * store handle. */
#ifndef DB_POLICY_ROWS_H
#define DB_POLICY_ROWS_H

#include "db/store.h"

struct policy_draft {
    struct str document;
    struct str author;
    int64_t at_ms;         /* Unix time of the last change */
    uint64_t revision;     /* rises with every put: the ETag */
    uint64_t base_version; /* live version when the draft was begun; 0: none */
};

struct policy_version {
    uint64_t version;    /* 1, 2, 3, ... */
    struct str document; /* empty in listings */
    struct str comment, author;
    int64_t at_ms;
    uint64_t rolled_back_from; /* 0: not a copy */
    uint32_t n_rules;
    bool is_live;
};

struct policy_publish {
    struct str comment, author;
    int64_t at_ms;
    uint32_t n_rules;
};

/* ERR_NOT_FOUND: no draft was ever saved. */
enum err policy_rows_draft(struct store *s, struct arena *a, struct policy_draft *out) MUST_CHECK;
/* Saves document, author and at_ms of d. expected is the revision the caller has seen, 0 when it
 * has seen none. ERR_CONFLICT when the draft is at another one; else *revision is the new one. */
enum err policy_rows_put_draft(struct store *s, const struct policy_draft *d, uint64_t expected,
                               uint64_t *revision) MUST_CHECK;
/* The same text as the next revision: whoever still holds this one is late. ERR_CONFLICT. */
enum err policy_rows_touch_draft(struct store *s, uint64_t expected) MUST_CHECK;

/* Makes the draft of this revision the next version and the live one, in one transaction.
 * ERR_CONFLICT when the draft has moved on; ERR_NOT_FOUND when there is none. */
enum err policy_rows_publish(struct store *s, uint64_t draft_revision,
                             const struct policy_publish *p, uint64_t *version) MUST_CHECK;
/* Publishes a copy of an old version as the next one. ERR_NOT_FOUND. The draft is left alone. */
enum err policy_rows_rollback(struct store *s, uint64_t old_version, const struct policy_publish *p,
                              uint64_t *version) MUST_CHECK;

/* The document as the next version; copy_of as `rolled_back_from` (0: none). With is_trial it does
 * not become live: policy_rows_make_live may do that later. The draft is left alone. */
struct policy_text {
    struct str document;
    uint64_t copy_of;
    bool is_trial;
};
enum err policy_rows_publish_text(struct store *s, const struct policy_text *t,
                                  const struct policy_publish *p, uint64_t *version) MUST_CHECK;
/* ERR_NOT_FOUND: there is no such version. */
enum err policy_rows_make_live(struct store *s, uint64_t version) MUST_CHECK;

enum err policy_rows_live(struct store *s, struct arena *a, struct policy_version *out) MUST_CHECK;
enum err policy_rows_live_number(struct store *s, uint64_t *version) MUST_CHECK; /* 0: none */
/* The version it is a copy of; 0: none, or there is no such version. */
enum err policy_rows_copy_of(struct store *s, uint64_t version, uint64_t *out) MUST_CHECK;
enum err policy_rows_version(struct store *s, struct arena *a, uint64_t version,
                             struct policy_version *out) MUST_CHECK;
/* Newest first, those below `before` (0: from the newest), at most *n; *n becomes how many. The
 * array is the caller's. Documents are left out. */
enum err policy_rows_versions(struct store *s, struct arena *a, uint64_t before,
                              struct policy_version *items, size_t *n) MUST_CHECK;

#endif
