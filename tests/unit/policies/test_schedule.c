/* Time zones against the C library's own reading of the same files, and the windows of schedules.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mapfile.h"
#include "policies/reader.h"
#include "policies/schedule.h"

static const char *const zones[] = {"UTC",
                                    "Europe/Paris",
                                    "Europe/Dublin",
                                    "America/New_York",
                                    "America/Sao_Paulo",
                                    "Asia/Kolkata",
                                    "Asia/Tokyo",
                                    "Asia/Gaza",
                                    "Asia/Tehran",
                                    "Africa/Casablanca",
                                    "Africa/Cairo",
                                    "Australia/Sydney",
                                    "Pacific/Apia",
                                    "Pacific/Chatham",
                                    "Australia/Lord_Howe",
                                    "Asia/Kathmandu",
                                    "America/St_Johns",
                                    "America/Havana",
                                    "Antarctica/Troll",
                                    "Etc/GMT+12"};

/* 1930 to 2150 in odd steps, and around every switch of daylight time of some years. */
static void zones_agree_with_the_c_library(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        struct zone *z = NULL;
        if (zone_load(str_of(zones[i]), &z) != OK) {
            print_message("no zone %s on this machine\n", zones[i]);
            skip();
        }
        setenv("TZ", zones[i], 1);
        tzset();
        for (int64_t t = INT64_C(-1262304000); t < INT64_C(5680281600); t += 86400 * 11 + 4937) {
            struct tm tm;
            time_t at = (time_t)t;
            assert_non_null(localtime_r(&at, &tm));
            if (zone_offset_s(z, t) != tm.tm_gmtoff)
                print_message("%s at %lld: %d, libc %ld\n", zones[i], (long long)t,
                              zone_offset_s(z, t), tm.tm_gmtoff);
            assert_int_equal(zone_offset_s(z, t), tm.tm_gmtoff);
        }
        int last = zone_offset_s(z, INT64_C(1700000000));
        for (int64_t t = INT64_C(1700000000); t < INT64_C(2400000000); t += 1800) {
            struct tm tm;
            time_t at = (time_t)t;
            int now = zone_offset_s(z, t);
            if (now == last && (t / 1800) % 97 != 0)
                continue;
            assert_non_null(localtime_r(&at, &tm));
            assert_int_equal(now, tm.tm_gmtoff);
            last = now;
        }
        zone_free(z);
    }
    unsetenv("TZ");
    tzset();
}

static void names_that_are_no_zones(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",       "Mars/Base", "../etc/passwd", "/etc/localtime", "Europe/..",
        "Europe", "zone.tab",  "tzdata.zi",     "Europe/Paris\n"};
    struct zone *z = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(zone_load(str_of(bad[i]), &z), OK);
}

/* Cut at every length and with every byte changed: never a wild read (the sanitizers watch). */
static void damaged_zone_files(void **state)
{
    (void)state;
    struct mapfile m;
    if (mapfile_open(&m, "/usr/share/zoneinfo/Europe/Paris") != OK)
        skip();
    char *copy = malloc(m.n);
    assert_non_null(copy);
    for (size_t i = 0; i < m.n; i++) {
        struct zone *z = NULL;
        char *cut = malloc(i ? i : 1);
        assert_non_null(cut);
        memcpy(cut, m.p, i);
        if (zone_parse(str_make(cut, i), &z) == OK)
            (void)zone_offset_s(z, INT64_C(4000000000));
        zone_free(z);
        free(cut);
        memcpy(copy, m.p, m.n);
        copy[i] = (char)(copy[i] ^ 0x81);
        z = NULL;
        if (zone_parse(str_make(copy, m.n), &z) == OK) {
            (void)zone_offset_s(z, INT64_C(1700000000));
            (void)zone_offset_s(z, INT64_C(4000000000));
        }
        zone_free(z);
    }
    free(copy);
    mapfile_close(&m);
}

struct row {
    const char *why, *at;
    bool want;
};

static void check(const struct model_schedule *model, const struct row *rows, size_t n)
{
    struct schedule s;
    assert_int_equal(schedule_init(&s, model), OK);
    for (size_t i = 0; i < n; i++) {
        int64_t ms = 0;
        assert_true(reader_parse_time(str_of(rows[i].at), &ms));
        if (schedule_has(&s, ms) != rows[i].want)
            print_message("%s\n", rows[i].why);
        assert_int_equal(schedule_has(&s, ms), rows[i].want);
    }
    schedule_fini(&s);
}

#define MON 1u
#define FRI 16u
#define SUN 64u

static void windows(void **state)
{
    (void)state;
    struct model_window work = {MON | FRI, 480, 1080}, night = {FRI, 1320, 360},
                        day = {MON, 0, 1440}, round = {SUN, 0, 0};
    struct model_schedule m = {STR("s"), STR("UTC"), &work, 1};
    static const struct row at_work[] = {{"first minute", "2026-11-23T08:00:00Z", true},
                                         {"just before", "2026-11-23T07:59:59.999Z", false},
                                         {"last minute", "2026-11-23T17:59:59Z", true},
                                         {"its end", "2026-11-23T18:00:00Z", false},
                                         {"other day", "2026-11-24T09:00:00Z", false},
                                         {"friday", "2026-11-27T09:00:00Z", true},
                                         {"an offset counts", "2026-11-23T20:30:00+03:00", true}};
    static const struct row at_night[] = {{"evening", "2026-11-27T22:00:00Z", true},
                                          {"after midnight", "2026-11-28T05:59:00Z", true},
                                          {"its end", "2026-11-28T06:00:00Z", false},
                                          {"morning of its day", "2026-11-27T05:00:00Z", false},
                                          {"evening of the next", "2026-11-28T23:00:00Z", false}};
    static const struct row all_day[] = {{"midnight", "2026-11-23T00:00:00Z", true},
                                         {"last second", "2026-11-23T23:59:59Z", true},
                                         {"next day", "2026-11-24T00:00:00Z", false}};
    static const struct row all_round[] = {{"sunday", "2026-11-22T00:00:00Z", true},
                                           {"still sunday", "2026-11-22T23:59:00Z", true},
                                           {"monday", "2026-11-23T00:00:00Z", false}};
    check(&m, at_work, sizeof at_work / sizeof at_work[0]);
    m.windows = &night;
    check(&m, at_night, sizeof at_night / sizeof at_night[0]);
    m.windows = &day;
    check(&m, all_day, sizeof all_day / sizeof all_day[0]);
    m.windows = &round;
    check(&m, all_round, sizeof all_round / sizeof all_round[0]);
}

/* The night daylight time begins and ends in Paris, and a zone with a half hour. */
static void windows_and_daylight_time(void **state)
{
    (void)state;
    struct model_window early = {SUN, 60, 240}, tea = {MON, 960, 1020};
    struct model_schedule paris = {STR("s"), STR("Europe/Paris"), &early, 1};
    struct model_schedule india = {STR("s"), STR("Asia/Kolkata"), &tea, 1};
    static const struct row spring[] = {{"01:30 winter", "2026-03-29T00:30:00Z", true},
                                        {"03:00 summer", "2026-03-29T01:00:00Z", true},
                                        {"04:00 summer", "2026-03-29T02:00:00Z", false},
                                        {"02:30 summer, first", "2026-10-25T00:30:00Z", true},
                                        {"02:30 winter, again", "2026-10-25T01:30:00Z", true},
                                        {"04:00 winter", "2026-10-25T03:00:00Z", false}};
    static const struct row half[] = {{"16:00", "2026-11-23T10:30:00Z", true},
                                      {"15:59", "2026-11-23T10:29:00Z", false},
                                      {"17:00", "2026-11-23T11:30:00Z", false}};
    check(&paris, spring, sizeof spring / sizeof spring[0]);
    check(&india, half, sizeof half / sizeof half[0]);
}

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
        int64_t ms;
    } rows[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"2026-11-23T06:40:00.5Z", true, INT64_C(1795416000500)},
        {"2026-11-23T07:40:00+01:00", true, INT64_C(1795416000000)},
        {"2026-11-23t06:40:00z", true, INT64_C(1795416000000)},
        {"2026-02-31T00:00:00Z", false, 0},
        {"2026-13-01T00:00:00Z", false, 0},
        {"2026-11-23T24:00:00Z", false, 0},
        {"2026-11-23T06:40:00", false, 0},
        {"2026-11-23 06:40:00Z", false, 0},
        {"2026-11-23T06:40:00.Z", false, 0},
        {"2026-11-23T06:40:00+0100", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = 0;
        if (reader_parse_time(str_of(rows[i].text), &ms) != rows[i].is_good)
            print_message("%s\n", rows[i].text);
        assert_int_equal(reader_parse_time(str_of(rows[i].text), &ms), rows[i].is_good);
        assert_int_equal(ms, rows[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_agree_with_the_c_library),
        cmocka_unit_test(names_that_are_no_zones),
        cmocka_unit_test(damaged_zone_files),
        cmocka_unit_test(windows),
        cmocka_unit_test(windows_and_daylight_time),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
