/* Tests of base/cpu.h and base/cgroup.h. */
#define _GNU_SOURCE
#include "test.h"

#include "base/cgroup.h"
#include "base/cpu.h"

#include <sched.h>

static void put(const char *path, const char *text)
{
    const char *full = test_path(path);
    char *folder = strdup(full);
    *strrchr(folder, '/') = 0;
    CHECK(weft__make_folders(folder) == WEFT_OK);
    free(folder);
    test_write(full, text, strlen(text));
}

static void instruction_sets_have_names(void **state)
{
    (void)state;
    CHECK_TEXT(weft__isa_name(WEFT_ISA_SCALAR), "scalar");
    CHECK_TEXT(weft__isa_name(WEFT_ISA_NEON), "neon");
    CHECK_TEXT(weft__isa_name(WEFT_ISA_AVX2), "avx2");
    CHECK_TEXT(weft__isa_name(WEFT_ISA_AVX512), "avx512");
    CHECK_TEXT(weft__isa_name(WEFT_ISA_COUNT), "unknown");
}

/* The flags line of /proc/cpuinfo is what the kernel found, XGETBV included. */
static bool kernel_says(const char *flag)
{
    char line[8192];
    FILE *f = fopen("/proc/cpuinfo", "r");
    bool found = false;
    CHECK(f != NULL);
    while (!found && fgets(line, sizeof line, f)) {
        char *at = line;
        size_t n = strlen(flag);
        while (!strncmp(line, "flags", 5) && !found && (at = strstr(at, flag))) {
            found = at[-1] == ' ' && (at[n] == ' ' || at[n] == '\n');
            at += n;
        }
    }
    fclose(f);
    return found;
}

static void instruction_sets_are_those_the_kernel_sees(void **state)
{
    (void)state;
    CHECK(weft__isa_runs_here(WEFT_ISA_SCALAR));
    CHECK(!weft__isa_runs_here(WEFT_ISA_COUNT));
    if (weft__isa_runs_here(WEFT_ISA_NEON)) {
        CHECK(!weft__isa_runs_here(WEFT_ISA_AVX2) &&
              !weft__isa_runs_here(WEFT_ISA_AVX512));
        return;
    }
    CHECK(weft__isa_runs_here(WEFT_ISA_AVX2) ==
          (kernel_says("avx2") && kernel_says("fma")));
    CHECK(weft__isa_runs_here(WEFT_ISA_AVX512) ==
          (kernel_says("avx2") && kernel_says("fma") && kernel_says("avx512f") &&
           kernel_says("avx512bw") && kernel_says("avx512vl") &&
           kernel_says("avx512dq")));
}

static void processors_are_counted_by_affinity(void **state)
{
    cpu_set_t all, one;
    size_t first = 0;
    (void)state;
    CHECK(!sched_getaffinity(0, sizeof all, &all));
    CHECK(weft__cpu_count() >= 1 && weft__cpu_count() <= CPU_COUNT(&all));
    while (!CPU_ISSET(first, &all)) first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    CHECK(!sched_setaffinity(0, sizeof one, &one));
    CHECK(weft__cpu_count() == 1);
    CHECK(!sched_setaffinity(0, sizeof all, &all));
}

static void groups_of_version_2_give_the_tightest_limit_up_to_the_root(void **state)
{
    weft__cgroup limit;
    (void)state;
    put("v2/self", "0::/a/b\n");
    put("v2/fs/a/b/cpu.max", "max 100000\n");
    put("v2/fs/a/b/memory.max", "max\n");
    limit = weft__cgroup_limits(test_path("v2/self"), test_path("v2/fs"));
    CHECK(limit.cpus == 0 && limit.memory == 0);
    put("v2/fs/a/cpu.max", "250000 100000\n");
    put("v2/fs/memory.max", "8589934592\n");
    put("v2/fs/a/b/memory.max", "4294967296\n");
    limit = weft__cgroup_limits(test_path("v2/self"), test_path("v2/fs"));
    CHECK_NEAR(limit.cpus, 2.5, 1e-9);
    CHECK(limit.memory == UINT64_C(4294967296));
}

static void groups_of_version_1_are_found_by_controller(void **state)
{
    weft__cgroup limit;
    (void)state;
    put("v1/self", "12:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n2:cpuset:/\n");
    put("v1/fs/cpu/cpu.cfs_quota_us", "50000\n"); /* the container's own mount */
    put("v1/fs/cpu/cpu.cfs_period_us", "100000\n");
    put("v1/fs/memory/docker/x/memory.limit_in_bytes", "1073741824\n");
    put("v1/fs/memory/memory.limit_in_bytes", "9223372036854771712\n");
    limit = weft__cgroup_limits(test_path("v1/self"), test_path("v1/fs"));
    CHECK_NEAR(limit.cpus, 0.5, 1e-9);
    CHECK(limit.memory == 1073741824);
    put("v1/fs/cpu/cpu.cfs_quota_us", "-1\n");
    CHECK(weft__cgroup_limits(test_path("v1/self"), test_path("v1/fs")).cpus == 0);
}

static void groups_that_cannot_be_read_are_no_limit(void **state)
{
    weft__cgroup limit = weft__cgroup_limits("/nowhere/self", "/nowhere");
    (void)state;
    CHECK(limit.cpus == 0 && limit.memory == 0);
    put("odd/self", "nonsense\n7\n:::\n0::/x\n");
    put("odd/fs/x/cpu.max", "-5 what\n");
    put("odd/fs/x/memory.max", "lots\n");
    limit = weft__cgroup_limits(test_path("odd/self"), test_path("odd/fs"));
    CHECK(limit.cpus == 0 && limit.memory == 0);
}

static void memory_and_time_are_plausible(void **state)
{
    double start = weft__seconds();
    size_t before = weft__peak_resident(), bytes = (size_t)64 << 20;
    char *memory = malloc(bytes);
    volatile char *p = memory;
    (void)state;
    CHECK(memory != NULL);
    for (size_t i = 0; i < bytes; i += 4096) p[i] = 1;
    CHECK(weft__peak_resident() >= bytes);
    CHECK(weft__peak_resident() >= before);
    CHECK(weft__peak_resident() < (size_t)64 << 30);
    CHECK(weft__cpu_memory() > (size_t)16 << 20);
    free(memory);
    usleep(2000);
    CHECK(weft__seconds() - start >= 0.002);
}

RUN_TESTS(TEST(instruction_sets_have_names),
          TEST(instruction_sets_are_those_the_kernel_sees),
          TEST(processors_are_counted_by_affinity),
          TEST(groups_of_version_2_give_the_tightest_limit_up_to_the_root),
          TEST(groups_of_version_1_are_found_by_controller),
          TEST(groups_that_cannot_be_read_are_no_limit),
          TEST(memory_and_time_are_plausible))
