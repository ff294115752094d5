/* measure.h: how the benchmarks measure: quantiles of repeated times, and the machine's
 * peak. */
#ifndef WEFT_BENCH_MEASURE_H
#define WEFT_BENCH_MEASURE_H

#include "base/cpu.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEASURE_MOST = 4000 };

typedef struct measured {
    int n; /* times taken; those below are in seconds */
    double median, min, p10, p90;
} measured;

/* Does one unit of work; the i-th. Not 0 ends the measuring. */
typedef int measure_fn(void *arg, int i);

static inline int measure_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double measure_quantile(const double *sorted, int n, double q)
{
    double at = q * (n - 1);
    int i = (int)at;
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

/* Runs work for about `seconds`, after a quarter of that to warm up; at least `least`
 * times. Returns what work returned last. */
static inline int measure(measure_fn *work, void *arg, double seconds, int least,
                          measured *out)
{
    static double t[MEASURE_MOST];
    int failed = 0, n = 0;
    double start = weft__seconds();
    for (int i = 0; !failed && (i < 2 || weft__seconds() - start < seconds / 4); i++)
        failed = work(arg, i);
    double before = start = weft__seconds();
    while (!failed && n < MEASURE_MOST && (n < least || before - start < seconds)) {
        failed = work(arg, n);
        double now = weft__seconds();
        t[n++] = now - before;
        before = now;
    }
    if (failed) return failed;
    qsort(t, (size_t)n, sizeof *t, measure_compare);
    *out = (measured){n, measure_quantile(t, n, 0.5), t[0], measure_quantile(t, n, 0.1),
                      measure_quantile(t, n, 0.9)};
    return 0;
}

/* ---- peak: chains of multiply-adds in registers, one function for each instruction set
 * ---- */

enum { PEAK_CHAINS = 12, PEAK_LOOPS = 200000 };

#define PEAK_FUNCTION(name, attribute, vector, set, madd) \
    attribute static inline float name(void) \
    { \
        vector x[PEAK_CHAINS], a = set(0.999f), b = set(0.001f); \
        for (int i = 0; i < PEAK_CHAINS; i++) x[i] = set((float)i); \
        for (int k = 0; k < PEAK_LOOPS; k++) { \
            _Pragma("GCC unroll 12") for (int i = 0; i < PEAK_CHAINS; i++) x[i] = \
                madd(x[i], a, b); \
        } \
        float out[sizeof(vector) / sizeof(float) * PEAK_CHAINS], sum = 0; \
        memcpy(out, x, sizeof out); \
        for (size_t i = 0; i < sizeof out / sizeof *out; i++) sum += out[i]; \
        return sum; \
    }

#define PEAK_SET_SCALAR(v) (v)
#define PEAK_MADD_SCALAR(x, a, b) ((x) * (a) + (b))
PEAK_FUNCTION(peak_scalar, , float, PEAK_SET_SCALAR, PEAK_MADD_SCALAR)

#if defined(__x86_64__)
#include <immintrin.h>
PEAK_FUNCTION(peak_avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps,
              _mm256_fmadd_ps)
PEAK_FUNCTION(peak_avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps,
              _mm512_fmadd_ps)
#elif defined(__aarch64__)
#include <arm_neon.h>
#define PEAK_MADD_NEON(x, a, b) vfmaq_f32(b, x, a)
PEAK_FUNCTION(peak_neon, , float32x4_t, vdupq_n_f32, PEAK_MADD_NEON)
#endif

typedef struct peak_job {
    float (*chains)(void);
    float *sink; /* one per item, so that nothing is optimised away */
} peak_job;

static inline void peak_task(void *arg, size_t begin, size_t end, int worker)
{
    peak_job *j = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) j->sink[i] = j->chains();
}

static inline int peak_lanes(const char *isa, float (**chains)(void))
{
    *chains = peak_scalar;
#if defined(__x86_64__)
    if (!strcmp(isa, "avx512")) return *chains = peak_avx512, 16;
    if (!strcmp(isa, "avx2")) return *chains = peak_avx2, 8;
#elif defined(__aarch64__)
    if (!strcmp(isa, "neon")) return *chains = peak_neon, 4;
#endif
    (void)isa;
    return 1;
}

/* The most single-precision GF/s that all threads together reach with this instruction
 * set (a multiply-add counts 2). Takes about half a second. */
static inline double peak_gflops(const char *isa)
{
    enum { ITEMS = 512 };
    static float sink[ITEMS];
    peak_job job = {.sink = sink};
    int lanes = peak_lanes(isa, &job.chains), items = 4 * weft__workers();
    if (items > ITEMS) items = ITEMS;
    double best = 0, start = weft__seconds();
    for (int i = 0; i < 3 || weft__seconds() - start < 0.5; i++) {
        double before = weft__seconds();
        weft__parallel((size_t)items, 1, peak_task, &job);
        double rate =
            2.0 * lanes * PEAK_CHAINS * PEAK_LOOPS * items / (weft__seconds() - before);
        if (rate > best) best = rate;
    }
    return best * 1e-9;
}

/* The processor's name as the system gives it, quotes and backslashes left out; "?" when
 * unknown. */
static inline const char *machine_name(void)
{
    static char name[200] = "?";
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strncmp(line, "model name", 10) ? NULL : strchr(line, ':');
        if (!colon) continue;
        size_t n = 0;
        for (char *c = colon + 2; *c && *c != '\n' && n + 1 < sizeof name; c++)
            if (*c != '"' && *c != '\\') name[n++] = *c;
        name[n] = '\0';
        break;
    }
    if (f) fclose(f);
    return name;
}

#if defined(__clang__)
#define MACHINE_COMPILER "clang " __clang_version__
#else
#define MACHINE_COMPILER "gcc " __VERSION__
#endif

#endif
