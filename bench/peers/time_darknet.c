/* time_darknet.c: times Darknet on one of darknet/NAME.cfg with made-up data:
 * time_darknet train|infer CFG BATCH SECONDS prints a JSON object. */
#include "darknet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* In libdarknet, but declared differently by versions of its header. */
extern float train_network_datum(network *net);

enum { TIMES_MOST = 4000 };

typedef struct bench {
    network *net;
    float *input;
    int training;
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void fill(bench *b)
{
    network *net = b->net;
    int inputs = net->inputs * net->batch;
    b->input = malloc(sizeof *b->input * (size_t)inputs);
    if (!b->input) exit(6);
    srand(7);
    for (int i = 0; i < inputs; i++)
        b->input[i] = 3.4641f * ((float)rand() / (float)RAND_MAX - 0.5f);
    memcpy(net->input, b->input, sizeof *b->input * (size_t)inputs);
    for (int i = 0; net->truths && i < net->truths * net->batch; i++)
        net->truth[i] = i % net->truths == i / net->truths * 7 % net->truths;
}

static void step(bench *b)
{
    if (b->training)
        train_network_datum(b->net);
    else
        network_predict(b->net, b->input);
}

static int measure(bench *b, double seconds, double *t)
{
    int n = 0;
    double start = now();
    do step(b);
    while (now() - start < seconds / 4);
    double before = start = now();
    while (n < TIMES_MOST && (!n || before - start < seconds)) { /* some take 10 s */
        step(b);
        double after = now();
        t[n++] = (after - before) * 1e3;
        before = after;
    }
    qsort(t, (size_t)n, sizeof *t, compare);
    return n;
}

int main(int argc, char **argv)
{
    static double t[TIMES_MOST];
    struct rusage usage;
    if (argc != 5) return fprintf(stderr, "time_darknet: takes 4 arguments\n"), 2;
    bench b = {.training = !strcmp(argv[1], "train")};
    b.net = parse_network_cfg(argv[2]);
    if (!b.training) set_batch_network(b.net, atoi(argv[3]));
    fill(&b);
    int n = measure(&b, atof(argv[4]), t);
    getrusage(RUSAGE_SELF, &usage);
    printf("\n{\"batch\": %d, \"steps\": %d, \"med_ms\": %.5g, \"min_ms\": %.5g, "
           "\"p10_ms\": %.5g, \"p90_ms\": %.5g, \"resident_bytes\": %ld}\n",
           b.net->batch, n, t[n / 2], t[0], t[n / 10], t[n * 9 / 10],
           usage.ru_maxrss * 1024L);
    return 0;
}
