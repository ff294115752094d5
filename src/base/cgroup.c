/* cgroup.c: processor quota and memory limit of Linux control groups, version 1 and
 * 2. */
#include "base/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of FOLDER/NAME into text; false when there is none. */
static bool first_line(const char *folder, const char *name, char *text, int size)
{
    char path[PATH_MAX];
    FILE *f;
    bool ok;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    f = fopen(path, "re");
    if (!f) return false;
    ok = fgets(text, size, f) != NULL;
    fclose(f);
    return ok;
}

static void lower_cpus(weft__cgroup *limit, double quota, double period)
{
    if (quota <= 0 || period <= 0) return;
    if (limit->cpus <= 0 || quota / period < limit->cpus) limit->cpus = quota / period;
}

static void lower_memory(weft__cgroup *limit, const char *text)
{
    char *end;
    unsigned long long bytes = strtoull(text, &end, 10);
    /* "max", and the near 2^63 with which version 1 says the same */
    if (end == text || !bytes || bytes >= ULLONG_MAX / 4) return;
    if (!limit->memory || bytes < limit->memory) limit->memory = bytes;
}

static void read_folder(weft__cgroup *limit, const char *folder)
{
    char a[64], b[64];
    double quota, period;
    if (first_line(folder, "cpu.max", a, sizeof a) &&
        sscanf(a, "%lf %lf", &quota, &period) == 2)
        lower_cpus(limit, quota, period);
    if (first_line(folder, "cpu.cfs_quota_us", a, sizeof a) &&
        first_line(folder, "cpu.cfs_period_us", b, sizeof b))
        lower_cpus(limit, strtod(a, NULL), strtod(b, NULL));
    if (first_line(folder, "memory.max", a, sizeof a)) lower_memory(limit, a);
    if (first_line(folder, "memory.limit_in_bytes", a, sizeof a)) lower_memory(limit, a);
}

/* mount/controllers/path and every folder above it. In a container the path is often
 * the host's and not there; then the mount itself holds the limits. */
static void climb(weft__cgroup *limit, const char *mount, const char *controllers,
                  char *path)
{
    char folder[PATH_MAX];
    for (;;) {
        char *slash = strrchr(path, '/');
        int n = snprintf(folder, sizeof folder, "%s/%s%s", mount, controllers, path);
        if (n > 0 && n < (int)sizeof folder) read_folder(limit, folder);
        if (!slash) return;
        *slash = 0;
    }
}

weft__cgroup weft__cgroup_limits(const char *self, const char *mount)
{
    weft__cgroup limit = {0};
    char line[PATH_MAX];
    FILE *f = fopen(self, "re");
    if (!f) return limit;
    while (fgets(line, sizeof line, f)) { /* ID:CONTROLLERS:PATH */
        char *controllers = strchr(line, ':'), *path, *saved, *one;
        if (!controllers || !(path = strchr(++controllers, ':'))) continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        if (!*controllers) {
            climb(&limit, mount, "", path);
            continue;
        }
        for (one = strtok_r(controllers, ",", &saved); one;
             one = strtok_r(NULL, ",", &saved)) {
            char here[PATH_MAX];
            if (strcmp(one, "cpu") && strcmp(one, "memory")) continue;
            snprintf(here, sizeof here, "%s", path);
            climb(&limit, mount, one, here);
        }
    }
    fclose(f);
    return limit;
}
