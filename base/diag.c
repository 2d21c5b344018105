/* diag: formatting and writing of operator messages. The level is the one process-wide setting of
 * the project: it is written once before threads start and only read afterwards. */
#include "base/diag.h"

#include <stdarg.h>
#include <unistd.h>

#include "base/buf.h"

static enum diag_level lowest_level = DIAG_INFO;

void diag_set_level(enum diag_level lowest)
{
    lowest_level = lowest;
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=' || s.p[i] == 0x7f)
            return false;
    return s.n > 0;
}

static void add_value(struct buf *b, struct str s, bool is_quoted)
{
    if (is_quoted)
        buf_add_c(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c == 0x7f)
            buf_addf(b, "\\x%02x", c);
        else if (is_quoted && (c == '"' || c == '\\'))
            buf_addf(b, "\\%c", c);
        else
            buf_add_c(b, (char)c);
    }
    if (is_quoted)
        buf_add_c(b, '"');
}

void diag(enum diag_level level, const char *room, const char *message, ...)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (level < lowest_level)
        return;
    struct buf b;
    buf_init(&b, 8192);
    buf_addf(&b, "%s: %s: ", names[level], room);
    add_value(&b, str_of(message), false);
    va_list ap;
    va_start(ap, message);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *z = va_arg(ap, const char *);
        struct str value = str_of(z ? z : "");
        buf_addf(&b, " %s=", key);
        add_value(&b, value, !is_plain(value));
    }
    va_end(ap);
    buf_add_c(&b, '\n');
    ssize_t done = write(STDERR_FILENO, b.p, b.n);
    (void)done; /* nowhere left to complain */
    buf_fini(&b);
}
