/* shim: stands between proxyd and libc (LD_PRELOAD) and counts, in the threads that turn an epoll
 * loop, what the forwarding path must not do: calls of the heap and of locks. On demand it makes
 * every n-th allocation of those threads (or of all) fail, or kills the process right behind the
 * n-th send. The page of numbers is a file named by PROXYD_SHIM, mapped by the test too: see
 * lib/shim.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHORT 100u

struct page {
    _Atomic int64_t allocs, frees, locks, sends; /* counted, of loop threads */
    _Atomic int64_t fail_every, fail_all;        /* 0: none fails; fail_all: in every thread */
    _Atomic int64_t failed;
    _Atomic int64_t kill_behind; /* sends until the end; 0: never */
    _Atomic int64_t trace;       /* so many callers are printed */
    _Atomic int64_t short_at;    /* sends until one of which only SHORT bytes go; 0: never */
    _Atomic int64_t writes;      /* counted, of workers: calls that write or sync files */
    _Atomic int64_t hang;        /* 1: the next worker that turns stops for ever, and makes it 2 */
};

static struct page none, *page = &none;
static __thread int is_loop, is_worker, is_inside;
static __thread uint64_t turn;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);
extern int __pthread_mutex_lock(pthread_mutex_t *);

__attribute__((constructor)) static void open_page(void)
{
    const char *path = getenv("PROXYD_SHIM");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *p =
        fd >= 0 ? mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (p != MAP_FAILED)
        page = p;
    if (fd >= 0)
        close(fd);
}

static void trace(void)
{
    void *at[12];
    if (is_inside || atomic_load(&page->trace) <= 0 || atomic_fetch_sub(&page->trace, 1) <= 0)
        return;
    is_inside = 1;
    backtrace_symbols_fd(at, backtrace(at, 12), 2);
    (void)!write(2, "--\n", 3);
    is_inside = 0;
}

static void count(_Atomic int64_t *n)
{
    if (!is_loop)
        return;
    atomic_fetch_add(n, 1);
    trace();
}

static int fails(void)
{
    int64_t every = atomic_load(&page->fail_every);
    if (!every || is_inside || !(is_loop || atomic_load(&page->fail_all)))
        return 0;
    turn = turn * 6364136223846793005u + 1442695040888963407u;
    if ((turn >> 33) % (uint64_t)every)
        return 0;
    atomic_fetch_add(&page->failed, 1);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    count(&page->allocs);
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t each)
{
    count(&page->allocs);
    return fails() ? NULL : __libc_calloc(n, each);
}

void *realloc(void *p, size_t n)
{
    count(&page->allocs);
    return fails() ? NULL : __libc_realloc(p, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    count(&page->allocs);
    return fails() ? NULL : __libc_memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    count(&page->allocs);
    void *p = fails() ? NULL : __libc_memalign(align, n);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

void free(void *p)
{
    if (p)
        count(&page->frees);
    __libc_free(p);
}

int pthread_mutex_lock(pthread_mutex_t *m)
{
    count(&page->locks);
    return __pthread_mutex_lock(m);
}

int epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
    int64_t one = 1;
    is_loop = 1;
    while (is_worker && atomic_load(&page->hang) &&
           atomic_compare_exchange_strong(&page->hang, &one, 2))
        for (;;)
            pause();
    return (int)syscall(SYS_epoll_pwait, fd, events, n, ms, NULL, (size_t)8);
}

int accept4(int fd, struct sockaddr *at, socklen_t *n, int flags)
{
    is_worker = 1; /* and not a loop of a helper */
    return (int)syscall(SYS_accept4, fd, at, n, flags);
}

/* Before a send: how much of it may go. */
static size_t may_send(size_t n)
{
    if (is_loop && atomic_load(&page->short_at) > 0 && atomic_fetch_sub(&page->short_at, 1) == 1)
        return n < SHORT ? n : SHORT;
    return n;
}

ssize_t write(int fd, const void *p, size_t n)
{
    if (is_worker)
        atomic_fetch_add(&page->writes, 1);
    return syscall(SYS_write, fd, p, n);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    if (is_worker)
        atomic_fetch_add(&page->writes, 1);
    return syscall(SYS_pwrite64, fd, p, n, at);
}

int fsync(int fd)
{
    if (is_worker)
        atomic_fetch_add(&page->writes, 1);
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    if (is_worker)
        atomic_fetch_add(&page->writes, 1);
    return (int)syscall(SYS_fdatasync, fd);
}

static void sent(void)
{
    if (!is_loop)
        return;
    atomic_fetch_add(&page->sends, 1);
    if (atomic_load(&page->kill_behind) > 0 && atomic_fetch_sub(&page->kill_behind, 1) == 1)
        kill(getpid(), SIGKILL);
}

/* From a pipe to a socket, as large bodies go. */
ssize_t splice(int from, off_t *at, int to, off_t *to_at, size_t n, unsigned flags)
{
    struct stat st;
    ssize_t put = syscall(SYS_splice, from, at, to, to_at, n, flags);
    if (fstat(to, &st) == 0 && S_ISSOCK(st.st_mode))
        sent();
    return put;
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    ssize_t put = syscall(SYS_sendto, fd, p, may_send(n), flags, NULL, 0);
    sent();
    return put;
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct iovec part = m->msg_iovlen ? m->msg_iov[0] : (struct iovec){0};
    struct msghdr shorter = {.msg_iov = &part, .msg_iovlen = 1};
    size_t n = may_send(SIZE_MAX);
    if (n < part.iov_len)
        part.iov_len = n;
    ssize_t put = syscall(SYS_sendmsg, fd, n == SIZE_MAX ? m : &shorter, flags);
    sent();
    return put;
}
