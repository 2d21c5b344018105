/* compile_aside: policy_compile on a thread of its own at lower priority, so that the workers keep
 * the processor while a policy is compiled. The caller waits. Where no thread can be had it is done
 * at once. Threads: any. */
#ifndef PROXYD_MAIN_COMPILE_ASIDE_H
#define PROXYD_MAIN_COMPILE_ASIDE_H

#include "policies/compile.h"

/* As policy_compile. */
enum err compile_aside(const struct compile_input *in, struct report *report,
                       struct snapshot **out) MUST_CHECK;

#endif
