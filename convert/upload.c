/* upload: looking files up by the ends of their paths, and reading them by lines and words. */
#include "convert/upload.h"

struct str upload_base(struct str path)
{
    size_t slash = str_rfind(path, '/');
    return slash == STR_NPOS ? path : str_sub(path, slash + 1, path.n);
}

/* How many parts both have in common, from the end. */
static unsigned common_parts(struct str a, struct str b)
{
    unsigned n = 0;
    while (a.n && b.n && str_eq_nocase(upload_base(a), upload_base(b))) {
        struct str last_a = upload_base(a), last_b = upload_base(b);
        n += last_a.n > 0;
        a = str_sub(a, 0, a.n - last_a.n);
        b = str_sub(b, 0, b.n - last_b.n);
        while (a.n && a.p[a.n - 1] == '/')
            a.n--;
        while (b.n && b.p[b.n - 1] == '/')
            b.n--;
    }
    return n;
}

const struct upload_file *upload_find(const struct upload *u, struct str path)
{
    const struct upload_file *best = NULL;
    unsigned most = 0;
    for (size_t i = 0; i < u->n; i++) {
        unsigned n = common_parts(u->v[i].name, path);
        if (n > most) {
            most = n;
            best = &u->v[i];
        }
    }
    return best;
}

bool upload_line(struct upload_cursor *c, struct str *line)
{
    if (!str_split(&c->rest, '\n', line))
        return false;
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    c->line++;
    if (c->line == 1 && str_starts(*line, STR("\xef\xbb\xbf")))
        *line = str_sub(*line, 3, line->n);
    return true;
}

bool upload_word(struct str *rest, struct str *word)
{
    *rest = str_trim(*rest);
    if (!rest->n)
        return false;
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    *word = str_sub(*rest, 0, n);
    *rest = str_trim(str_sub(*rest, n, rest->n));
    return true;
}
