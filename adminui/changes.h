/* changes: what happens to a change of the policy once it may happen: it is judged again, goes on
 * trial or live, and what was published is watched. Used by the handlers and by the clock's thread;
 * both open the transaction around it. Threads: as the desk.
 * Invariant: at most one version is on trial, and only beside the live one it was made for. */
#ifndef ADMINUI_CHANGES_H
#define ADMINUI_CHANGES_H

#include "adminui/desk.h"
#include "adminui/policy_docs.h"
#include "db/change_rows.h"
#include "db/event_trial.h"
#include "db/settings_publishing.h"
#include "db/watch_rows.h"

#define CHANGES_OPEN_MAX 50 /* a change holds a whole document */

/* The settings in force; the default ones when none are stored, or they cannot be read. */
enum err changes_settings(struct desk *d, struct arena *a,
                          struct settings_publishing *out) MUST_CHECK;

/* Something was published: a trial that runs ends, and the watch begins (is_watched and the
 * settings want it) or ends. previous: what was live before, 0: nothing. */
struct changes_live {
    uint64_t version, previous;
    int64_t now_ms;
    bool is_watched;
};
enum err changes_went_live(struct desk *d, struct arena *a,
                           const struct changes_live *x) MUST_CHECK;

/* Whether it may be published as things stand, judged now. */
struct changes_judged {
    enum policy_docs_fit fit;
    char *report; /* JSON text, freed by changes_judged_fini; NULL: a settings document */
};
enum err changes_judge(struct app *app, const struct change *c,
                       struct changes_judged *out) MUST_CHECK;
void changes_judged_fini(struct changes_judged *j);

/* Carries out c, which is in the state `from`: trial, live, or failed when it is not fit (and not
 * forced). c becomes what the row is then; its texts must live as long as c is used. */
struct changes_carry {
    enum change_state from;
    const struct changes_judged *judged;
    int64_t now_ms;
};
enum err changes_carry_out(struct desk *d, struct arena *a, struct change *c,
                           const struct changes_carry *x) MUST_CHECK;

/* An exception went live: the rules it brought or changed (against `before`, the document that was
 * live) are brought into the draft as well, so that the next publication does not undo it. */
enum err changes_follow_draft(struct desk *d, struct arena *a, struct str before,
                              struct str after) MUST_CHECK;

/* The trial c goes live for everybody, as a copy under the next number. */
enum err changes_promote(struct desk *d, struct arena *a, struct change *c,
                         int64_t now_ms) MUST_CHECK;

/* Ends c, which is in the state `from`. */
struct changes_end {
    enum change_state from, to;
    struct str message;
    int64_t now_ms;
};
enum err changes_end(struct desk *d, struct change *c, const struct changes_end *x) MUST_CHECK;

/* A copy of the watched version's predecessor goes live; why is one sentence. *version: its number.
 */
struct changes_back {
    const struct watch *watch;
    struct str why;
    int64_t now_ms;
};
enum err changes_return(struct desk *d, struct arena *a, const struct changes_back *x,
                        uint64_t *version) MUST_CHECK;

/* How version fares against previous (and what previous is a copy of) until now. */
enum err changes_measure(struct desk *d, uint64_t version, uint64_t previous,
                         struct event_trial *out) MUST_CHECK;

#endif
