/* options: reading of argv. */
#include "proxyd/main/options.h"

#include <string.h>

const char options_usage[] =
    "usage: proxyd --config FILE [--check]\n"
    "       proxyd --version\n"
    "\n"
    "  --config FILE  the bootstrap file (listeners, state directory); runs in the foreground\n"
    "  --check        read the file, say what is wrong with it, and exit 0 or 1\n"
    "  --version      print the version\n"
    "\n"
    "SIGTERM drains and ends, SIGHUP reloads the published policy and the settings, SIGUSR2\n"
    "hands over to the program that stands at the same path now without refusing anybody.\n";

bool options_parse(int argc, char **argv, struct options *out, const char **fault)
{
    struct options o = {OPTIONS_RUN, NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--version") == 0) {
            o.job = OPTIONS_VERSION;
        } else if (strcmp(argv[i], "--help") == 0) {
            o.job = OPTIONS_HELP;
        } else if (strcmp(argv[i], "--check") == 0) {
            o.job = o.job == OPTIONS_RUN ? OPTIONS_CHECK : o.job;
        } else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            o.config = argv[++i];
        } else if (strncmp(argv[i], "--config=", 9) == 0) {
            o.config = argv[i] + 9;
        } else {
            *fault = argv[i];
            return false;
        }
    }
    if (!o.config && (o.job == OPTIONS_RUN || o.job == OPTIONS_CHECK)) {
        *fault = "--config FILE is missing";
        return false;
    }
    *out = o;
    return true;
}
