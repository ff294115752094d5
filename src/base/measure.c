/* measure.c: quantiles of repeated times; the machine's peak of multiply-adds and of
 * memory. */
#include "base/measure.h"

#include "base/checked.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES_MOST = 4000 };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, int n, double q)
{
    double at = q * (n - 1);
    int i = (int)at;
    return i + 1 < n ? sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

weft__measured weft__summary(double *times, int n)
{
    qsort(times, (size_t)n, sizeof *times, compare);
    return (weft__measured){n, quantile(times, n, 0.5), times[0], quantile(times, n, 0.1),
                            quantile(times, n, 0.9)};
}

int weft__measure(weft__measure_fn *work, void *arg, double seconds, int least,
                  weft__measured *out)
{
    double *t = weft__alloc(TIMES_MOST, sizeof *t);
    if (!t) return (int)weft__fail(WEFT_ENOMEM, "measure: out of memory");
    int failed = 0, n = 0;
    double start = weft__seconds();
    for (int i = 0; !failed && (i < 1 || weft__seconds() - start < seconds / 4); i++)
        failed = work(arg, i);
    double before = start = weft__seconds();
    while (!failed && n < TIMES_MOST &&
           (!n || before - start < (n < least ? 4 * seconds : seconds))) {
        failed = work(arg, n);
        double now = weft__seconds();
        t[n++] = now - before;
        before = now;
    }
    if (!failed && n) *out = weft__summary(t, n);
    free(t);
    return failed;
}

/*   ---- peak: chains of multiply-adds in registers, one function for each
 *     instruction set
 *   ---- */

enum { CHAINS = 12, LOOPS = 200000 };

#define PEAK_FUNCTION(name, attribute, vector, set, madd) \
    attribute static float name(void) \
    { \
        vector x[CHAINS], a = set(0.999f), b = set(0.001f); \
        for (int i = 0; i < CHAINS; i++) x[i] = set((float)i); \
        for (int k = 0; k < LOOPS; k++) { \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) x[i] = \
                madd(x[i], a, b); \
        } \
        float out[sizeof(vector) / sizeof(float) * CHAINS], sum = 0; \
        memcpy(out, x, sizeof out); \
        for (size_t i = 0; i < sizeof out / sizeof *out; i++) sum += out[i]; \
        return sum; \
    }

#define SET_SCALAR(v) (v)
#define MADD_SCALAR(x, a, b) ((x) * (a) + (b))
PEAK_FUNCTION(peak_scalar, , float, SET_SCALAR, MADD_SCALAR)

#if defined(__x86_64__)
#include <immintrin.h>
PEAK_FUNCTION(peak_avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps,
              _mm256_fmadd_ps)
PEAK_FUNCTION(peak_avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps,
              _mm512_fmadd_ps)
#elif defined(__aarch64__)
#include <arm_neon.h>
#define MADD_NEON(x, a, b) vfmaq_f32(b, x, a)
PEAK_FUNCTION(peak_neon, , float32x4_t, vdupq_n_f32, MADD_NEON)
#endif

typedef struct peak_job {
    float (*chains)(void);
    float *sink; /* one per item, so that nothing is optimised away */
} peak_job;

static void peak_task(void *arg, size_t begin, size_t end, int worker)
{
    peak_job *j = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) j->sink[i] = j->chains();
}

static int peak_lanes(const char *isa, float (**chains)(void))
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

double weft__peak_gflops(const char *isa)
{
    enum { ITEMS = 512 };
    float sink[ITEMS];
    peak_job job = {.sink = sink};
    int lanes = peak_lanes(isa, &job.chains), items = 4 * weft__workers();
    if (items > ITEMS) items = ITEMS;
    double best = 0, start = weft__seconds();
    for (int i = 0; i < 3 || weft__seconds() - start < 0.35; i++) {
        double before = weft__seconds();
        weft__parallel((size_t)items, 1, peak_task, &job);
        double rate = 2.0 * lanes * CHAINS * LOOPS * items / (weft__seconds() - before);
        if (rate > best) best = rate;
    }
    return best * 1e-9;
}

/* ---- memory: y[i] += x[i] over more than any cache holds ---- */

typedef struct memory_job {
    float *x, *y;
} memory_job;

static void memory_task(void *arg, size_t begin, size_t end, int worker)
{
    memory_job *j = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) j->y[i] += j->x[i];
}

double weft__memory_rate(void)
{
    const size_t count = (size_t)24 << 20; /* of each of two arrays: 96 MiB */
    memory_job job = {weft__alloc(count, sizeof(float)),
                      weft__alloc(count, sizeof(float))};
    double best = 0;
    for (size_t i = 0; job.x && i < count; i++) job.x[i] = 1;
    for (int i = 0; job.x && job.y && i < 5; i++) { /* the first run touches y's pages */
        double before = weft__seconds();
        weft__parallel(count, (size_t)1 << 16, memory_task, &job);
        double rate = 3.0 * (double)(count * sizeof(float)) / (weft__seconds() - before);
        if (i && rate > best) best = rate;
    }
    free(job.x);
    free(job.y);
    return best;
}

const char *weft__cpu_name(void)
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

const char *weft__compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}
