/* row: what a row module says to SQLite, in one sentence: a statement with its values, and what
 * becomes of its rows. Statements stay prepared (store_stmt), so their text must be a literal. A
 * reader turns one row into one item; what goes wrong in it is remembered in the row and comes back
 * from the call, and an item of row_one is then left as it was. The rooms of db/ alone call this.
 * Borrows: values for the call. Threads: as the store handle. */
#ifndef DB_ROW_H
#define DB_ROW_H

#include "db/store.h"

/* --- a statement and its values --- */

struct row_value {
    enum { ROW_END, ROW_IS_INT, ROW_IS_TEXT, ROW_IS_BLOB } kind;
    int64_t number;
    struct str bytes;
};

struct row_sql {
    const char *text;
    const struct row_value *values; /* ?1, ?2 ... up to ROW_END; NULL: none */
};

#define ROW_INT(x)  ((struct row_value){.kind = ROW_IS_INT, .number = (int64_t)(x)})
#define ROW_TEXT(s) ((struct row_value){.kind = ROW_IS_TEXT, .bytes = (s)})
#define ROW_BLOB(s) ((struct row_value){.kind = ROW_IS_BLOB, .bytes = (s)})
#define ROW_SQL(sql, ...)                                                                          \
    (&(const struct row_sql){sql, (const struct row_value[]){__VA_ARGS__, {.kind = ROW_END}}})
#define ROW_PLAIN(sql) (&(const struct row_sql){sql, NULL})

/* Runs it. ERR_EXISTS: a unique constraint. */
enum err row_run(struct store *s, const struct row_sql *q) MUST_CHECK;
/* As row_run; ERR_NOT_FOUND: no row was changed. */
enum err row_change(struct store *s, const struct row_sql *q) MUST_CHECK;
/* As row_run; *id is the number of the new row. */
enum err row_add(struct store *s, const struct row_sql *q, uint64_t *id) MUST_CHECK;
/* The first column of the first row; ERR_NOT_FOUND. */
enum err row_number(struct store *s, const struct row_sql *q, uint64_t *out) MUST_CHECK;

/* --- rows that are read --- */

struct row {
    struct store *s;
    struct sqlite3_stmt *st;
    struct arena *arena; /* where row_text copies to */
    enum err e;
};

struct row_into {
    void (*read)(struct row *r, void *item);
    struct arena *arena;
    void *to;
    size_t size; /* of an item */
};

#define ROW_INTO(read, arena, to) (&(const struct row_into){read, arena, to, sizeof *(to)})
#define ROW_ALL(read, arena, items)                                                                \
    (&(const struct row_into){read, arena, (void *)(items), sizeof **(items)})

#define ROW_ITEM_BYTES 512 /* of row_one, at most */

/* The first row into the item at `to`. ERR_NOT_FOUND. */
enum err row_one(struct store *s, const struct row_sql *q, const struct row_into *into) MUST_CHECK;
/* Rows into the array at `to`, at most *n; *n becomes how many. */
enum err row_list(struct store *s, const struct row_sql *q, const struct row_into *into,
                  size_t *n) MUST_CHECK;
/* All rows into a new array of the arena (ROW_ALL); never NULL on OK. */
enum err row_all(struct store *s, const struct row_sql *q, const struct row_into *into,
                 size_t *n) MUST_CHECK;
/* Each row with `to` itself. The reader may run other statements. No row: OK. */
enum err row_each(struct store *s, const struct row_sql *q, const struct row_into *into) MUST_CHECK;

struct str row_text(struct row *r, int at); /* a copy in the arena */
struct str row_view(struct row *r, int at); /* until the reader returns */
uint64_t row_u64(struct row *r, int at);
int64_t row_i64(struct row *r, int at);
bool row_bool(struct row *r, int at);
/* Above highest: the row is damaged (ERR_CORRUPT), 0. */
unsigned row_enum(struct row *r, int at, unsigned highest);
/* Ends the call with e, unless it is OK. Not ERR_NOT_FOUND: that is the end of the rows. */
void row_fail(struct row *r, enum err e);

#endif
