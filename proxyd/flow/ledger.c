/* ledger: a header page, then the slots, shard by shard. Inside a shard a key stands within a
 * window behind the place its hash names; a slot that was never used ends the search. */
#include "proxyd/flow/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/must.h"
#include "base/secret.h"

#define MAGIC     UINT64_C(0x3172656764656c70)
#define LOCKS_AT  ((size_t)4096) /* a lock for each shard */
#define SLOTS_AT  ((size_t)8192)
#define WINDOW    64u
#define NEVER     UINT64_C(0)
#define FREE      UINT64_C(1)
#define FIRST     UINT64_C(2)              /* hashes of keys begin here */
#define AHEAD_MAX (INT64_C(62) * 86400000) /* nothing is remembered for longer */

struct slot { /* one sector */
    struct ledger_account a;
    uint32_t check; /* over what follows and the hash */
    uint8_t kind, rule_n, who_n, what_n;
    uint8_t note_n; /* not under the checksum, as the counters */
    char gap[7];
    char text[LEDGER_RULE + LEDGER_WHO + LEDGER_WHAT];
    char note[LEDGER_NOTE];
};
_Static_assert(sizeof(struct slot) == 512, "a slot is a sector");

struct head_page {
    _Atomic uint64_t magic; /* written last */
    uint64_t slot_bytes, n_slots, seed;
};

struct shard_lock {
    _Alignas(64) pthread_mutex_t m;
};
_Static_assert(LOCKS_AT + LEDGER_SHARDS * sizeof(struct shard_lock) <= SLOTS_AT, "locks fit");

struct shard {
    pthread_mutex_t *lock; /* in the mapping */
    struct slot *slots;
    uint64_t n_evicted;
};

struct ledger {
    int fd;
    struct head_page *page;
    size_t map_bytes;
    uint32_t per_shard;
    uint64_t n_damaged;
    bool was_replaced;
    bool is_alone; /* at open: no other process has the file */
    struct shard shards[LEDGER_SHARDS];
};

/* --- names ----------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct ledger *l, const struct ledger_key *k)
{
    uint64_t h = XXH3_64bits_withSeed(k->rule.p, k->rule.n, l->page->seed + (uint64_t)k->kind);
    h = XXH3_64bits_withSeed(k->who.p, k->who.n, h);
    h = XXH3_64bits_withSeed(k->what.p, k->what.n, h);
    return h < FIRST ? h + FIRST : h;
}

static uint32_t check_of(const struct ledger *l, const struct slot *s)
{
    uint64_t h = l->page->seed ^ atomic_load_explicit(&s->a.hash, memory_order_relaxed);
    h = XXH3_64bits_withSeed(&s->kind, 4, h);
    return (uint32_t)XXH3_64bits_withSeed(s->text, (size_t)s->rule_n + s->who_n + s->what_n, h);
}

static uint8_t put_text(struct slot *s, size_t at, struct str text, size_t max)
{
    size_t n = text.n < max ? text.n : max;
    if (n)
        memcpy(s->text + at, text.p, n);
    return (uint8_t)n;
}

static void see_slot(struct slot *s, struct ledger_seen *out)
{
    const char *p = s->text;
    *out = (struct ledger_seen){.rule = str_make(p, s->rule_n),
                                .who = str_make(p + s->rule_n, s->who_n),
                                .what = str_make(p + s->rule_n + s->who_n, s->what_n),
                                .note = str_make(s->note, s->note_n),
                                .account = &s->a};
}

/* --- opening --------------------------------------------------------------------------------- */

static bool is_sound(const struct ledger *l, const struct slot *s, int64_t now_ms)
{
    int64_t until = atomic_load_explicit(&s->a.until_ms, memory_order_relaxed);
    return s->kind >= LEDGER_QUOTA && s->kind <= LEDGER_SPEED && s->rule_n <= LEDGER_RULE &&
           s->who_n <= LEDGER_WHO && s->what_n <= LEDGER_WHAT && s->note_n <= LEDGER_NOTE &&
           s->check == check_of(l, s) && until >= 0 && until < now_ms + AHEAD_MAX &&
           atomic_load_explicit(&s->a.bytes, memory_order_relaxed) < INT64_MAX;
}

/* What a former run left: sound accounts stay, held by nobody; buckets of speed begin anew, for
 * they count in time since the machine's start. */
static void check_slots(struct ledger *l, int64_t now_ms)
{
    struct slot *s = l->shards[0].slots;
    for (size_t i = 0; i < (size_t)l->per_shard * LEDGER_SHARDS; i++) {
        if (atomic_load_explicit(&s[i].a.hash, memory_order_relaxed) < FIRST)
            continue;
        bool is_good = is_sound(l, &s[i], now_ms);
        atomic_store_explicit(&s[i].a.n_holders, 0, memory_order_relaxed);
        l->n_damaged += !is_good;
        if (!is_good || s[i].kind == LEDGER_SPEED)
            atomic_store_explicit(&s[i].a.hash, FREE, memory_order_relaxed);
    }
}

static enum err map_slots(struct ledger *l, uint32_t per_shard)
{
    size_t bytes = SLOTS_AT + (size_t)per_shard * LEDGER_SHARDS * sizeof(struct slot);
    int flags = l->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, l->fd, 0);
    if (p == MAP_FAILED)
        return err_from_errno(errno);
    l->page = p;
    l->map_bytes = bytes;
    l->per_shard = per_shard;
    for (size_t i = 0; i < LEDGER_SHARDS; i++) {
        l->shards[i].slots = (struct slot *)((char *)p + SLOTS_AT) + i * per_shard;
        l->shards[i].lock = &((struct shard_lock *)((char *)p + LOCKS_AT))[i].m;
    }
    return OK;
}

/* By whoever is alone with the file: a former process may have died with a lock in its hands. */
static enum err make_locks(struct ledger *l)
{
    pthread_mutexattr_t attr;
    int rc = pthread_mutexattr_init(&attr);
    if (rc != 0)
        return ERR_NOMEM;
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    for (size_t i = 0; i < LEDGER_SHARDS && rc == 0; i++) {
        memset(l->shards[i].lock, 0, sizeof *l->shards[i].lock);
        rc = pthread_mutex_init(l->shards[i].lock, &attr);
    }
    pthread_mutexattr_destroy(&attr);
    return rc == 0 ? OK : ERR_NOMEM;
}

static enum err make(struct ledger *l, uint32_t per_shard)
{
    size_t bytes = SLOTS_AT + (size_t)per_shard * LEDGER_SHARDS * sizeof(struct slot);
    if (l->fd >= 0) {
        int rc = posix_fallocate(l->fd, 0, (off_t)bytes);
        if (rc != 0) {
            if (ftruncate(l->fd, 0) != 0)
                return ERR_IO;
            return rc == EFBIG ? ERR_FULL : err_from_errno(rc);
        }
    }
    enum err e = map_slots(l, per_shard);
    if (e == OK)
        e = make_locks(l);
    if (e == OK)
        e = secret_random(&l->page->seed, sizeof l->page->seed);
    if (e != OK)
        return e;
    l->page->slot_bytes = sizeof(struct slot);
    l->page->n_slots = (uint64_t)per_shard * LEDGER_SHARDS;
    atomic_store_explicit(&l->page->magic, MAGIC, memory_order_release);
    return OK;
}

/* ERR_CORRUPT: not a ledger of ours. */
static enum err adopt(struct ledger *l, size_t size, int64_t now_ms)
{
    size_t n = size < SLOTS_AT ? 0 : (size - SLOTS_AT) / sizeof(struct slot);
    if (n == 0 || n % LEDGER_SHARDS || n / LEDGER_SHARDS > UINT32_MAX / 2 ||
        SLOTS_AT + n * sizeof(struct slot) != size)
        return ERR_CORRUPT;
    enum err e = map_slots(l, (uint32_t)(n / LEDGER_SHARDS));
    if (e != OK)
        return e;
    if (atomic_load(&l->page->magic) != MAGIC || l->page->slot_bytes != sizeof(struct slot) ||
        l->page->n_slots != n) {
        munmap(l->page, l->map_bytes);
        l->page = NULL;
        return ERR_CORRUPT;
    }
    if (!l->is_alone)
        return OK;
    check_slots(l, now_ms);
    return make_locks(l);
}

static enum err open_fd(struct ledger *l, const char *path, size_t *size)
{
    struct stat st;
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->fd < 0)
        return err_from_errno(errno);
    l->is_alone = flock(l->fd, LOCK_EX | LOCK_NB) == 0;
    if (!l->is_alone && flock(l->fd, LOCK_SH | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERR_BUSY : err_from_errno(errno);
    if (fstat(l->fd, &st) != 0)
        return err_from_errno(errno);
    if (!S_ISREG(st.st_mode))
        return ERR_DENIED;
    *size = (size_t)st.st_size;
    return OK;
}

static enum err put_aside(struct ledger *l, const char *path)
{
    char aside[4096];
    int n = snprintf(aside, sizeof aside, "%s.bad", path);
    if (n < 0 || (size_t)n >= sizeof aside)
        return ERR_LIMIT;
    if (rename(path, aside) != 0)
        return err_from_errno(errno);
    close(l->fd);
    l->fd = -1;
    l->was_replaced = true;
    return OK;
}

static enum err open_file(struct ledger *l, const char *path, uint32_t per_shard, int64_t now_ms)
{
    size_t size = 0;
    enum err e = open_fd(l, path, &size);
    if (e == OK && size > 0) {
        e = adopt(l, size, now_ms);
        if (e != ERR_CORRUPT)
            return e;
        e = put_aside(l, path);
        if (e == OK)
            e = open_fd(l, path, &size);
    }
    if (e == OK && !l->is_alone)
        return ERR_BUSY; /* the other one is just making it */
    return e == OK ? make(l, per_shard) : e;
}

/* From here on another process may come along, or be there already. */
static enum err share(struct ledger *l)
{
    if (l->fd >= 0 && l->is_alone && flock(l->fd, LOCK_SH) != 0)
        return err_from_errno(errno);
    return OK;
}

enum err ledger_open(const char *path, unsigned n_slots, int64_t now_ms, struct ledger **out)
{
    struct ledger *l = aligned_alloc(64, (sizeof *l + 63) / 64 * 64);
    uint32_t per_shard = n_slots / LEDGER_SHARDS;
    if (!l)
        return ERR_NOMEM;
    memset(l, 0, sizeof *l);
    l->fd = -1;
    per_shard = per_shard ? per_shard : 1;
    enum err e = path ? open_file(l, path, per_shard, now_ms) : make(l, per_shard);
    if (e == OK)
        e = share(l);
    if (e != OK) {
        ledger_close(l);
        return e;
    }
    *out = l;
    return OK;
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    if (l->page)
        munmap(l->page, l->map_bytes);
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}

static void lock(struct shard *sh)
{
    int rc = pthread_mutex_lock(sh->lock);
    if (rc == EOWNERDEAD) /* what it was writing is a free slot until it is whole */
        rc = pthread_mutex_consistent(sh->lock);
    must(rc == 0);
}

static void unlock(struct shard *sh)
{
    pthread_mutex_unlock(sh->lock);
}

/* --- finding --------------------------------------------------------------------------------- */

static struct slot *slot_of(struct ledger_account *a)
{
    return (struct slot *)(void *)a; /* its first member */
}

static bool is_over(const struct slot *s, int64_t now_ms)
{
    return atomic_load_explicit(&s->a.until_ms, memory_order_relaxed) <= now_ms;
}

static bool is_held(const struct slot *s)
{
    return atomic_load_explicit(&s->a.n_holders, memory_order_relaxed) > 0;
}

static uint64_t hash_in(const struct slot *s)
{
    return atomic_load_explicit(&s->a.hash, memory_order_relaxed);
}

struct search {
    struct slot *found; /* the key's */
    struct slot *room;  /* the best place for it when it is not there */
    bool is_eviction;   /* the room is somebody's who is not over yet */
};

static bool is_longer_unused(const struct slot *a, const struct slot *b)
{
    return atomic_load_explicit(&a->a.used_ms, memory_order_relaxed) <
           atomic_load_explicit(&b->a.used_ms, memory_order_relaxed);
}

/* Under the shard's lock. */
static struct search search(const struct ledger *l, const struct shard *sh, uint64_t hash,
                            int64_t now_ms)
{
    struct search r = {0};
    struct slot *oldest = NULL;
    uint32_t n = l->per_shard < WINDOW ? l->per_shard : WINDOW;
    for (uint32_t i = 0; i < n; i++) {
        struct slot *s = &sh->slots[(hash + i) % l->per_shard];
        uint64_t h = hash_in(s);
        if (h == hash) {
            r.found = s;
            return r;
        }
        if (!r.room && (h < FIRST || (is_over(s, now_ms) && !is_held(s))))
            r.room = s;
        if (h == NEVER)
            return r;
        if (h >= FIRST && !is_held(s) && (!oldest || is_longer_unused(s, oldest)))
            oldest = s;
    }
    if (!r.room) {
        r.room = oldest;
        r.is_eviction = true;
    }
    return r;
}

static void write_slot(const struct ledger *l, struct slot *s, const struct ledger_key *k,
                       uint64_t hash)
{
    atomic_store(&s->a.hash, FREE); /* half-made: given up by the next open */
    atomic_signal_fence(memory_order_seq_cst);
    s->kind = (uint8_t)k->kind;
    s->rule_n = put_text(s, 0, k->rule, LEDGER_RULE);
    s->who_n = put_text(s, s->rule_n, k->who, LEDGER_WHO);
    s->what_n = put_text(s, (size_t)s->rule_n + s->who_n, k->what, LEDGER_WHAT);
    s->note_n = 0;
    atomic_store_explicit(&s->a.count, 0, memory_order_relaxed);
    atomic_store_explicit(&s->a.bytes, 0, memory_order_relaxed);
    atomic_store_explicit(&s->a.next_us, 0, memory_order_relaxed);
    atomic_store_explicit(&s->a.how, 0, memory_order_relaxed);
    atomic_store_explicit(&s->a.hash, hash, memory_order_relaxed);
    s->check = check_of(l, s);
}

static struct shard *shard_of(struct ledger *l, uint64_t hash)
{
    return &l->shards[hash >> 58];
}

static struct ledger_account *hold(struct slot *s, int64_t now_ms)
{
    atomic_fetch_add_explicit(&s->a.n_holders, 1, memory_order_relaxed);
    atomic_store_explicit(&s->a.used_ms, now_ms, memory_order_relaxed);
    return &s->a;
}

struct ledger_account *ledger_take(struct ledger *l, const struct ledger_key *key, int64_t now_ms,
                                   int64_t until_ms)
{
    uint64_t hash = hash_of(l, key);
    struct shard *sh = shard_of(l, hash);
    struct ledger_account *out = NULL;
    lock(sh);
    struct search r = search(l, sh, hash, now_ms);
    struct slot *s = r.found ? r.found : r.room;
    if (s && (!r.found || (is_over(s, now_ms) && !is_held(s)))) {
        sh->n_evicted += r.is_eviction;
        write_slot(l, s, key, hash);
        atomic_store_explicit(&s->a.until_ms, until_ms, memory_order_relaxed);
    }
    if (s)
        out = hold(s, now_ms);
    unlock(sh);
    return out;
}

struct ledger_account *ledger_find(struct ledger *l, const struct ledger_key *key, int64_t now_ms)
{
    uint64_t hash = hash_of(l, key);
    struct shard *sh = shard_of(l, hash);
    struct ledger_account *out = NULL;
    lock(sh);
    struct search r = search(l, sh, hash, now_ms);
    if (r.found && !is_over(r.found, now_ms))
        out = hold(r.found, now_ms);
    unlock(sh);
    return out;
}

void ledger_give(struct ledger_account *a)
{
    if (a)
        must(atomic_fetch_sub_explicit(&a->n_holders, 1, memory_order_release) > 0);
}

void ledger_lock(struct ledger *l, struct ledger_account *a)
{
    lock(shard_of(l, hash_in(slot_of(a))));
}

void ledger_unlock(struct ledger *l, struct ledger_account *a)
{
    unlock(shard_of(l, hash_in(slot_of(a))));
}

void ledger_note(struct ledger *l, struct ledger_account *a, struct str note)
{
    struct slot *s = slot_of(a);
    size_t n = note.n < LEDGER_NOTE ? note.n : LEDGER_NOTE;
    while (n > 0 && n < note.n && ((unsigned char)note.p[n] & 0xc0) == 0x80)
        n--; /* not through a character */
    ledger_lock(l, a);
    if (n)
        memcpy(s->note, note.p, n);
    s->note_n = (uint8_t)n;
    ledger_unlock(l, a);
}

/* --- for people ------------------------------------------------------------------------------ */

/* What is forgotten while a request holds it keeps its key, so that the request and the next one
 * count on the same account. */
static void forget(struct slot *s)
{
    atomic_store_explicit(&s->a.count, 0, memory_order_relaxed);
    atomic_store_explicit(&s->a.bytes, 0, memory_order_relaxed);
    if (is_held(s) && s->kind == LEDGER_QUOTA)
        return;
    atomic_store_explicit(&s->a.until_ms, 0, memory_order_relaxed);
}

void ledger_each(struct ledger *l, enum ledger_kind kind, int64_t now_ms,
                 bool (*see)(void *ctx, const struct ledger_seen *s), void *ctx)
{
    bool goes_on = true;
    for (size_t i = 0; i < LEDGER_SHARDS && goes_on; i++) {
        struct shard *sh = &l->shards[i];
        lock(sh);
        for (uint32_t k = 0; k < l->per_shard && goes_on; k++) {
            struct slot *s = &sh->slots[k];
            struct ledger_seen seen;
            if (hash_in(s) < FIRST || s->kind != kind || is_over(s, now_ms))
                continue;
            see_slot(s, &seen);
            goes_on = see(ctx, &seen);
        }
        unlock(sh);
    }
}

struct forgetting {
    bool (*is_meant)(void *ctx, const struct ledger_seen *s);
    void *ctx;
    unsigned n;
};

static bool forget_seen(void *ctx, const struct ledger_seen *s)
{
    struct forgetting *f = ctx;
    if (f->is_meant(f->ctx, s)) {
        forget(slot_of(s->account));
        f->n++;
    }
    return true;
}

unsigned ledger_forget(struct ledger *l, enum ledger_kind kind, int64_t now_ms,
                       bool (*is_meant)(void *ctx, const struct ledger_seen *s), void *ctx)
{
    struct forgetting f = {.is_meant = is_meant, .ctx = ctx};
    ledger_each(l, kind, now_ms, forget_seen, &f);
    return f.n;
}

void ledger_info(struct ledger *l, int64_t now_ms, struct ledger_info *out)
{
    *out = (struct ledger_info){.n_slots = (uint64_t)l->per_shard * LEDGER_SHARDS,
                                .n_damaged = l->n_damaged,
                                .is_kept = l->fd >= 0,
                                .was_replaced = l->was_replaced};
    for (size_t i = 0; i < LEDGER_SHARDS; i++) {
        struct shard *sh = &l->shards[i];
        lock(sh);
        out->n_evicted += sh->n_evicted;
        for (uint32_t k = 0; k < l->per_shard; k++)
            out->n_used += hash_in(&sh->slots[k]) >= FIRST && !is_over(&sh->slots[k], now_ms);
        unlock(sh);
    }
}
