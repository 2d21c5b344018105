/* form_text: values as browsers encode them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proxyd/wire/form_text.h"

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        enum err want;
        const char *value;
    } rows[] = {
        {"reason=x", OK, "x"},
        {"a=b&reason=one+two%21&reason=later", OK, "one two!"},
        {"reason=", OK, ""},
        {"reason=a=b", OK, "a=b"},
        {"reason=%c3%BC", OK, "\xc3\xbc"},
        {"reason", ERR_NOT_FOUND, ""},
        {"Reason=x", ERR_NOT_FOUND, ""},
        {"", ERR_NOT_FOUND, ""},
        {"&&&", ERR_NOT_FOUND, ""},
        {"reason=%", ERR_INVALID, ""},
        {"reason=%4", ERR_INVALID, ""},
        {"reason=%4g", ERR_INVALID, ""},
        {"reason=%g4", ERR_INVALID, ""},
        {"reason=a%00b", ERR_INVALID, ""},
        {"reason=%41", OK, "A"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena a;
        struct str value = {0};
        arena_init(&a, 256, 4096);
        if (form_text_value(str_of(rows[i].fields), STR("reason"), &a, &value) != rows[i].want ||
            !str_eq(value, str_of(rows[i].value)))
            fail_msg("%s", rows[i].fields);
        arena_fini(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
