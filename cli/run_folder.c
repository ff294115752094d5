/* run_folder.c: where a run's files go. */
#include "run_folder.h"

#include "base/error.h"
#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The nearest existing folder at or above path, resolved. */
static bool resolve(const char *path, char out[PATH_MAX])
{
    char part[PATH_MAX];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) return false;
    while (!realpath(part, out)) {
        char *slash = strrchr(part, '/');
        if (!slash) return realpath(".", out) != NULL;
        if (slash == part)
            slash[1] = '\0';
        else
            *slash = '\0';
    }
    return true;
}

static weft_status check_outside(const char *folder, const char *data)
{
    char inner[PATH_MAX], outer[PATH_MAX];
    if (!data || !weft__is_folder(data) || !realpath(data, outer) ||
        !resolve(folder, inner))
        return WEFT_OK;
    size_t n = strlen(outer);
    if (strncmp(inner, outer, n) || (inner[n] && inner[n] != '/')) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE,
                      "%s: lies inside the data set %s. Choose another --project", folder,
                      data);
}

static bool taken(const char *path)
{
    return access(path, F_OK) == 0;
}

weft_status run_folder_choose(const char *project, const char *task, const char *name,
                              bool given, bool force, const char *data, char *out,
                              size_t size)
{
    int n = snprintf(out, size, "%s/%s/%s", project, task, name);
    if (n < 0 || (size_t)n >= size)
        return weft__fail(WEFT_EUSAGE, "the run folder's path is too long");
    weft_status s = check_outside(out, data);
    if (s) return s;
    if (taken(out) && !weft__is_folder(out))
        return weft__fail(WEFT_EUSAGE, "%s: exists and is no folder", out);
    if (given && taken(out) && !force)
        return weft__fail(WEFT_EUSAGE,
                          "%s: exists. Go on with --resume %s, overwrite with --force, "
                          "or choose another --name",
                          out, out);
    for (int i = 2; !given && taken(out) && i < 100000; i++)
        if (snprintf(out, size, "%s/%s/%s%d", project, task, name, i) >= (int)size)
            return weft__fail(WEFT_EUSAGE, "the run folder's path is too long");
    return WEFT_OK;
}
