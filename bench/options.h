/* options.h: what the programs that time kernels share: their options, the machine's
 * line, their lists of shapes. */
#ifndef WEFT_BENCH_OPTIONS_H
#define WEFT_BENCH_OPTIONS_H

#include "weft/base.h"

#include "base/measure.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *program;
    int threads, json, exact;  /* exact: convolutions without Winograd */
    double seconds, peak;      /* of one measurement; of the machine, GF/s */
    const char *shapes, *only; /* folder; part of the names to be timed */
} settings;

static inline int misused(const settings *s, const char *what, const char *value)
{
    fprintf(stderr, "%s: %s: %s; see %s --help\n", s->program, what, value, s->program);
    return 2;
}

static const char options_usage[] =
    "usage: %s [--threads N] [--seconds S] [--json] [--only TEXT] [--shapes DIR] "
    "[--peak GFLOPS] [--exact-conv]\n"
    "%s\n"
    "--seconds is for one measurement (%g). --only: names that contain TEXT. --json "
    "prints one\n"
    "object per line. --peak: of the machine, where it is known already. --exact-conv:\n"
    "convolutions without Winograd; rates count the operations of those.\n";

static inline int options_one(settings *s, int c, const char *about)
{
    char *end = NULL;
    double value = optarg ? strtod(optarg, &end) : 0;
    if (c == 'h') return printf(options_usage, s->program, about, s->seconds), -1;
    if (c == '?') return fprintf(stderr, options_usage, s->program, about, s->seconds), 2;
    if (c == 'j') s->json = 1;
    if (c == 'e') s->exact = 1;
    if (c == 'd') s->shapes = optarg;
    if (c == 'o') s->only = optarg;
    if (!strchr("tsk", c)) return 0;
    if (end == optarg || *end || !(value >= 0)) return misused(s, "not a number", optarg);
    if (c == 't') s->threads = value < 1e6 ? (int)value : -1;
    if (c == 's') s->seconds = value;
    if (c == 'k') s->peak = value;
    return 0;
}

/* Reads the options, sets the threads, measures the peak. 0; -1 after --help; else an
 * exit code. s brings the program's name and defaults; about is a line for --help. */
static inline int options_read(int argc, char **argv, settings *s, const char *about)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"shapes", required_argument, NULL, 'd'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"peak", required_argument, NULL, 'k'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"exact-conv", no_argument, NULL, 'e'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        int done = options_one(s, c, about);
        if (done) return done;
    }
    if (optind < argc) return misused(s, "unexpected", argv[optind]);
    if (weft_set_threads(s->threads)) return misused(s, "--threads", weft_last_error());
    if (s->peak <= 0) s->peak = weft__peak_gflops(weft_isa());
    return 0;
}

static inline void tell_machine(const settings *s)
{
    if (s->json)
        printf(
            "{\"who\": \"weft\", \"version\": \"%s\", \"cpu\": \"%s\", \"isa\": \"%s\", "
            "\"threads\": %d, \"compiler\": \"%s\", \"peak_gflops\": %.4g}\n",
            weft_version(), weft__cpu_name(), weft_isa(), weft_threads(),
            weft__compiler(), s->peak);
    else
        printf("weft %s, %s, %s, %d threads, %s; peak %.1f GF/s\n", weft_version(),
               weft__cpu_name(), weft_isa(), weft_threads(), weft__compiler(), s->peak);
}

/* Gives each line of a list of shapes, but comments and empty ones, to row: 0 done,
 * negative not a shape, else an exit code that ends it all. */
static inline int shapes_each(const settings *s, const char *file,
                              int (*row)(const settings *s, const char *line))
{
    char path[1024], line[256];
    int number = 0, failed = 0;
    snprintf(path, sizeof path, "%s/%s", s->shapes, file);
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "%s: %s: cannot open\n", s->program, path);
        return WEFT_EIO;
    }
    while (!failed && fgets(line, sizeof line, f)) {
        number++;
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0') continue;
        failed = row(s, line);
        if (failed < 0) {
            fprintf(stderr, "%s: %s:%d: not a shape\n", s->program, path, number);
            failed = WEFT_EUSAGE;
        }
    }
    fclose(f);
    return failed;
}

static inline int wanted(const settings *s, const char *name)
{
    return !s->only || strstr(name, s->only);
}

#endif
