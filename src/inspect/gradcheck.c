/* gradcheck.c: every gradient of a plan against differences of its loss. */
#include "base/checked.h"
#include "base/rng.h"
#include "inspect/difference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The tensor at work. */
typedef struct tensor {
    weft__differences d;
    const weft__tensor *t;
    const double *analytic; /* in storage order */
    size_t samples;         /* as many pairs, 0: all */
    size_t *at;             /* [count]: elements with a gradient, then those without */
    size_t given;           /* how many there are with one */
    weft_gradcheck_pair *pair;
    size_t room; /* pairs that there is memory for */
    weft_gradcheck_row row;
} tensor;

static weft_status out_of_memory(void)
{
    return weft__fail(WEFT_ENOMEM, "gradcheck: out of memory");
}

static double largest(const double *x, size_t n)
{
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fabs(x[i]) > m ? fabs(x[i]) : m;
    return m;
}

/* The number in logical order of the element that lies at `at`. */
static size_t logical_index(const weft__tensor *t, size_t at)
{
    int dim[WEFT_MAX_RANK], place[WEFT_MAX_RANK];
    size_t coordinate[WEFT_MAX_RANK] = {0}, index = 0;
    weft__storage(t, dim, place);
    for (int i = t->rank - 1; i >= 0; i--) {
        coordinate[i] = at % (size_t)dim[i];
        at /= (size_t)dim[i];
    }
    for (int i = 0; i < t->rank; i++)
        index = index * (size_t)t->dim[i] + coordinate[place[i]];
    return index;
}

/* ---- which elements ---- */

static void divide(tensor *c)
{
    size_t count = c->t->count, last = count;
    c->given = 0;
    for (size_t i = 0; i < count; i++)
        if (c->analytic[i] != 0) c->at[c->given++] = i;
    for (size_t i = count; i-- > 0;)
        if (c->analytic[i] == 0) c->at[--last] = i;
}

static weft_gradcheck_verdict compare(tensor *c, size_t at)
{
    weft_gradcheck_row *r = &c->row;
    weft_gradcheck_pair *pair = &c->pair[r->tried++];
    *pair = (weft_gradcheck_pair){.index = logical_index(c->t, at)};
    weft__difference_compare(&c->d, at, c->analytic[at], pair);
    r->kinks += pair->verdict == WEFT_GRADCHECK_KINK;
    r->faults += pair->verdict == WEFT_GRADCHECK_FAULT;
    r->unseen += pair->verdict == WEFT_GRADCHECK_UNSEEN;
    if (!isnan(r->worst) && !(pair->error <= r->worst)) r->worst = pair->error;
    return pair->verdict;
}

/* One element of each of `samples` equal parts of those with a gradient, at a random
 * place: a fixed stride could meet the same channel each time. Of the last part it is
 * the last one. */
static void compare_given(tensor *c, weft__rng *r)
{
    size_t n = c->given, parts = c->samples && c->samples < n ? c->samples : n;
    for (size_t k = 0; k < parts; k++) {
        size_t from = k * (n / parts) + k * (n % parts) / parts;
        size_t to = (k + 1) * (n / parts) + (k + 1) * (n % parts) / parts;
        size_t pick = from + (size_t)(weft__rng_uniform(r) * (double)(to - from));
        compare(c, c->at[k + 1 == parts ? n - 1 : pick]);
    }
}

/* Elements whose derivative is 0 also by differences are no pairs. */
static void compare_all_zeros(tensor *c)
{
    for (size_t i = c->given; i < c->t->count; i++) {
        compare(c, c->at[i]);
        const weft_gradcheck_pair *last = &c->pair[c->row.tried - 1];
        bool unseen = last->verdict == WEFT_GRADCHECK_UNSEEN;
        if (!unseen && last->verdict != WEFT_GRADCHECK_OK) continue;
        c->row.unseen -= unseen;
        c->row.tried--;
        c->row.zero++;
    }
}

/* Of n elements, which differences see as a whole, brings one that they see to the
 * front. */
static void bring_seen(tensor *c, size_t *at, size_t n)
{
    size_t *from = at;
    while (n > 1) {
        size_t half = n / 2;
        double first = fabs(weft__directional(&c->d, from, half));
        double second = fabs(weft__directional(&c->d, from + half, n - half));
        bool later = second > first;
        from += later ? half : 0;
        n = later ? n - half : half;
    }
    size_t found = *from;
    *from = *at;
    *at = found;
}

/* Back-propagation gives nothing to these. They are moved all at once: when the loss
 * stays, all of them are 0; else halving finds those that are not. */
static void search_zeros(tensor *c)
{
    size_t *at = c->at + c->given, n = c->t->count - c->given;
    size_t most = c->room - c->row.tried;
    for (size_t missed = 0; n; n--, at++) {
        double seen = fabs(weft__directional(&c->d, at, n));
        double least = c->d.tolerance * (c->d.floor + 1e-9);
        if (seen <= least || seen <= fmax(least, weft__directional_noise(&c->d))) break;
        if (!most-- || missed > 2) return;
        bring_seen(c, at, n);
        missed += compare(c, *at) == WEFT_GRADCHECK_OK;
    }
    c->row.zero = n;
}

/* ---- a tensor ---- */

static bool worse(const weft_gradcheck_pair *a, const weft_gradcheck_pair *b)
{
    bool fault = a->verdict == WEFT_GRADCHECK_FAULT;
    if (fault != (b->verdict == WEFT_GRADCHECK_FAULT)) return fault;
    return b->error < a->error || (isnan(a->error) && !isnan(b->error));
}

static int by_index(const void *a, const void *b)
{
    size_t x = ((const weft_gradcheck_pair *)a)->index;
    size_t y = ((const weft_gradcheck_pair *)b)->index;
    return (x > y) - (x < y);
}

static void order_pairs(weft_gradcheck_pair *pair, size_t n)
{
    size_t worst = 0;
    if (!n) return;
    qsort(pair, n, sizeof *pair, by_index);
    for (size_t i = 1; i < n; i++)
        if (worse(&pair[i], &pair[worst])) worst = i;
    weft_gradcheck_pair first = pair[worst];
    memmove(pair + 1, pair, worst * sizeof *pair);
    pair[0] = first;
}

static weft_gradcheck_verdict verdict_of(const weft_gradcheck_row *r)
{
    if (r->faults) return WEFT_GRADCHECK_FAULT;
    if (r->tried == r->unseen) return WEFT_GRADCHECK_UNSEEN;
    return r->kinks ? WEFT_GRADCHECK_KINK : WEFT_GRADCHECK_OK;
}

static void check_elements(tensor *c, int v)
{
    weft__rng r = weft__rng_at(0, WEFT_RNG_KEY(WEFT_RNG_TEST, 0), (uint64_t)v);
    c->d.floor = 1e-3 * largest(c->analytic, c->t->count);
    c->d.noise = -1;
    divide(c);
    compare_given(c, &r);
    if (c->samples)
        search_zeros(c);
    else
        compare_all_zeros(c);
    order_pairs(c->pair, c->row.tried);
}

/* analytic is NULL where the backward pass gives nothing. */
static weft_status check_tensor(tensor *c, int v, const double *analytic)
{
    const weft_plan *p = c->d.p;
    const weft__tensor *t = c->t = &p->val[v].t;
    size_t count = t->count;
    c->row = (weft_gradcheck_row){.name = p->g->value[v].name, .count = count};
    c->row.shape.rank = t->rank;
    memcpy(c->row.shape.dim, t->dim, sizeof t->dim);
    c->row.verdict = WEFT_GRADCHECK_UNSEEN;
    if (!analytic) return WEFT_OK;
    c->analytic = analytic;
    c->d.x = t->data;
    c->d.count = count;
    c->room =
        c->samples && c->samples < count / 2 ? c->samples + c->samples / 4 + 4 : count;
    c->at = weft__alloc(count, sizeof *c->at);
    c->d.kept = weft__alloc(count, sizeof *c->d.kept);
    c->pair = weft__alloc(c->room + 1, sizeof *c->pair);
    if (!c->at || !c->d.kept || !c->pair) return out_of_memory();
    check_elements(c, v);
    c->row.pair = c->pair;
    c->row.verdict = verdict_of(&c->row);
    return WEFT_OK;
}

static void release(tensor *c)
{
    free(c->at);
    free(c->d.kept);
    free(c->pair);
    c->at = NULL;
    c->d.kept = NULL;
    c->pair = NULL;
}

/* ---- a plan ---- */

static bool is_checked(const weft_plan *p, int v)
{
    const weft__value *x = &p->g->value[v];
    if (x->kind == WEFT_KIND_INPUT) return p->opts.input_gradients && x->type != WEFT_I32;
    return x->kind == WEFT_KIND_PARAM && !x->frozen;
}

static bool has_gradient(const weft_plan *p, int v)
{
    return is_checked(p, v) && p->val[v].gradient.data;
}

/* All gradients, one after the other: the next forward may reuse the plan's memory. */
static double *copy_gradients(const weft_plan *p)
{
    size_t count = 1;
    for (int v = 1; v < p->g->values; v++)
        if (has_gradient(p, v)) count += p->val[v].t.count;
    double *all = malloc(count * sizeof *all), *at = all;
    for (int v = 1; v < p->g->values && all; v++) {
        if (!has_gradient(p, v)) continue;
        memcpy(at, p->val[v].gradient.data, p->val[v].t.count * sizeof *at);
        at += p->val[v].t.count;
    }
    return all;
}

static weft_status refuse(const weft_gradcheck_row *r, double tolerance)
{
    if (!r->faults)
        return weft__fail(WEFT_EBUG, "gradcheck: no gradient reaches %s", r->name);
    return weft__fail(WEFT_EBUG,
                      "gradcheck: %s is off by %.3g (relative), allowed %.3g: element "
                      "%zu is %.6g by back-propagation, %.6g by differences",
                      r->name, r->worst, tolerance, r->pair->index, r->pair->analytic,
                      r->pair->numeric);
}

/* The row to be named if all were over: a fault before a parameter without a gradient,
 * then the larger error. */
static bool fails_worse(const weft_gradcheck_row *a, double worst, weft_status before)
{
    if (a->faults) return !before || !(a->worst <= worst);
    return a->verdict == WEFT_GRADCHECK_UNSEEN && !before;
}

static weft_status check_all(tensor *c, const double *at,
                             void (*found)(void *user, const weft_gradcheck_row *row),
                             void *user)
{
    const weft_plan *p = c->d.p;
    double worst = -1; /* error of the fault that the message names */
    weft_status verdict = WEFT_OK;
    for (int v = 1; v < p->g->values; v++) {
        if (!is_checked(p, v)) continue;
        bool reached = has_gradient(p, v);
        weft_status s = check_tensor(c, v, reached ? at : NULL);
        at += reached ? c->t->count : 0;
        if (!s && found) found(user, &c->row);
        if (!s && fails_worse(&c->row, worst, verdict)) {
            verdict = refuse(&c->row, c->d.tolerance);
            worst = c->row.faults ? c->row.worst : -1;
        }
        release(c);
        if (s) return s;
    }
    return verdict;
}

weft_status weft_gradcheck(weft_plan *p, size_t samples, double tolerance,
                           void (*found)(void *user, const weft_gradcheck_row *row),
                           void *user)
{
    weft_graph *g = p->g;
    if (!g->f64 || !p->opts.loss.id)
        return weft__fail(WEFT_EUSAGE,
                          "gradcheck: needs a graph in double precision and a loss");
    double *buffers = malloc((g->buffer_count + 1) * sizeof *buffers), *all = NULL;
    if (!buffers) return out_of_memory();
    memcpy(buffers, g->buffers, g->buffer_count * sizeof *buffers);
    weft_status s = weft_plan_forward(p);
    if (!s) s = weft_plan_backward(p);
    if (!s) all = copy_gradients(p);
    if (!s && !all) s = out_of_memory();
    tensor c = {.d = {.p = p, .buffers = buffers}, .samples = samples};
    c.d.tolerance = tolerance > 0 ? tolerance : 1e-6;
    if (!s) c.d.loss = weft__difference_loss(&c.d);
    if (!s) s = check_all(&c, all, found, user);
    memcpy(g->buffers, buffers, g->buffer_count * sizeof *buffers);
    free(all);
    free(buffers);
    return s;
}
