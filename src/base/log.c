/* log.c: warnings and notes for the person, on stderr. */
#include "base/log.h"
#include "base/error.h"
#include "base/write.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic int quiet;

WEFT_API void weft_set_quiet(int level)
{
    atomic_store(&quiet, level);
}

/* One write(2) for the whole line, so that lines of several threads do not mix. A
 * stderr that is closed or full costs the line and nothing else. */
static void say(const char *before, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void say(const char *before, const char *format, va_list args)
{
    char raw[1024], line[1200];
    size_t at = strlen(before);
    vsnprintf(raw, sizeof raw, format, args);
    memcpy(line, before, at);
    weft__escape(line + at, sizeof line - at - 1, raw);
    at = strlen(line);
    line[at++] = '\n';
    weft__write_all(STDERR_FILENO, line, at);
}

void weft__warn(const char *format, ...)
{
    va_list args;
    if (atomic_load(&quiet) > 1) return;
    va_start(args, format);
    say("weft: warning: ", format, args);
    va_end(args);
}

void weft__note(const char *format, ...)
{
    va_list args;
    if (atomic_load(&quiet) > 0) return;
    va_start(args, format);
    say("weft: ", format, args);
    va_end(args);
}
