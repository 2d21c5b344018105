/* policy_docs: the draft, the live document and numbered versions as the API speaks of them, and
 * the judgement over a document (faults, warnings, its own tests). Used by the policy handlers.
 * Threads: as the call. */
#ifndef ADMINUI_POLICY_DOCS_H
#define ADMINUI_POLICY_DOCS_H

#include "adminui/call.h"
#include "db/policy_rows.h"
#include "policies/compile.h"

struct policy_docs_draft {
    struct policy_draft draft; /* revision 0: none saved yet, the document is the live one */
    struct str live;           /* document; empty when nothing was ever published */
    uint64_t live_version;
    char etag[64];
    bool is_changed; /* differs from live */
};

/* Answers the problem itself when false. */
bool policy_docs_draft(struct call *c, struct policy_docs_draft *out);

/* A tree with documents in it as this caller may see it: without hashes of passwords for roles that
 * may not edit. NULL: out of memory, the tree is freed. */
json_t *policy_docs_shown(const struct call *c, json_t *take_tree);

/* Saves a document as the next draft (canonical text, plain passwords hashed) and audits it;
 * expected: its revision. Answers the problem itself when false. */
bool policy_docs_save(struct call *c, json_t *document, uint64_t expected, uint64_t *revision);

/* "live", "draft", a number or "pending:ID". *ask is ready for policy_hold_get; label is "live",
 * "draft" or the number, in the arena. Answers the problem itself when false. */
struct policy_ask;
bool policy_docs_named(struct call *c, struct str name, struct policy_ask *ask);

/* Takes "policy" out of the JSON body for policy_docs_named: a word or a number; "live" when it is
 * not there. In the arena. */
struct str policy_docs_take_name(struct call *c);

enum policy_docs_fit { POLICY_DOCS_GOOD, POLICY_DOCS_TEST_FAILS, POLICY_DOCS_FAULTY };
/* How fit a document is to be published, and the Report of openapi.json about it (the caller's).
 * Needs no call: the clock's thread judges as well. ERR_NOMEM, ... */
enum err policy_docs_judge(struct app *app, const struct policy_ask *ask, enum policy_docs_fit *fit,
                           json_t **report) MUST_CHECK;
/* The Report of openapi.json. *is_good: it could be published. NULL: out of memory, answered. */
json_t *policy_docs_report(struct call *c, const struct policy_ask *ask, bool *is_good);
/* The same faults as errors[] of a 422. */
void policy_docs_refuse(struct call *c, const json_t *report);

/* 200 with DraftSaved for the draft as it is in the store now. */
void policy_docs_reply_saved(struct call *c);

uint32_t policy_docs_rules(struct str document); /* how many rules it has */

#endif
