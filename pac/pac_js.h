/* pac_js: any bytes as JavaScript that cannot leave its place. Pure. Threads: safe anywhere. */
#ifndef PAC_PAC_JS_H
#define PAC_PAC_JS_H

#include "base/buf.h"

/* A double-quoted ES3 string literal, ASCII only: quotes, backslash, "<", controls and everything
 * outside ASCII become \uXXXX (UTF-8 as UTF-16 pairs; bytes that are no UTF-8 as their own value),
 * so neither the string, a comment nor an HTML page around it can be ended from inside. */
void pac_js_string(struct buf *out, struct str s);

/* For use inside a comment: letters, digits, space and "._-" stay, all else becomes "_". */
void pac_js_comment(struct buf *out, struct str s);

#endif
