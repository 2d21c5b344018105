/* show: JSON as tables for people. Control bytes of values are not passed on to the terminal. */
#ifndef ADMINUI_CTL_SHOW_H
#define ADMINUI_CTL_SHOW_H

#include <jansson.h>
#include <stdio.h>

struct show_column {
    const char *title;
    const char *member; /* "a" or "a/b" below each row */
};

/* rows: an array of objects. columns ends with a NULL title. Prints "(none)" for none. */
void show_table(const json_t *rows, const struct show_column *columns);
/* One "label: value" line a column. */
void show_object(const json_t *object, const struct show_column *columns);
/* One value as text, without a line end: strings bare, arrays joined by commas, null as "-". */
void show_value(FILE *to, const json_t *v);
/* Text with control bytes as \xNN. */
void show_text(FILE *to, const char *text);

#endif
