/* list: intrusive doubly linked list; a node is a member of the struct that is linked.
 * Owner: the list owns nothing. Threads: one at a time. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev, *next;
};

/* The struct around a node. */
#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_insert_between(struct list *n, struct list *a, struct list *b)
{
    n->prev = a;
    n->next = b;
    a->next = n;
    b->prev = n;
}

static inline void list_push_front(struct list *l, struct list *n)
{
    list_insert_between(n, l, l->next);
}

static inline void list_push_back(struct list *l, struct list *n)
{
    list_insert_between(n, l->prev, l);
}

/* Unlinks; the node is then an empty list, so removing twice is harmless. */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}

#endif
