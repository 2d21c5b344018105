/* api_tokens: bearer tokens for programs. The secret is in the answer that makes it and nowhere
 * else; the store has its hash. */
#ifndef ADMINUI_API_TOKENS_H
#define ADMINUI_API_TOKENS_H

#include "adminui/call.h"

void api_tokens_list(struct call *c);
void api_tokens_create(struct call *c);
void api_tokens_delete(struct call *c);

#endif
