/* path.c: putting paths together: one that does not fit is refused, never cut. */
#include "base/path.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN = 60 }; /* bytes of a path that is too long for its message too */

static weft_status too_long(const char *beginning, size_t bytes)
{
    return weft__fail(WEFT_EUSAGE,
                      "path is too long: %.*s... has %zu bytes, at most %d are possible",
                      SHOWN, beginning, bytes, WEFT_PATH_BYTES - 1);
}

static bool needs_slash(const char *dir, size_t length)
{
    return length && dir[length - 1] != '/';
}

weft_status weft__path_put(weft__path *out, const char *dir, const char *name)
{
    size_t n = strlen(dir), m = strlen(name), slash = needs_slash(dir, n);
    weft__path made;
    if (n + slash + m >= sizeof made.text) return too_long(n ? dir : name, n + slash + m);
    memcpy(made.text, dir, n);
    if (slash) made.text[n] = '/';
    memcpy(made.text + n + slash, name, m + 1);
    memcpy(out->text, made.text, n + slash + m + 1);
    return WEFT_OK;
}

weft_status weft__path_format(weft__path *out, const char *format, ...)
{
    weft__path made;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(made.text, sizeof made.text, format, args);
    va_end(args);
    if (n < 0) return weft__fail(WEFT_EUSAGE, "path cannot be made: \"%s\"", format);
    if ((size_t)n >= sizeof made.text) return too_long(made.text, (size_t)n);
    memcpy(out->text, made.text, (size_t)n + 1);
    return WEFT_OK;
}

weft_status weft__path_in_run(weft__path *out, const char *path, const char *name)
{
    if (weft__is_folder(path)) return weft__path_put(out, path, name);
    return weft__path_put(out, "", path);
}

char *weft__path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir), m = strlen(name), slash = needs_slash(dir, n);
    char *path = malloc(n + slash + m + 1);
    if (!path) return NULL;
    memcpy(path, dir, n);
    if (slash) path[n] = '/';
    memcpy(path + n + slash, name, m + 1);
    return path;
}
