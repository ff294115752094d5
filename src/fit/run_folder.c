/* run_folder.c: where a run's files go. */
#include "fit/run_folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/lock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {
    "best.onnx",           "last.onnx",   "last.ckpt",
    "last.ckpt.previous",  "epoch.ckpt",  "results.csv",
    "results.png",         "report.html", "confusion_matrix.png",
    "val_batch0_pred.png", "bad.tsv"};

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

weft_status weft__run_folder_outside(const char *path, const char *data,
                                     const char *option)
{
    char inner[PATH_MAX], outer[PATH_MAX];
    if (!data || !realpath(data, outer) || !resolve(path, inner)) return WEFT_OK;
    size_t n = strlen(outer);
    if (strncmp(inner, outer, n) || (inner[n] && inner[n] != '/')) return WEFT_OK;
    return weft__fail(WEFT_EUSAGE, "%s: lies inside the data set %s. Choose another %s",
                      path, data, option);
}

static bool taken(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Makes path, whose parent is there; another process may have been quicker. */
static weft_status make(const char *path, bool *fresh)
{
    *fresh = mkdir(path, 0777) == 0;
    if (*fresh || errno == EEXIST) return WEFT_OK;
    return weft__fail_errno(WEFT_EIO, errno, "%s: cannot make the run folder", path);
}

weft_status weft__run_folder_make(const char *project, const char *task, const char *name,
                                  bool given, bool force, const char *data, char *out,
                                  size_t size, bool *fresh)
{
    int n = snprintf(out, size, "%s/%s", project, task);
    if (n < 0 || (size_t)n + strlen(name) + 16 > size)
        return weft__fail(WEFT_EUSAGE, "the run folder's path is too long");
    weft_status s = weft__run_folder_outside(out, data, "--project");
    if (!s) s = weft__make_folders(out);
    if (s) return s;
    snprintf(out + n, size - (size_t)n, "/%s", name);
    s = make(out, fresh);
    if (s) return s;
    if ((given || force) && !weft__is_folder(out))
        return weft__fail(WEFT_EUSAGE, "%s: exists and is no folder", out);
    if (given && !*fresh && !force)
        return weft__fail(WEFT_EUSAGE,
                          "%s: exists. Go on with --resume %s, overwrite with --force, "
                          "or choose another --name",
                          out, out);
    for (int i = 2; !s && !given && !force && !*fresh && i < 100000; i++) {
        snprintf(out + n, size - (size_t)n, "/%s%d", name, i);
        s = make(out, fresh);
    }
    return s;
}

weft_status weft__run_folder_clear(const char *path, bool keep_list)
{
    char file[PATH_MAX];
    int lock = -1;
    snprintf(file, sizeof file, "%s/lock", path);
    weft_status s = weft__lock_take(file, &lock);
    for (size_t i = 0; i < sizeof files / sizeof *files && !s; i++) {
        if (keep_list && !strcmp(files[i], "bad.tsv")) continue;
        snprintf(file, sizeof file, "%s/%s", path, files[i]);
        if (unlink(file) && errno != ENOENT)
            s = weft__fail_errno(WEFT_EIO, errno, "%s: cannot be overwritten", file);
    }
    weft__lock_drop(lock);
    return s;
}

void weft__run_folder_undo(const char *path)
{
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s/last.ckpt", path);
    if (taken(file)) return;
    snprintf(file, sizeof file, "%s/args.json", path);
    unlink(file);
    snprintf(file, sizeof file, "%s/lock", path);
    unlink(file);
    rmdir(path); /* stays when there is something else in it */
}
