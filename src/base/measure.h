/* measure.h: how long work takes, and what this machine can do at most. */
#ifndef WEFT_SRC_BASE_MEASURE_H
#define WEFT_SRC_BASE_MEASURE_H

typedef struct weft__measured {
    int n; /* times taken; those below are in seconds */
    double median, min, p10, p90;
} weft__measured;

/* Sorts the times of n > 0 runs. */
weft__measured weft__summary(double *times, int n);

/* Does one unit of work; the i-th. Not 0 ends the measuring. */
typedef int weft__measure_fn(void *arg, int i);

/* Runs work for about `seconds`, after a quarter of that to warm up; `least` times if
 * that takes no more than four times as long. Returns what work returned last, or
 * WEFT_ENOMEM. */
int weft__measure(weft__measure_fn *work, void *arg, double seconds, int least,
                  weft__measured *out);

/* The most single-precision GF/s that all threads together reach with this instruction
 * set (a multiply-add counts 2). Takes about a third of a second. */
double weft__peak_gflops(const char *isa);

/* Bytes per second that all threads together read and write when nothing is in a cache;
 * 0 when out of memory. */
double weft__memory_rate(void);

/* The processor's name as the system gives it, quotes and backslashes left out; "?"
 * when unknown. */
const char *weft__cpu_name(void);

/* What compiled the library: "gcc 12.2.0". */
const char *weft__compiler(void);

#endif
