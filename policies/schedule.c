/* schedule: windows in local time. */
#include "policies/schedule.h"

enum err schedule_init(struct schedule *s, const struct model_schedule *model)
{
    *s = (struct schedule){.model = model};
    return zone_load(model->zone, &s->zone);
}

void schedule_fini(struct schedule *s)
{
    zone_free(s->zone);
    s->zone = NULL;
}

static bool window_has(const struct model_window *w, int day, int minute)
{
    int before = (day + 6) % 7;
    if (w->from_min < w->to_min)
        return (w->days >> day & 1) && minute >= w->from_min && minute < w->to_min;
    return ((w->days >> day & 1) && minute >= w->from_min) ||
           ((w->days >> before & 1) && minute < w->to_min);
}

bool schedule_has(const struct schedule *s, int64_t unix_ms)
{
    int64_t unix_s = unix_ms >= 0 ? unix_ms / 1000 : -((999 - unix_ms) / 1000);
    int64_t local = unix_s + zone_offset_s(s->zone, unix_s);
    int64_t days = local >= 0 ? local / 86400 : -((86399 - local) / 86400);
    int minute = (int)((local - days * 86400) / 60);
    int day = (int)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; 0 is Monday */
    for (size_t i = 0; i < s->model->n_windows; i++)
        if (window_has(&s->model->windows[i], day, minute))
            return true;
    return false;
}
