/* floor: the io_uring engine. One system call a turn submits all there is to do and waits: a
 * multishot accept, connects with the answer linked behind them, receives that take a buffer of a
 * shared ring only when bytes are there, closes whose success nobody hears of. */
#include "floor.h"

#include <liburing.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFS = 512, BUF_BYTES = 65536, GROUP = 1, RING = 4096, PAIRS = 8192 };
enum op { OP_ACCEPT, OP_DIAL, OP_YES, OP_RECV, OP_SEND, OP_UNHEARD };
enum side { CLIENT, ORIGIN };

struct pair {
    int fd[2];  /* ORIGIN: -1 until it is dialled */
    int buf[2]; /* what came from that side and is on its way to the other; -1: nothing */
    int n_bytes[2];
    int n_open; /* completions still to come */
    bool is_receiving[2];
    bool is_over;
    struct pair *next_free;
};

static struct pair pairs[PAIRS], *free_pairs;
static struct io_uring ring;
static struct io_uring_buf_ring *bufs;
static char *memory;

static struct io_uring_sqe *next_sqe(void)
{
    struct io_uring_sqe *s = io_uring_get_sqe(&ring);
    if (!s) {
        io_uring_submit(&ring);
        s = io_uring_get_sqe(&ring);
    }
    return s;
}

/* Behind io_uring_prep_*, which clears it. */
static void tag(struct io_uring_sqe *s, enum op op, enum side side, struct pair *p)
{
    io_uring_sqe_set_data64(s, (uint64_t)op << 40 | (uint64_t)side << 32 |
                                   (uint64_t)(p ? p - pairs : 0));
    if (op == OP_UNHEARD)
        s->flags |= IOSQE_CQE_SKIP_SUCCESS;
    else if (p)
        p->n_open++;
}

static void give(int buf)
{
    io_uring_buf_ring_add(bufs, memory + (size_t)buf * BUF_BYTES, BUF_BYTES, (unsigned short)buf,
                          io_uring_buf_ring_mask(BUFS), 0);
    io_uring_buf_ring_advance(bufs, 1);
}

static void receive(struct pair *p, enum side side)
{
    struct io_uring_sqe *s = next_sqe();
    io_uring_prep_recv(s, p->fd[side], NULL, BUF_BYTES, 0);
    s->flags |= IOSQE_BUFFER_SELECT;
    s->buf_group = GROUP;
    tag(s, OP_RECV, side, p);
    p->is_receiving[side] = true;
}

/* What came from `side` goes to the other. */
static void pass_on(struct pair *p, enum side side)
{
    struct io_uring_sqe *s = next_sqe();
    io_uring_prep_send(s, p->fd[!side], memory + (size_t)p->buf[side] * BUF_BYTES,
                       (size_t)p->n_bytes[side], MSG_NOSIGNAL | MSG_WAITALL);
    tag(s, OP_SEND, side, p);
}

static void drop(struct pair *p, enum side side)
{
    if (p->fd[side] < 0)
        return;
    struct io_uring_sqe *s;
    if (p->is_receiving[side]) { /* it would hold the socket open */
        s = next_sqe();
        io_uring_prep_shutdown(s, p->fd[side], SHUT_RDWR);
        tag(s, OP_UNHEARD, side, p);
        s->flags |= IOSQE_IO_HARDLINK;
    }
    s = next_sqe();
    io_uring_prep_close(s, p->fd[side]);
    tag(s, OP_UNHEARD, side, p);
    p->fd[side] = -1;
}

static void over(struct pair *p)
{
    if (!p->is_over) {
        p->is_over = true;
        drop(p, CLIENT);
        drop(p, ORIGIN);
    }
    if (p->n_open > 0)
        return;
    for (int side = CLIENT; side <= ORIGIN; side++)
        if (p->buf[side] >= 0)
            give(p->buf[side]);
    p->next_free = free_pairs;
    free_pairs = p;
}

static void accepted(int fd)
{
    struct pair *p = free_pairs;
    if (!p) {
        close(fd);
        return;
    }
    free_pairs = p->next_free;
    *p = (struct pair){.fd = {fd, -1}, .buf = {-1, -1}};
    receive(p, CLIENT);
}

static void dial(struct pair *p, bool is_tunnel)
{
    int one = 1;
    p->fd[ORIGIN] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(p->fd[ORIGIN], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct io_uring_sqe *s = next_sqe();
    io_uring_prep_connect(s, p->fd[ORIGIN], (struct sockaddr *)&floor_origin, sizeof floor_origin);
    tag(s, OP_DIAL, ORIGIN, p);
    s->flags |= IOSQE_IO_LINK;
    if (!is_tunnel) {
        pass_on(p, CLIENT);
        return;
    }
    s = next_sqe();
    io_uring_prep_send(s, p->fd[CLIENT], floor_yes, FLOOR_YES_N, MSG_NOSIGNAL);
    tag(s, OP_YES, CLIENT, p);
}

static void came(struct pair *p, enum side side, const struct io_uring_cqe *c)
{
    p->is_receiving[side] = false;
    int buf = c->flags & IORING_CQE_F_BUFFER ? (int)(c->flags >> IORING_CQE_BUFFER_SHIFT) : -1;
    p->buf[side] = buf;
    p->n_bytes[side] = c->res;
    if (c->res <= 0 || p->is_over) {
        over(p);
        return;
    }
    if (p->fd[ORIGIN] >= 0) {
        pass_on(p, side);
        return;
    }
    bool is_tunnel = floor_connect_head(memory + (size_t)buf * BUF_BYTES, (size_t)c->res) > 0;
    if (is_tunnel) {
        give(buf);
        p->buf[side] = -1;
    }
    dial(p, is_tunnel);
}

static void completed(const struct io_uring_cqe *c)
{
    enum op op = (enum op)(c->user_data >> 40);
    enum side side = (enum side)(c->user_data >> 32 & 1);
    struct pair *p = &pairs[c->user_data & 0xffffffff];
    if (op == OP_ACCEPT) {
        if (c->res >= 0)
            accepted(c->res);
        return;
    }
    if (op == OP_UNHEARD)
        return;
    p->n_open--;
    if (op == OP_RECV) {
        came(p, side, c);
        return;
    }
    if (op == OP_SEND && p->buf[side] >= 0) {
        give(p->buf[side]);
        p->buf[side] = -1;
    }
    if (c->res < 0 || p->is_over)
        over(p);
    else if (op == OP_DIAL)
        receive(p, ORIGIN);
    else
        receive(p, op == OP_YES ? CLIENT : side);
}

static bool set_up(int listener)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
                                     .cq_entries = RING * 4};
    if (io_uring_queue_init_params(RING, &ring, &params) != 0)
        return false;
    memory = aligned_alloc(4096, (size_t)BUFS * BUF_BYTES);
    bufs = aligned_alloc(4096, BUFS * sizeof(struct io_uring_buf));
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)bufs, .ring_entries = BUFS, .bgid = GROUP};
    if (!memory || !bufs || io_uring_register_buf_ring(&ring, &reg, 0) != 0)
        return false;
    io_uring_buf_ring_init(bufs);
    for (int i = 0; i < BUFS; i++)
        give(i);
    for (int i = 0; i < PAIRS; i++) {
        pairs[i].next_free = free_pairs;
        free_pairs = &pairs[i];
    }
    struct io_uring_sqe *s = next_sqe();
    io_uring_prep_multishot_accept(s, listener, NULL, NULL, SOCK_CLOEXEC);
    tag(s, OP_ACCEPT, CLIENT, NULL);
    return true;
}

void floor_uring(int listener)
{
    if (!set_up(listener)) {
        fprintf(stderr, "floor: this kernel has no io_uring for us\n");
        return;
    }
    for (;;) {
        struct io_uring_cqe *c;
        unsigned head, n = 0;
        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, c)
        {
            completed(c);
            n++;
        }
        io_uring_cq_advance(&ring, n);
    }
}
