/* api_categories: categories, their imports (as jobs), the look-up of a host. */
#ifndef ADMINUI_API_CATEGORIES_H
#define ADMINUI_API_CATEGORIES_H

#include "adminui/call.h"

void api_categories_list(struct call *c);
void api_categories_get(struct call *c);
void api_categories_put(struct call *c);
void api_categories_delete(struct call *c);
void api_categories_deleted(struct call *c); /* after the commit: the index is built anew */
void api_categories_import(struct call *c);  /* one, named in the path */
void api_categories_tree(struct call *c);    /* many, named in the archive */
void api_categories_rebuild(struct call *c);

#endif
