/* cpu.c: what this machine, and the container around us, lets us use. */
#define _GNU_SOURCE
#include "base/cpu.h"
#include "base/cgroup.h"

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

const char *weft__isa_name(weft__isa isa)
{
    static const char *const name[WEFT_ISA_COUNT] = {"scalar", "neon", "avx2", "avx512"};
    return (unsigned)isa < WEFT_ISA_COUNT ? name[isa] : "unknown";
}

#if defined(__x86_64__)
/* Whether the operating system keeps these register sets (bits of XCR0) over a task
 * switch. */
static bool system_saves(unsigned bits)
{
    unsigned a, b, c, d, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
    __asm__ __volatile__("xgetbv" : "=a"(a), "=d"(high) : "c"(0));
    return (a & bits) == bits;
}

static bool has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           system_saves(0x06); /* SSE and AVX state */
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") &&
           system_saves(0xe6); /* and the mask registers and both halves of ZMM */
}
#else
static bool has_avx2(void)
{
    return false;
}

static bool has_avx512(void)
{
    return false;
}
#endif

bool weft__isa_runs_here(weft__isa isa)
{
    switch (isa) {
    case WEFT_ISA_SCALAR:
        return true;
    case WEFT_ISA_NEON:
#if defined(__aarch64__)
        return true;
#else
        return false;
#endif
    case WEFT_ISA_AVX2:
        return has_avx2();
    case WEFT_ISA_AVX512:
        return has_avx512();
    default:
        return false;
    }
}

static int affinity_count(void)
{
#if defined(__linux__)
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        size_t bytes = CPU_ALLOC_SIZE((size_t)cpus);
        int n = 0;
        if (!set) break;
        CPU_ZERO_S(bytes, set);
        if (!sched_getaffinity(0, bytes, set)) n = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (n > 0) return n; /* a set that is too small fails with EINVAL */
    }
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online < 1 << 20 ? (int)online : 1;
}

int weft__cpu_count(void)
{
    int n = affinity_count();
    double quota = weft__cgroup_limits("/proc/self/cgroup", "/sys/fs/cgroup").cpus;
    if (quota > 0 && quota < n) {
        int whole = (int)quota;
        n = whole < quota ? whole + 1 : whole; /* half a processor is one thread */
    }
    return n < 1 ? 1 : n;
}

size_t weft__cpu_memory(void)
{
    uint64_t limit = weft__cgroup_limits("/proc/self/cgroup", "/sys/fs/cgroup").memory;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t bytes = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    if (limit && (!bytes || limit < bytes)) bytes = limit;
    return bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes;
}

/* Of this program: what getrusage tells may stem from the one that started it. */
size_t weft__peak_resident(void)
{
    struct rusage usage;
    char line[128];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && !kib && fgets(line, sizeof line, f)) sscanf(line, "VmHWM: %lu kB", &kib);
    if (f) fclose(f);
    if (kib) return (size_t)kib * 1024;
    if (getrusage(RUSAGE_SELF, &usage) || usage.ru_maxrss < 0) return 0;
    return (size_t)usage.ru_maxrss * 1024; /* Linux counts KiB */
}

double weft__seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
