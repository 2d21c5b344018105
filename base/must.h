/* must: our own mistakes stop the process, in every build. Wire input can never make a must false.
 */
#ifndef BASE_MUST_H
#define BASE_MUST_H

#define must(cond) ((cond) ? (void)0 : must_failed(#cond, __FILE__, __LINE__))

/* Writes one line to stderr and aborts. */
_Noreturn void must_failed(const char *what, const char *file, int line);

#endif
