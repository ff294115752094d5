/* error.h: status and the thread-local message. */
#ifndef WEFT_SRC_BASE_ERROR_H
#define WEFT_SRC_BASE_ERROR_H

#include "weft/base.h"

#include <stdarg.h>

/* Writes the message of this thread (one line; control bytes escaped as \xNN; cut at
 * 1 KiB) and returns s. The deepest frame that knows the numbers calls it, once. */
weft_status weft__fail(weft_status s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
weft_status weft__vfail(weft_status s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* The same, with strerror(err) in place: "WHAT: No space left on device". */
weft_status weft__fail_errno(weft_status s, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " before the message that stands (a file's name, say). Returns s. */
weft_status weft__prefix(weft_status s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Copies src into dst (size bytes, NUL included) with control bytes and invalid UTF-8
 * escaped as \xNN; for names from files that go to a terminal. Returns dst. */
char *weft__escape(char *dst, size_t size, const char *src);

#endif
