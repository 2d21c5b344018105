/* slow: a clock that runs while the client is waited for. */
#include "proxyd/flow/slow.h"

#include "proxyd/flow/admit.h"
#include "proxyd/flow/context.h"

static const struct traffic *traffic_of(const struct request *r)
{
    return &r->hold->set->settings.traffic;
}

void slow_note(struct request *r, bool is_clients_turn)
{
    struct slow *s = &r->k->slow;
    int64_t now_ms = r->w->loop.now_ms;
    if (is_clients_turn == (s->since_ms != 0))
        return;
    if (!is_clients_turn) {
        s->waited_ms += now_ms - s->since_ms;
        s->since_ms = 0;
    } else if (traffic_of(r)->min_bytes_s) {
        s->since_ms = now_ms;
        request_look_again(r, slow_look_at(r));
    }
}

int64_t slow_look_at(const struct request *r)
{
    bool is_moving = r->state == REQUEST_FETCH || r->state == REQUEST_RELAY;
    if (!is_moving || !r->k->slow.since_ms)
        return INT64_MAX;
    const struct slow *s = &r->k->slow;
    return s->since_ms + traffic_of(r)->min_window_ms - s->waited_ms;
}

bool slow_window(struct slow *s, uint64_t moved, uint64_t bytes_s, int64_t now_ms)
{
    int64_t ms = s->waited_ms + (now_ms - s->since_ms);
    bool is_good = !s->is_marked || (moved - s->mark) * 1000 >= bytes_s * (uint64_t)ms;
    *s = (struct slow){.since_ms = now_ms, .mark = moved, .is_marked = true};
    return is_good;
}

/* Bytes that have come from the client, or reached it. */
static uint64_t moved(const struct request *r)
{
    const struct stream *s = &r->conn->fd.s;
    if (r->state == REQUEST_FETCH)
        return r->up.n_out + (r->up.b ? iobuf_n(r->up.b) : 0) + (r->up.pipe ? r->up.pipe->n : 0);
    size_t waiting = s->ops->unsent(s);
    return r->down.n_out > waiting ? r->down.n_out - waiting : 0;
}

bool slow_judge(struct request *r)
{
    const struct traffic *t = traffic_of(r);
    struct slow *s = &r->k->slow;
    if (t->min_bytes_s && admit_bounds(r->conn, t))
        return slow_window(s, moved(r), t->min_bytes_s, r->w->loop.now_ms);
    *s = (struct slow){0};
    return true;
}
