/* every_op.h: what the table tests share: each row's sample, built, filled and run.
 *
 * WEFT_TEST_CASES is the number of random cases of each operator, WEFT_TEST_SEED the
 * seed, WEFT_TEST_OP runs one operator alone. A case is a function of (seed, operator's
 * name, number). */
#ifndef WEFT_TESTS_EVERY_OP_H
#define WEFT_TESTS_EVERY_OP_H

#include "test.h"

#include "base/rng.h"
#include "graph/graph.h"
#include "weft/ops.h"
#include "weft/inspect.h"

typedef struct every_case {
    const weft_op *op;
    int number;
    uint64_t key; /* of the operator's name */
    weft_graph *g;
    weft_value out, loss;
    weft_value kept; /* what is compared as the output; none: out */
} every_case;

static inline int every_cases(void)
{
    const char *text = getenv("WEFT_TEST_CASES");
    int n = text ? atoi(text) : 0;
    return n > 0 ? n : 50;
}

static inline uint64_t every_key(const char *name)
{
    uint64_t h = 1469598103934665603u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h;
}

static inline weft_value every_weighted_sum(weft_graph *g, weft_value y)
{
    weft_shape s = weft_shape_of(g, y);
    weft_value by = weft_input(g, "upstream", s);
    return weft_reduce_sum(g, weft_mul(g, y, by), 0, NULL, false);
}

/* Builds case `number` of op. with_loss: a loss behind it, unless it is one. */
static inline every_case every_make(const weft_op *op, int number, bool f64,
                                    bool with_loss)
{
    every_case c = {.op = op, .number = number, .key = every_key(op->name)};
    weft__rng rng = weft__rng_at(test_seed(), c.key, (uint64_t)number);
    c.g = weft_graph_new();
    CHECK(c.g != NULL);
    if (f64) weft_graph_use_double(c.g);
    c.out = op->sample(c.g, &rng);
    if (with_loss && !weft_graph_status(c.g))
        c.loss =
            weft_shape_of(c.g, c.out).rank == 0 ? c.out : every_weighted_sum(c.g, c.out);
    if (weft_graph_status(c.g)) {
        print_error("%s, case %d: %s\n", op->name, number, weft_graph_error(c.g));
        FAIL("the sample can be built");
    }
    return c;
}

static inline size_t every_count(weft_shape s)
{
    size_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= (size_t)s.dim[i];
    return n;
}

/* How values are spread. APART: no two of a tensor are closer than a hundredth of their
 * range over their number, and none is near a multiple of 1/4, where activations have
 * their kinks. */
typedef enum every_spread { EVERY_NORMAL, EVERY_APART } every_spread;

static inline void every_numbers(const every_case *c, weft_value v, every_spread spread,
                                 float *x, size_t n)
{
    const weft__value *value = &c->g->value[v.id];
    weft__rng rng = weft__rng_at(test_seed(), c->key ^ every_key(value->name),
                                 (uint64_t)c->number + 1000000);
    double reach = weft__rng_below(&rng, 4) ? 2.2 : 7;
    double low = value->sampled ? value->low : -reach;
    double high = value->sampled ? value->high : reach;
    uint32_t *order = calloc(n + 1, sizeof *order);
    CHECK(order != NULL);
    for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    weft__rng_shuffle(&rng, order, n);
    double shift = weft__rng_range(&rng, 0.3, 0.7);
    for (size_t i = 0; i < n; i++) {
        double u = (order[i] + shift) / (double)n, quarter;
        x[i] = (float)(value->sampled ? weft__rng_range(&rng, low, high)
                                      : weft__rng_normal(&rng));
        if (spread == EVERY_NORMAL) continue;
        x[i] = (float)(low + u * (high - low));
        quarter = round(x[i] * 4.0) / 4;
        if (fabs(x[i] - quarter) < 1e-3)
            x[i] = (float)(quarter + (x[i] < quarter ? -1e-3 : 1e-3));
    }
    free(order);
}

static inline void every_fill_int(const every_case *c, weft_plan *p, weft_value v)
{
    size_t n = every_count(weft_plan_shape(p, v));
    int32_t *x = calloc(n + 1, sizeof *x);
    int limit = c->g->value[v.id].limit;
    weft__rng rng = weft__rng_at(test_seed(), c->key ^ every_key(weft_name_of(c->g, v)),
                                 (uint64_t)c->number);
    CHECK(x != NULL);
    for (size_t i = 0; i < n; i++) x[i] = (int32_t)weft__rng_below(&rng, (uint32_t)limit);
    CHECK(weft_plan_set_int(p, v, x, n) == WEFT_OK);
    free(x);
}

/* Gives every parameter its value: the same in each graph of this case. */
static inline void every_fill_params(const every_case *c, every_spread spread)
{
    for (int i = 0; i < weft_param_count(c->g); i++) {
        weft_param_info info = weft_param_at(c->g, i);
        float *x = calloc(info.count + 1, sizeof *x);
        CHECK(x != NULL);
        every_numbers(c, info.value, spread, x, info.count);
        CHECK(weft_param_set(c->g, info.value, x, info.count) == WEFT_OK);
        free(x);
    }
}

/* Gives every input of the plan its value, likewise. */
static inline void every_fill_inputs(const every_case *c, weft_plan *p,
                                     every_spread spread)
{
    for (int i = 0; i < weft_input_count(c->g); i++) {
        weft_value v = weft_input_at(c->g, i);
        size_t n = every_count(weft_plan_shape(p, v));
        float *x;
        if (c->g->value[v.id].type == WEFT_I32) {
            every_fill_int(c, p, v);
            continue;
        }
        x = calloc(n + 1, sizeof *x);
        CHECK(x != NULL);
        every_numbers(c, v, spread, x, n);
        CHECK(weft_plan_set(p, v, x, n) == WEFT_OK);
        free(x);
    }
}

static inline weft_value every_kept(const every_case *c)
{
    return c->kept.id ? c->kept : c->out;
}

static inline weft_plan *every_plan(const every_case *c, weft_plan_opts opts)
{
    weft_plan *p = NULL;
    weft_status s;
    opts.batch = 2;
    weft_value kept = every_kept(c);
    opts.keep = &kept;
    opts.keep_count = 1;
    s = weft_plan_new(c->g, &opts, &p);
    if (s) print_error("%s, case %d: %s\n", c->op->name, c->number, weft_last_error());
    CHECK(s == WEFT_OK);
    weft_plan_random(p, 77, 5);
    return p;
}

/* Results of a run: the output, then every gradient, one behind the other. */
typedef struct every_result {
    int n;
    struct {
        char name[80];
        size_t count;
        float *x;
    } part[64];
} every_result;

static inline void every_part(every_result *r, const char *name, size_t count)
{
    CHECK(r->n < 64);
    snprintf(r->part[r->n].name, sizeof r->part->name, "%s", name);
    r->part[r->n].count = count;
    r->part[r->n].x = calloc(count + 1, sizeof(float));
    CHECK(r->part[r->n].x != NULL);
    r->n++;
}

static inline void every_free(every_result *r)
{
    for (int i = 0; i < r->n; i++) free(r->part[i].x);
    r->n = 0;
}

/* Runs a plan with these options and collects output, input gradients, parameter
 * gradients. */
static inline every_result every_run(const every_case *c, weft_plan_opts opts)
{
    every_result r = {0};
    weft_plan *p;
    every_fill_params(c, EVERY_NORMAL);
    p = every_plan(c, opts);
    every_fill_inputs(c, p, EVERY_NORMAL);
    CHECK(weft_plan_forward(p) == WEFT_OK);
    if (opts.loss.id) CHECK(weft_plan_backward(p) == WEFT_OK);
    every_part(&r, "output", every_count(weft_plan_shape(p, every_kept(c))));
    CHECK(weft_plan_get(p, every_kept(c), r.part[0].x, r.part[0].count) == WEFT_OK);
    for (int i = 0; i < weft_input_count(c->g) && opts.input_gradients; i++) {
        weft_value v = weft_input_at(c->g, i);
        if (c->g->value[v.id].type == WEFT_I32) continue;
        every_part(&r, weft_name_of(c->g, v), every_count(weft_plan_shape(p, v)));
        /* an input that the loss does not see has none: 0 */
        (void)weft_plan_gradient(p, v, r.part[r.n - 1].x, r.part[r.n - 1].count);
    }
    for (int i = 0; i < weft_param_count(c->g) && opts.loss.id; i++) {
        weft_param_info info = weft_param_at(c->g, i);
        if (!info.trainable) continue;
        every_part(&r, info.name, info.count);
        CHECK(weft_param_gradient(c->g, info.value, r.part[r.n - 1].x, info.count) ==
              WEFT_OK);
    }
    weft_plan_free(p);
    return r;
}

/* The largest difference of a part of a and b over that part's largest number in a;
 * infinite when NaNs lie elsewhere. *where is its name. */
static inline double every_difference(const every_result *a, const every_result *b,
                                      const char **where)
{
    double worst = 0;
    CHECK(a->n == b->n);
    *where = "";
    for (int i = 0; i < a->n; i++) {
        double most = 0.1, apart = 0; /* what comes from upstream is of size 1 */
        CHECK(a->part[i].count == b->part[i].count);
        for (size_t k = 0; k < a->part[i].count; k++) {
            double x = a->part[i].x[k], y = b->part[i].x[k];
            if (isfinite(x)) most = fmax(most, fabs(x));
            if (isfinite(x) && isfinite(y))
                apart = fmax(apart, fabs(x - y));
            else if (memcmp(&x, &y, sizeof x) && !(isnan(x) && isnan(y)))
                apart = INFINITY;
        }
        if (apart / most > worst) {
            worst = apart / most;
            *where = a->part[i].name;
        }
    }
    return worst;
}

static inline bool every_same_bits(const every_result *a, const every_result *b,
                                   const char **where)
{
    *where = "the number of results";
    if (a->n != b->n) return false;
    for (int i = 0; i < a->n; i++) {
        *where = a->part[i].name;
        if (a->part[i].count != b->part[i].count ||
            memcmp(a->part[i].x, b->part[i].x, a->part[i].count * sizeof(float)))
            return false;
    }
    return true;
}

/* ---- finite differences ---- */

#define EVERY_GRADIENT_TOLERANCE 1e-6

static inline void every_worst(void *user, const weft_gradcheck_row *row)
{
    weft_gradcheck_row *worst = user;
    if (!(row->worst <= worst->worst)) *worst = *row;
}

/* Adds a multiple of every float input and parameter to the loss, so that no
 * gradient is nearly 0. */
static inline void every_anchor(every_case *c)
{
    const float odd = 2.7f; /* not what an activation tends to */
    weft_value sum, times = weft_const(c->g, "anchor", WEFT_SHAPE(1), &odd);
    int values = c->g->values;
    for (int i = 1; i < values; i++) {
        const weft__value *v = &c->g->value[i];
        if (v->type == WEFT_I32 ||
            (v->kind != WEFT_KIND_INPUT && v->kind != WEFT_KIND_PARAM))
            continue;
        sum =
            weft_reduce_sum(c->g, weft_mul(c->g, (weft_value){i}, times), 0, NULL, false);
        c->loss = weft_add(c->g, c->loss, sum);
    }
    CHECK(weft_graph_status(c->g) == WEFT_OK);
}

static inline weft_status every_gradcheck(every_case *c, weft_gradcheck_row *worst)
{
    weft_plan *p;
    weft_status s;
    every_fill_params(c, EVERY_APART);
    p = every_plan(c, (weft_plan_opts){.loss = c->loss,
                                       .training = c->number % 4 != 0,
                                       .input_gradients = true});
    every_fill_inputs(c, p, EVERY_APART);
    s = weft_gradcheck(p, 24, EVERY_GRADIENT_TOLERANCE, every_worst, worst);
    weft_plan_free(p);
    weft_graph_free(c->g);
    return s;
}

/* A gradient that is as good as 0 (of a norm over two elements, of erf far out)
 * drowns in the rounding of the loss, and relative errors say nothing; beside a
 * large one it must still fit. */
static inline bool every_gradients_fit(const weft_op *op, int number,
                                       every_case (*make)(const weft_op *op, int number))
{
    weft_gradcheck_row worst = {.name = ""}, again = worst;
    every_case c = make(op, number);
    if (!every_gradcheck(&c, &worst)) return true;
    c = make(op, number);
    every_anchor(&c);
    if (worst.worst < 0.01 && !every_gradcheck(&c, &again)) return true;
    print_error("%s, case %d: %s of %zu elements is off by %g\n", op->name, number,
                worst.name, worst.count, worst.worst);
    return false;
}

/* Calls one(op, number) for all cases of every operator that has a sample; one returns
 * whether all is well and prints what is not. wanted (NULL: all) picks operators. */
static inline void every_row(const char *claim, bool (*wanted)(const weft_op *op),
                             bool (*one)(const weft_op *op, int number))
{
    const char *only = getenv("WEFT_TEST_OP");
    int cases = every_cases(), ops = 0, failed = 0;
    for (int i = 0; i < weft__op_count(); i++) {
        const weft_op *op = weft__op_at(i).f32;
        int wrong = 0;
        if (!op->sample || (wanted && !wanted(op)) || (only && strcmp(only, op->name)))
            continue;
        for (int k = 0; k < cases && wrong < 5; k++) wrong += !one(op, k);
        failed += wrong;
        ops++;
    }
    print_message("%s: %d operators x %d cases\n", claim, ops, cases);
    CHECK(ops > 0);
    CHECK(failed == 0);
}

#endif
