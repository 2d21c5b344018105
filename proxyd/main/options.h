/* options: the command line of proxyd. Called by main alone. */
#ifndef PROXYD_MAIN_OPTIONS_H
#define PROXYD_MAIN_OPTIONS_H

#include <stdbool.h>

enum options_job { OPTIONS_RUN, OPTIONS_CHECK, OPTIONS_VERSION, OPTIONS_HELP };

struct options {
    enum options_job job;
    const char *config; /* points into argv */
};

/* false: *fault is one English sentence, static or pointing into argv. */
bool options_parse(int argc, char **argv, struct options *out, const char **fault);

extern const char options_usage[];

#endif
