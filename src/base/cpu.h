/* cpu.h: what this machine can do. */
#ifndef WEFT_SRC_BASE_CPU_H
#define WEFT_SRC_BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>

typedef enum weft__isa {
    WEFT_ISA_SCALAR,
    WEFT_ISA_NEON,
    WEFT_ISA_AVX2,
    WEFT_ISA_AVX512,
    WEFT_ISA_COUNT
} weft__isa;

const char *weft__isa_name(weft__isa isa); /* "scalar" ... */
bool weft__isa_runs_here(weft__isa isa);   /* CPU and operating system both support it */
int weft__cpu_count(void);                 /* by affinity and cgroup quota, at least 1 */
size_t weft__cpu_memory(void);    /* bytes of RAM, or the cgroup's limit if smaller */
size_t weft__peak_resident(void); /* bytes this process had resident at most */
double weft__seconds(void);       /* monotonic clock */

#endif
