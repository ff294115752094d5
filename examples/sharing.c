/* sharing.c: one kernel serves every place, one matrix every step: the gradient of what
 * is shared is the sum over its uses. Shown by giving each use a copy of its own. */
/* run: */
#include <weft/weft.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LENGTH = 8, KERNEL = 3, PLACES = LENGTH - KERNEL + 1, UNITS = 3, STEPS = 6 };

static void stop_on(weft_status s)
{
    if (!s) return;
    fprintf(stderr, "sharing: %s\n", weft_last_error());
    exit(weft_exit_code(s));
}

/* The mean square: its gradient at y is 2 y over their number. */
static weft_value loss_of(weft_graph *g, weft_value y)
{
    return weft_reduce_mean(g, weft_mul(g, y, y), 0, NULL, false);
}

/* Numbers that look random and are the same everywhere. */
static void fill(float *x, int n, int salt)
{
    for (int i = 0; i < n; i++) x[i] = 0.8f * sinf(1.7f * (float)(i + 1) + (float)salt);
}

static void set(weft_graph *g, weft_value v, int n, int salt)
{
    float x[UNITS * UNITS];
    fill(x, n, salt);
    stop_on(weft_param_set(g, v, x, (size_t)n));
}

/* Forth and back over one sequence; the plan is for the caller to free. */
static weft_plan *run(weft_graph *g, weft_value x, int n, weft_value loss)
{
    float data[STEPS * UNITS];
    weft_plan *p = NULL;
    fill(data, n, 5);
    stop_on(weft_graph_status(g));
    stop_on(weft_plan_new(g, &(weft_plan_opts){.batch = 1, .loss = loss}, &p));
    stop_on(weft_plan_set(p, x, data, (size_t)n));
    stop_on(weft_plan_forward(p));
    stop_on(weft_plan_backward(p));
    return p;
}

static void show_row(const char *name, const float *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)x[i] * x[i];
    printf("%-9s %9.6f  ", name, sqrt(sum));
    for (int i = 0; i < 3; i++) printf(" %10.6f", (double)x[i]);
    printf("\n");
}

/* Prints what each copy gets, their sum, and what the shared parameter gets: how far
 * are they apart? Uses are numbered from `first`. */
static double compare(const weft_graph *apart, const weft_value *copy, int copies,
                      const char *use, int first, const weft_graph *shared,
                      weft_value one, int n)
{
    float part[UNITS * UNITS], sum[UNITS * UNITS] = {0}, whole[UNITS * UNITS];
    double off = 0;
    char name[32];
    printf("%-9s %9s   the first three elements\n", "", "norm");
    for (int k = 0; k < copies; k++) {
        stop_on(weft_param_gradient(apart, copy[k], part, (size_t)n));
        for (int i = 0; i < n; i++) sum[i] += part[i];
        snprintf(name, sizeof name, "%s %d", use, k + first);
        show_row(name, part, n);
    }
    stop_on(weft_param_gradient(shared, one, whole, (size_t)n));
    for (int i = 0; i < n; i++) off = fmax(off, fabs((double)sum[i] - whole[i]));
    show_row("sum", sum, n);
    show_row("shared", whole, n);
    printf("largest difference between sum and shared: %.1e\n\n", off);
    return off;
}

/* y[p] = sum over k of w[k] x[p + k]: a convolution; and a dense layer for each
 * place. */
static double convolution(void)
{
    weft_graph *g = weft_graph_new(), *h = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 1, LENGTH));
    weft_value w = weft_param(g, "w", WEFT_SHAPE(1, 1, KERNEL));
    weft_value y = weft_conv(g, x, w, WEFT_NONE, NULL);
    weft_value copy[PLACES], part[PLACES], z = weft_input(h, "x", WEFT_SHAPE(0, LENGTH));
    for (int p = 0; p < PLACES; p++) {
        char name[16];
        snprintf(name, sizeof name, "w%d", p + 1);
        copy[p] = weft_param(h, name, WEFT_SHAPE(1, KERNEL));
        weft_value window = weft_slice(h, z, 1, &(weft_slice_range){1, p, p + KERNEL, 1});
        part[p] = weft_dense(h, window, copy[p], WEFT_NONE);
    }
    set(g, w, KERNEL, 1);
    for (int p = 0; p < PLACES; p++) set(h, copy[p], KERNEL, 1);
    weft_plan *a = run(g, x, LENGTH, loss_of(g, y));
    weft_plan *b = run(h, z, LENGTH, loss_of(h, weft_concat(h, part, PLACES, 1)));
    printf("A convolution: kernel of %d over %d places\n", KERNEL, PLACES);
    double off = compare(h, copy, PLACES, "place", 1, g, w, KERNEL);
    weft_plan_free(a);
    weft_plan_free(b);
    weft_graph_free(g);
    weft_graph_free(h);
    return off;
}

/* h[t] = tanh(x[t] + R h[t-1]): a recurrent layer whose W is the identity, and the same
 * with a matrix for every step. The loss looks at the last state only. */
static double recurrence(void)
{
    weft_graph *g = weft_graph_new(), *h = weft_graph_new();
    float identity[UNITS * UNITS] = {0};
    for (int i = 0; i < UNITS; i++) identity[i * UNITS + i] = 1;
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, STEPS, UNITS)), last;
    weft_value w = weft_const(g, "w", WEFT_SHAPE(1, UNITS, UNITS), identity);
    weft_value r = weft_param(g, "r", WEFT_SHAPE(1, UNITS, UNITS));
    weft_rnn(g, x, &(weft_rnn_in){.w = w, .r = r}, NULL, &last);
    weft_value copy[STEPS], z = weft_input(h, "x", WEFT_SHAPE(0, STEPS, UNITS));
    weft_value state = WEFT_NONE;
    for (int t = 0; t < STEPS; t++) {
        char name[16];
        snprintf(name, sizeof name, "r%d", t + 1);
        weft_value now = weft_slice(h, z, 1, &(weft_slice_range){1, t, t + 1, 1});
        now = weft_flatten(h, now, 1);
        if (t) {
            copy[t] = weft_param(h, name, WEFT_SHAPE(UNITS, UNITS));
            now = weft_add(h, now, weft_dense(h, state, copy[t], WEFT_NONE));
        }
        state = weft_tanh(h, now);
    }
    set(g, r, UNITS * UNITS, 2);
    for (int t = 1; t < STEPS; t++) set(h, copy[t], UNITS * UNITS, 2);
    weft_plan *a = run(g, x, STEPS * UNITS, loss_of(g, last));
    weft_plan *b = run(h, z, STEPS * UNITS, loss_of(h, state));
    printf("A recurrent layer: matrix of %d x %d over %d steps (step 1 has no state "
           "before it)\n",
           UNITS, UNITS, STEPS);
    double off = compare(h, copy + 1, STEPS - 1, "step", 2, g, r, UNITS * UNITS);
    weft_plan_free(a);
    weft_plan_free(b);
    weft_graph_free(g);
    weft_graph_free(h);
    return off;
}

int main(void)
{
    double a = convolution(), b = recurrence();
    return fmax(a, b) > 1e-6;
}
