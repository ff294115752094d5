/* path.h: putting paths together: one that does not fit is refused, never cut. */
#ifndef WEFT_SRC_BASE_PATH_H
#define WEFT_SRC_BASE_PATH_H

#include "base/error.h"

/* The longest path that the system takes, with its NUL (Linux' PATH_MAX). */
enum { WEFT_PATH_BYTES = 4096 };

/* A path, by value: nothing to free. {0} is "". */
typedef struct weft__path {
    char text[WEFT_PATH_BYTES];
} weft__path;

/* out = DIR/NAME; no slash is put after an empty dir or one that ends in a slash.
 * dir or name may lie in out, so that a path can grow in its place.
 * WEFT_EUSAGE "path is too long: ..." leaves out as it was. */
weft_status weft__path_put(weft__path *out, const char *dir, const char *name);

/* out = what printf would print. Arguments may lie in out.
 * WEFT_EUSAGE "path is too long: ..." leaves out as it was. */
weft_status weft__path_format(weft__path *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A file of a run that may be named by its folder: out = PATH/NAME where path is a
 * folder, else path as it stands. Errors: as weft__path_put. */
weft_status weft__path_in_run(weft__path *out, const char *path, const char *name);

/* "DIR/NAME" of any length, slashes as in weft__path_put, in fresh memory: free() it.
 * NULL when out of memory; no message is written then. */
char *weft__path_join(const char *dir, const char *name);

#endif
