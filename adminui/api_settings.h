/* api_settings: the named settings documents (proxy, directory, pac): defaults where none is
 * stored, secrets read as null and kept when null is put, every fault of a document at once. */
#ifndef ADMINUI_API_SETTINGS_H
#define ADMINUI_API_SETTINGS_H

#include "adminui/call.h"

void api_settings_all(struct call *c);
void api_settings_put_all(struct call *c);
void api_settings_get(struct call *c); /* named in the path */
void api_settings_put(struct call *c);
void api_settings_directory(struct call *c);
void api_settings_put_directory(struct call *c);
void api_settings_pac(struct call *c);
void api_settings_put_pac(struct call *c);
void api_settings_changed(struct call *c); /* after the commit: proxyd takes them up */
void api_settings_directory_test(struct call *c);
void api_settings_forget(struct call *c);
void api_settings_forgotten(struct call *c); /* after: one person, or all, is asked for anew */

/* The document as stored (with its secrets), or its default, in the arena; *version 0: default. */
bool api_settings_load(struct call *c, struct str name, struct str *document, uint64_t *version);

/* Checks a document by its name as a PUT does. ERR_NOT_FOUND: there is no such document, the report
 * is empty. The report is to be finished by the caller in every case. */
enum err api_settings_judge(struct str name, struct str document, struct report *r) MUST_CHECK;

#endif
