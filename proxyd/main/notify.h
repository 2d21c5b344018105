/* notify: telling the service manager how we are, by the sd_notify protocol (one datagram to the
 * socket named in NOTIFY_SOCKET). Silent when not run under one. See: sd_notify(3). */
#ifndef PROXYD_MAIN_NOTIFY_H
#define PROXYD_MAIN_NOTIFY_H

void notify_send(const char *state); /* "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=..." */

#endif
