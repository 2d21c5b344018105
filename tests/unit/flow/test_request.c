/* request: the table of states is sane: a name, a step, a limit, a way in and a way to the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "proxyd/flow/fault.h"
#include "proxyd/flow/request.h"
#include "proxyd/flow/settings.h"
#include "proxyd/flow/texts.h"

static void every_state_has_its_row(void **state)
{
    (void)state;
    struct flow_settings s;
    flow_settings_default(&s);
    for (int i = 0; i < REQUEST_N_STATES; i++) {
        const struct request_row *row = &request_rows[i];
        uint32_t limit;
        assert_non_null(row->name);
        assert_true(row->step != NULL || i == REQUEST_END);
        assert_true(row->limit_at >= offsetof(struct flow_settings, head_ms) &&
                    row->limit_at <= offsetof(struct flow_settings, reply_ms));
        memcpy(&limit, (const char *)&s + row->limit_at, sizeof limit);
        assert_true(limit > 0);
        assert_int_equal(row->next >> REQUEST_N_STATES, 0);
        assert_false(row->next >> i & 1);
        if (row->late != FAULT_NONE) /* being late must be able to lead to a page */
            assert_true(row->next >> REQUEST_PAGE & 1);
        else if (i != REQUEST_LOG && i != REQUEST_END)
            assert_true(row->next >> REQUEST_LOG & 1);
    }
}

static void every_state_is_reached_and_ends(void **state)
{
    (void)state;
    unsigned reached = 1u << REQUEST_HEAD, ends = 1u << REQUEST_END;
    for (int round = 0; round < REQUEST_N_STATES; round++)
        for (int i = 0; i < REQUEST_N_STATES; i++) {
            if (reached >> i & 1)
                reached |= request_rows[i].next;
            if (request_rows[i].next & ends)
                ends |= 1u << i;
        }
    assert_int_equal(reached, (1u << REQUEST_N_STATES) - 1);
    assert_int_equal(ends, (1u << REQUEST_N_STATES) - 1);
    /* nothing ends without passing the record, but a head in which nothing was asked */
    for (int i = 0; i < REQUEST_N_STATES; i++)
        if (request_rows[i].next >> REQUEST_END & 1)
            assert_true(i == REQUEST_LOG || i == REQUEST_HEAD);
}

static void faults_are_answerable(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_N; i++) {
        assert_true(fault_rows[i].status >= 400 && fault_rows[i].status < 600);
        assert_non_null(fault_rows[i].error);
        assert_true(fault_rows[i].verdict <= RECORD_ERROR);
        assert_true(fault_rows[i].verdict != RECORD_ALLOWED);
    }
}

static void every_text_is_there_in_every_language(void **state)
{
    (void)state;
    for (int l = 0; l < TEXTS_N_LANGUAGES; l++) {
        for (int s = 0; s < TEXTS_N_SUBJECTS; s++) {
            const struct text *t = texts_of((enum texts_language)l, (enum texts_subject)s);
            assert_non_null(t->title);
            assert_non_null(t->sentence);
            assert_null(strpbrk(t->title, "<>&\""));
            assert_null(strpbrk(t->sentence, "<>&\""));
        }
        for (int k = 0; k < TEXTS_N_LABELS; k++)
            assert_non_null(texts_label((enum texts_language)l, (enum texts_label)k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_has_its_row),
        cmocka_unit_test(every_state_is_reached_and_ends),
        cmocka_unit_test(faults_are_answerable),
        cmocka_unit_test(every_text_is_there_in_every_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
