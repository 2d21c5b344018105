/* show: two passes, widths first. */
#include "adminui/ctl/show.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 12

void show_text(FILE *to, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            fprintf(to, "\\x%02x", *p);
        else
            fputc(*p, to);
    }
}

void show_value(FILE *to, const json_t *v)
{
    size_t i;
    const json_t *each;
    if (json_is_string(v)) {
        show_text(to, json_string_length(v) ? json_string_value(v) : "-");
    } else if (json_is_integer(v)) {
        fprintf(to, "%lld", (long long)json_integer_value(v));
    } else if (json_is_real(v)) {
        fprintf(to, "%.2f", json_real_value(v));
    } else if (json_is_boolean(v)) {
        fputs(json_is_true(v) ? "yes" : "no", to);
    } else if (json_is_array(v) && json_array_size(v)) {
        json_array_foreach(v, i, each)
        {
            if (i)
                fputc(',', to);
            show_value(to, each);
        }
    } else if (json_is_object(v)) {
        char *text = json_dumps(v, JSON_COMPACT);
        show_text(to, text ? text : "");
        free(text);
    } else {
        fputc('-', to);
    }
}

static const json_t *member(const json_t *row, const char *path)
{
    char name[64];
    const char *slash;
    while ((slash = strchr(path, '/')) != NULL && (size_t)(slash - path) < sizeof name) {
        memcpy(name, path, (size_t)(slash - path));
        name[slash - path] = 0;
        row = json_object_get(row, name);
        path = slash + 1;
    }
    return json_object_get(row, path);
}

/* The cell as heap text. */
static char *cell(const json_t *row, const char *path)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    show_value(f, member(row, path));
    fclose(f);
    return text;
}

/* Characters, not bytes, of UTF-8. */
static int width(const char *text)
{
    int n = 0;
    for (; text && *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void put(const char *text, int want, int last)
{
    fputs(text ? text : "", stdout);
    for (int n = width(text); !last && n < want + 2; n++)
        fputc(' ', stdout);
}

void show_table(const json_t *rows, const struct show_column *columns)
{
    int widths[COLUMNS_MAX] = {0};
    size_t i, n = 0;
    const json_t *row;
    if (!json_array_size(rows)) {
        puts("(none)");
        return;
    }
    for (; columns[n].title && n < COLUMNS_MAX; n++)
        widths[n] = width(columns[n].title);
    json_array_foreach(rows, i, row)
    {
        for (size_t k = 0; k < n; k++) {
            char *text = cell(row, columns[k].member);
            if (width(text) > widths[k])
                widths[k] = width(text);
            free(text);
        }
    }
    for (size_t k = 0; k < n; k++)
        put(columns[k].title, widths[k], k + 1 == n);
    fputc('\n', stdout);
    json_array_foreach(rows, i, row)
    {
        for (size_t k = 0; k < n; k++) {
            char *text = cell(row, columns[k].member);
            put(text, widths[k], k + 1 == n);
            free(text);
        }
        fputc('\n', stdout);
    }
}

void show_object(const json_t *object, const struct show_column *columns)
{
    int most = 0;
    for (const struct show_column *c = columns; c->title; c++)
        if (width(c->title) > most)
            most = width(c->title);
    for (const struct show_column *c = columns; c->title; c++) {
        put(c->title, most, 0);
        show_value(stdout, member(object, c->member));
        fputc('\n', stdout);
    }
}
