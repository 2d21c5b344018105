/* admit: judges a request by its head alone: guard, address, route, caller, size and type of the
 * body that is announced. exchange calls it on libmicrohttpd's first call, before a byte of the
 * body is taken. */
#ifndef ADMINUI_ADMIT_H
#define ADMINUI_ADMIT_H

#include "adminui/call.h"
#include "adminui/exchange.h"

struct admit_input {
    const struct door *door;
    struct MHD_Connection *connection;
    const char *uri, *version; /* raw */
};

struct admit_result {
    bool is_static; /* a file of the dashboard, no route */
    bool is_framed; /* guard is content: where the body ends is beyond doubt */
    uint64_t body_bytes;
};

/* Fills c from the head. False: the problem is answered. */
bool admit_request(struct call *c, const struct admit_input *a, struct admit_result *r);

#endif
