/* verb_convert: policy convert, for people who come from Squid, squidGuard or e2guardian. */
#ifndef ADMINUI_CTL_VERB_CONVERT_H
#define ADMINUI_CTL_VERB_CONVERT_H

struct ctl;

int verb_convert(struct ctl *c);

#endif
