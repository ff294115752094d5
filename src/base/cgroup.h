/* cgroup.h: what a container allows this process. */
#ifndef WEFT_SRC_BASE_CGROUP_H
#define WEFT_SRC_BASE_CGROUP_H

#include <stdint.h>

typedef struct weft__cgroup {
    double cpus;     /* processors by quota; 0 when there is no quota */
    uint64_t memory; /* bytes; 0 when there is no limit */
} weft__cgroup;

/* The tightest limits of versions 1 and 2 on the way from the process's group up to
 * the root. self is "/proc/self/cgroup", mount "/sys/fs/cgroup" (tests name others).
 * Whatever cannot be read is no limit. */
weft__cgroup weft__cgroup_limits(const char *self, const char *mount);

#endif
