/* journal: a ring of checksummed entries in a mapped file. Head and tail count bytes for ever;
 * their difference is what is in the ring, their remainder by the capacity the place in it. The
 * file's head is what the next process will find; how far the consumer of this one may read stands
 * in memory, so an offer is in the file and yet can be taken back. */
#include "proxyd/log/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/must.h"
#include "base/secret.h"

#define MAGIC   UINT64_C(0x31306c6e72756f6a)
#define DATA_AT ((size_t)4096)
#define PAD     UINT32_MAX /* length of a filler up to the end of the ring */
#define ALIGN   ((size_t)8)

/* The first page. Head and tail stand on cache lines of their own: one writer each. */
struct head_page {
    _Atomic uint64_t magic; /* written last: a half-made file has none */
    uint64_t capacity, epoch;
    char gap[512 - 3 * sizeof(uint64_t)];
    _Atomic uint64_t head; /* producer */
    char gap2[512 - sizeof(uint64_t)];
    _Atomic uint64_t tail; /* consumer */
};

struct entry {
    uint32_t length, check;
};

struct journal {
    int fd;
    struct head_page *page;
    char *data;
    size_t capacity, map_bytes;
    uint64_t epoch, lost;
    uint64_t before; /* the head that taking the offer back leads to */
    bool is_offering;
    char gap[64];
    _Atomic uint64_t shown; /* producer: the consumer reads up to here */
};

static size_t entry_bytes(size_t n)
{
    return sizeof(struct entry) + ((n + ALIGN - 1) & ~(ALIGN - 1));
}

/* Bound to file and place, so that bytes of an older round never pass for an entry. */
static uint32_t checksum(const struct journal *j, uint64_t at, struct str s)
{
    return (uint32_t)XXH3_64bits_withSeed(s.p, s.n, j->epoch ^ at);
}

/* --- opening --- */

static enum err map_file(struct journal *j, size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
    if (p == MAP_FAILED)
        return err_from_errno(errno);
    j->page = p;
    j->data = (char *)p + DATA_AT;
    j->map_bytes = bytes;
    j->capacity = bytes - DATA_AT;
    return OK;
}

static enum err make_ring(struct journal *j, size_t bytes)
{
    size_t capacity = bytes < JOURNAL_MIN_BYTES ? JOURNAL_MIN_BYTES : bytes;
    capacity = (capacity + DATA_AT - 1) / DATA_AT * DATA_AT;
    /* Blocks now: a hole written through a mapping on a full disk would kill the process. */
    int rc = posix_fallocate(j->fd, 0, (off_t)(DATA_AT + capacity));
    if (rc != 0) {
        if (ftruncate(j->fd, 0) != 0)
            return ERR_IO;
        return rc == EFBIG ? ERR_FULL : err_from_errno(rc);
    }
    enum err e = map_file(j, DATA_AT + capacity);
    if (e == OK)
        e = secret_random(&j->epoch, sizeof j->epoch);
    if (e != OK)
        return e;
    must(j->page != NULL);
    j->epoch >>= 1; /* fits a signed column */
    j->page->capacity = capacity;
    j->page->epoch = j->epoch;
    atomic_store_explicit(&j->page->magic, MAGIC, memory_order_release);
    return OK;
}

/* The first entry that does not check out ends the journal: what a power cut left behind it is
 * lost. */
static void check_entries(struct journal *j)
{
    uint64_t at = atomic_load(&j->page->tail);
    struct str unused;
    enum err e;
    uint64_t good = at;
    while ((e = journal_read(j, &at, &unused)) == OK)
        good = at;
    if (e == ERR_CORRUPT) {
        j->lost++;
        atomic_store(&j->page->head, good);
        atomic_store(&j->shown, good);
    }
}

static enum err find_ring(struct journal *j, size_t size)
{
    if (size < DATA_AT + JOURNAL_MIN_BYTES)
        return ERR_CORRUPT;
    enum err e = map_file(j, size);
    if (e != OK)
        return e;
    must(j->page != NULL);
    uint64_t head = atomic_load(&j->page->head), tail = atomic_load(&j->page->tail);
    if (atomic_load(&j->page->magic) != MAGIC || j->page->capacity != j->capacity ||
        j->capacity % ALIGN || head < tail || head - tail > j->capacity || head % ALIGN ||
        tail % ALIGN)
        return ERR_CORRUPT;
    j->epoch = j->page->epoch;
    atomic_store(&j->shown, head);
    check_entries(j);
    return OK;
}

static enum err open_fd(struct journal *j, const char *path, size_t bytes)
{
    struct stat st;
    j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (j->fd < 0)
        return err_from_errno(errno);
    if (flock(j->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? ERR_BUSY : err_from_errno(errno);
    if (fstat(j->fd, &st) != 0)
        return err_from_errno(errno);
    if (!S_ISREG(st.st_mode))
        return ERR_CORRUPT;
    return st.st_size == 0 ? make_ring(j, bytes) : find_ring(j, (size_t)st.st_size);
}

enum err journal_open(const char *path, size_t bytes, struct journal **out)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return ERR_NOMEM;
    enum err e = open_fd(j, path, bytes);
    if (e != OK) {
        journal_close(j);
        return e;
    }
    *out = j;
    return OK;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->page)
        munmap(j->page, j->map_bytes);
    if (j->fd >= 0)
        close(j->fd);
    free(j);
}

/* --- producer --- */

static void put_entry(struct journal *j, uint64_t at, struct str s)
{
    struct entry e = {(uint32_t)s.n, checksum(j, at, s)};
    char *p = j->data + at % j->capacity;
    memcpy(p, &e, sizeof e);
    memcpy(p + sizeof e, s.p, s.n);
}

enum err journal_offer(struct journal *j, struct str s)
{
    must(!j->is_offering);
    if (s.n > JOURNAL_ENTRY_MAX || entry_bytes(s.n) > j->capacity / 4)
        return ERR_LIMIT;
    uint64_t head = atomic_load_explicit(&j->page->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&j->page->tail, memory_order_acquire);
    size_t free_bytes = j->capacity - (size_t)(head - tail);
    size_t to_end = j->capacity - (size_t)(head % j->capacity);
    size_t need = entry_bytes(s.n);
    size_t skip = need > to_end ? to_end : 0; /* entries never wrap: views stay whole */
    if (skip + need > free_bytes)
        return ERR_FULL;
    if (skip) {
        struct entry pad = {PAD, checksum(j, head, str_make("", 0))};
        memcpy(j->data + head % j->capacity, &pad, sizeof pad);
        head += skip;
    }
    put_entry(j, head, s);
    j->before = atomic_load_explicit(&j->shown, memory_order_relaxed);
    j->is_offering = true;
    atomic_store_explicit(&j->page->head, head + need, memory_order_release);
    return OK;
}

void journal_keep(struct journal *j)
{
    must(j->is_offering);
    j->is_offering = false;
    atomic_store_explicit(&j->shown, atomic_load_explicit(&j->page->head, memory_order_relaxed),
                          memory_order_release);
}

void journal_take_back(struct journal *j)
{
    must(j->is_offering);
    j->is_offering = false;
    atomic_store_explicit(&j->page->head, j->before, memory_order_release);
}

enum err journal_append(struct journal *j, struct str s)
{
    enum err e = journal_offer(j, s);
    if (e == OK)
        journal_keep(j);
    return e;
}

/* --- consumer --- */

static enum err damaged(uint64_t *at, uint64_t head)
{
    *at = head;
    return ERR_CORRUPT;
}

enum err journal_read(struct journal *j, uint64_t *at, struct str *out)
{
    uint64_t head = atomic_load_explicit(&j->shown, memory_order_acquire);
    uint64_t here = *at;
    struct entry e;
    if (here >= head)
        return ERR_AGAIN;
    memcpy(&e, j->data + here % j->capacity, sizeof e);
    if (e.length == PAD) {
        if (e.check != checksum(j, here, str_make("", 0)))
            return damaged(at, head);
        here += j->capacity - here % j->capacity;
        if (here >= head)
            return damaged(at, head);
        memcpy(&e, j->data + here % j->capacity, sizeof e);
    }
    size_t to_end = j->capacity - (size_t)(here % j->capacity);
    if (e.length > JOURNAL_ENTRY_MAX || entry_bytes(e.length) > to_end ||
        here + entry_bytes(e.length) > head)
        return damaged(at, head);
    struct str s = str_make(j->data + here % j->capacity + sizeof e, e.length);
    if (e.check != checksum(j, here, s))
        return damaged(at, head);
    *out = s;
    *at = here + entry_bytes(e.length);
    return OK;
}

void journal_release(struct journal *j, uint64_t upto)
{
    must(upto <= atomic_load_explicit(&j->shown, memory_order_acquire));
    atomic_store_explicit(&j->page->tail, upto, memory_order_release);
}

void journal_info(const struct journal *j, struct journal_info *out)
{
    /* Tail first: the head can only have moved on since, so head - tail is never negative. */
    uint64_t tail = atomic_load_explicit(&j->page->tail, memory_order_acquire);
    uint64_t head = atomic_load_explicit(&j->shown, memory_order_acquire);
    *out = (struct journal_info){.epoch = j->epoch,
                                 .head = head,
                                 .tail = tail,
                                 .lost = j->lost,
                                 .capacity_bytes = j->capacity};
}

unsigned journal_fill_percent(const struct journal *j)
{
    struct journal_info i;
    journal_info(j, &i);
    uint64_t used = i.head - i.tail;
    return used >= i.capacity_bytes ? 100 : (unsigned)(used * 100 / i.capacity_bytes);
}
