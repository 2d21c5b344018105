/* list_check: warnings of an import; and broken lists: each ends with a clear word, in bounded time
 * and memory. */
#include "db/list_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/policy_store.h"

static char why[STORE_WHY_BYTES];

static enum err read_one(struct str bytes, struct list_import **im)
{
    struct list_import_options o = {.category = STR("c")};
    return list_import_read(&o, bytes, why, im);
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want; /* "code:n:first " */
    } rows[] = {
        {"a.example\nb.example\n", ""},
        {"co.uk\na.co.uk\n", "public-suffix:1:co.uk "},
        {"co.uk\ncom.br\ngithub.io\n", "public-suffix:3:co.uk "},
        {"google.com\nx.google.com\nyoutube.com\n", "popular:2:google.com "},
        {"windowsupdate.com\nzoom.us\nadobe.com\n", "popular:3:adobe.com "},
        {"com.tw\nwikipedia.org\n", "public-suffix:1:com.tw popular:1:wikipedia.org "},
        {"xgoogle.com\ngoogle.com.evil.example\nunknown.unknowntld\n", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct list_import *im;
        struct list_warnings w = {0};
        struct buf said;
        buf_init(&said, 4096);
        assert_int_equal(read_one(str_of(rows[i].text), &im), OK);
        assert_int_equal(list_check_names(im, &w), OK);
        for (size_t k = 0; k < w.n; k++) {
            assert_true(w.v[k].text[0] && str_eq(w.v[k].category, STR("c")));
            buf_addf(&said, "%s:%llu:%.*s ", list_check_code(w.v[k].code),
                     (unsigned long long)w.v[k].n, STR_ARG(w.v[k].entries[0]));
        }
        buf_add_c(&said, '\0');
        assert_string_equal(said.p, rows[i].want);
        buf_fini(&said);
        list_check_fini(&w);
        list_import_free(im);
    }
}

static void save(struct store *s, const char *format, unsigned from, unsigned to, size_t want)
{
    struct buf b;
    struct list_import *im;
    struct list_warnings w = {0};
    struct list_import_save how = {.at_ms = 1};
    buf_init(&b, 1 << 20);
    for (unsigned i = from; i < to; i++)
        buf_addf(&b, "%s%u.example\n", format, i);
    assert_int_equal(read_one(buf_str(&b), &im), OK);
    assert_int_equal(list_import_save(im, s, &how), OK);
    assert_int_equal(list_check_change(im, &w), OK);
    assert_int_equal(w.n, want);
    list_check_fini(&w);
    list_import_free(im);
    buf_fini(&b);
}

static void shrunk(void **state)
{
    (void)state;
    char dir[] = "/tmp/check-test-XXXXXX", path[64];
    struct store *s;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/policy.db", dir);
    assert_int_equal(policy_store_open(path, STORE_WRITE, why, &s), OK);
    save(s, "a", 0, 1000, 0);
    save(s, "a", 0, 501, 0);
    save(s, "a", 0, 250, 1);
    save(s, "a", 0, 10, 1);
    save(s, "a", 0, 0, 0); /* ten are too few to mean anything */
    save(s, "a", 0, 1000, 0);
    save(s, "b", 0, 900, 0); /* all others, but about as many */
    store_close(s);
    unlink(path);
    rmdir(dir);
}

/* --- broken lists -------------------------------------------------------------------------------
 */

static long peak_kib(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return use.ru_maxrss;
}

static bool is_sanitised(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return false;
#endif
}

static void noise(void **state)
{
    (void)state;
    size_t n = 4 << 20;
    char *bytes = malloc(n);
    uint64_t r = 7;
    struct list_import *im = NULL;
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        r = r * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bytes[i] = (char)(r >> 56);
    }
    bytes[0] = 'x'; /* by its first bytes no archive */
    assert_int_equal(read_one(str_make(bytes, n), &im), ERR_INVALID);
    assert_non_null(strstr(why, "binary"));
    free(bytes);
}

/* One line without an end: the same few pages mapped again and again. */
static void one_line(void **state)
{
    (void)state;
    size_t part = (size_t)4 << 20, n = is_sanitised() ? part * 16 : part * 256;
    int fd = memfd_create("line", MFD_CLOEXEC);
    struct list_import *im = NULL;
    assert_true(fd >= 0 && ftruncate(fd, (off_t)part) == 0);
    char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    for (size_t at = 0; at < n; at += part)
        assert_ptr_equal(mmap(p + at, part, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0),
                         p + at);
    memset(p, 'a', part);
    long before = peak_kib();
    assert_int_equal(read_one(str_make(p, n), &im), ERR_INVALID);
    assert_non_null(strstr(why, "1 refused"));
    /* the mapping itself; a sanitizer's shadow of it comes on top */
    assert_true(is_sanitised() || peak_kib() - before < (long)(n >> 10) + (64 << 10));
    munmap(p, n);
    close(fd);
}

static void doubles(void **state)
{
    (void)state;
    static const char line[] = "the-same-name.example\n";
    size_t n = is_sanitised() ? 1000000 : 10000000, size = sizeof line - 1;
    char *bytes = malloc(n * size);
    struct list_import *im;
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + i * size, line, size);
    assert_int_equal(read_one(str_make(bytes, n * size), &im), OK);
    assert_int_equal(list_import_at(im, 0)->accepted, 1);
    assert_int_equal(list_import_at(im, 0)->duplicates, n - 1);
    list_import_free(im);
    free(bytes);
    print_message("peak memory of broken lists: %ld MiB\n", peak_kib() / 1024);
    assert_true(is_sanitised() || peak_kib() < 2 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),    cmocka_unit_test(shrunk),  cmocka_unit_test(noise),
        cmocka_unit_test(one_line), cmocka_unit_test(doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
