/* list_formats on the beginnings of real lists in their original formats (../shared/data/formats):
 * what each is taken for, and how many entries of each kind come out of it. The numbers were
 * counted by other means (grep and awk over the files); what differs from the number of lines is
 * named. Skipped with a word where the files are not there. */
#include "db/list_import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mapfile.h"

#define FOLDER "../shared/data/formats"

struct real {
    const char *file;
    enum list_format format;
    uint64_t domains, urls, expressions, ips, exceptions, doubles, refused;
};

static const struct real files[] = {
    {"hosts-0.0.0.0.txt", LIST_FORMAT_HOSTS, 2987, 0, 0, 0, 0, 0, 0},
    /* one name is an address */
    {"hosts-127.txt", LIST_FORMAT_HOSTS, 1999, 0, 0, 1, 0, 0, 0},
    {"domains-with-comments.txt", LIST_FORMAT_PLAIN, 1987, 0, 0, 0, 0, 0, 0},
    {"dnsmasq-address.txt", LIST_FORMAT_DNSMASQ, 1987, 0, 0, 0, 0, 0, 0},
    {"dnsmasq-server.conf", LIST_FORMAT_DNSMASQ, 2000, 0, 0, 0, 0, 0, 0},
    {"urlhaus-filter-dnsmasq-online.conf", LIST_FORMAT_DNSMASQ, 619, 0, 0, 0, 0, 0, 0},
    {"urlhaus-filter-rpz-online.conf", LIST_FORMAT_RPZ, 619, 0, 0, 0, 0, 0, 0},
    {"urlhaus-filter-unbound-online.conf", LIST_FORMAT_UNBOUND, 619, 0, 0, 0, 0, 0, 0},
    {"urlhaus-filter-bind-online.conf", LIST_FORMAT_BIND, 619, 0, 0, 0, 0, 0, 0},
    {"urlhaus-filter-online.txt", LIST_FORMAT_PLAIN, 12, 0, 0, 1482, 0, 0, 0},
    {"urlhaus-filter-agh-online.txt", LIST_FORMAT_ADBLOCK, 12, 0, 0, 1482, 0, 0, 0},
    {"adguard.txt", LIST_FORMAT_ADBLOCK, 1987, 0, 0, 0, 0, 0, 0},
    /* rules on parts of URLs, or with options that need the page */
    {"adblock-easylist-network-head.txt", LIST_FORMAT_ADBLOCK, 4664, 0, 0, 0, 0, 0, 1336},
    /* 151 regexp:, 74 top-level domains; one name is there bare and full: */
    {"v2ray-proxy-list.txt", LIST_FORMAT_PLAIN, 26592, 0, 0, 0, 0, 1, 225},
    /* 18 include:, 12 top-level domains */
    {"v2fly/google", LIST_FORMAT_V2FLY, 606, 0, 0, 0, 0, 26, 30},
    /* include: */
    {"v2fly/category-ads", LIST_FORMAT_V2FLY, 107, 0, 0, 0, 0, 0, 64},
};

static void real_lists(void **state)
{
    (void)state;
    unsigned n_wrong = 0;
    if (access(FOLDER, R_OK) != 0) {
        print_message("skipped: no real lists in " FOLDER "\n");
        return;
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const struct real *f = &files[i];
        char path[200], why[STORE_WHY_BYTES];
        struct mapfile m;
        struct list_import *im;
        struct list_import_options o = {.category = STR("c")};
        snprintf(path, sizeof path, FOLDER "/%s", f->file);
        assert_int_equal(mapfile_open(&m, path), OK);
        assert_int_equal(list_import_read(&o, str_make(m.p, m.n), why, &im), OK);
        const struct list_import_category *x = list_import_at(im, 0);
        struct real got = {f->file,
                           x->format,
                           x->counts[LIST_DOMAINS],
                           x->counts[LIST_URLS],
                           x->counts[LIST_EXPRESSIONS],
                           x->counts[LIST_IPS],
                           x->counts[LIST_EXCEPTIONS],
                           x->duplicates,
                           x->n_rejected};
        bool is_same = got.format == f->format && got.domains == f->domains &&
                       got.urls == f->urls && got.expressions == f->expressions &&
                       got.ips == f->ips && got.exceptions == f->exceptions &&
                       got.doubles == f->doubles && got.refused == f->refused;
        if (!is_same)
            print_message("%s: %s %llu, %llu, %llu, %llu, %llu, %llu, %llu\n", f->file,
                          list_format_name(got.format), (unsigned long long)got.domains,
                          (unsigned long long)got.urls, (unsigned long long)got.expressions,
                          (unsigned long long)got.ips, (unsigned long long)got.exceptions,
                          (unsigned long long)got.doubles, (unsigned long long)got.refused);
        n_wrong += !is_same;
        list_import_free(im);
        mapfile_close(&m);
    }
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(real_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
