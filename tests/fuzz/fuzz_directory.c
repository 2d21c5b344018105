/* fuzz_directory: any bytes as the directory's settings document. What is accepted must keep its
 * promises: every text there, servers when it is on, no clear passwords that nobody unlocked. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "db/settings_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void use(const struct settings_directory *s)
{
    const struct str *texts[] = {
        &s->ca_file,      &s->bind_dn,          &s->bind_password,       &s->base,
        &s->user_filter,  &s->direct_dn,        &s->login_attribute,     &s->group_base,
        &s->group_filter, &s->member_attribute, &s->group_name_attribute};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        must(texts[i]->p && strlen(texts[i]->p) == texts[i]->n);
    must(s->n_servers <= SETTINGS_DIRECTORY_SERVERS && (!s->is_enabled || s->n_servers > 0));
    must(s->login_attribute.n > 0 && (s->bind_dn.n == 0) == (s->bind_password.n == 0));
    for (size_t i = 0; i < s->n_servers; i++) {
        must(s->servers[i].p && strlen(s->servers[i].p) == s->servers[i].n);
        must(str_starts(s->servers[i], STR("ldaps://")) || s->has_starttls || s->may_be_cleartext);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct settings_directory s;
    struct report r;
    enum err e = settings_directory_parse(str_make(data, n), &r, &s);
    must((e == ERR_INVALID) == report_has_faults(&r));
    if (e == OK) {
        use(&s);
        settings_directory_fini(&s);
    }
    report_fini(&r);
    return 0;
}
