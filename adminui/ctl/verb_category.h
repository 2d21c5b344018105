/* verb_category: proxyctl category ... */
#ifndef ADMINUI_CTL_VERB_CATEGORY_H
#define ADMINUI_CTL_VERB_CATEGORY_H

struct ctl;

int verb_category_list(struct ctl *c);
int verb_category_import(struct ctl *c);
int verb_category_tree(struct ctl *c);
int verb_category_lookup(struct ctl *c);
int verb_category_delete(struct ctl *c);

#endif
