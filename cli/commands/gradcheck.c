/* gradcheck.c: `weft gradcheck`: every gradient of a model against finite
 * differences. */
#include "model_source.h"
#include "json_number.h"
#include "option.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

extern const command command_gradcheck;

typedef struct gradcheck_args {
    int batch, samples, pairs, classes, threads;
    double tolerance;
    uint64_t seed;
    bool json, inference;
} gradcheck_args;

static const option_row options[] = {
    INT(gradcheck_args, batch, "batch", 1, 1024, "samples in the pass (2)"),
    INT(gradcheck_args, samples, "samples", 0, 1000000000,
        "elements compared of each tensor; 0 all (20)"),
    INT(gradcheck_args, pairs, "pairs", 0, 1000000000,
        "of them shown, the worst first (3)"),
    REAL(gradcheck_args, tolerance, "tolerance", 1e-12, 1,
         "largest relative error allowed (1e-6)"),
    FLAG(gradcheck_args, inference, "inference",
         "without dropout, with running statistics"),
    INT(gradcheck_args, classes, "classes", 1, 1000000, "of a ready network (10)"),
    {.name = "seed",
     .kind = WEFT_OPTION_SEED,
     .metavar = "N",
     .offset = offsetof(gradcheck_args, seed),
     .help = "of inputs and loss (0)"},
    INT(gradcheck_args, threads, "threads", 0, 256, "that compute; by default all cores"),
    FLAG(gradcheck_args, json, "json", "print one JSON object on stdout"),
    END_OF_OPTIONS};

typedef struct table {
    json_t *rows;
    double worst;
    int tensors, shown; /* shown: pairs of a tensor that are printed */
    int faulty, dead;   /* tensors */
    size_t pairs, kinks;
} table;

static const char *const verdicts[] = {[WEFT_GRADCHECK_OK] = "ok",
                                       [WEFT_GRADCHECK_KINK] = "kink",
                                       [WEFT_GRADCHECK_UNSEEN] = "unseen",
                                       [WEFT_GRADCHECK_FAULT] = "fault"};

static const char *verdict_of(const weft_gradcheck_row *r)
{
    return r->verdict == WEFT_GRADCHECK_UNSEEN ? "dead" : verdicts[r->verdict];
}

/* Where the element lies in the tensor, one number for each dimension. */
static void coordinates(const weft_gradcheck_row *r, size_t index,
                        size_t at[WEFT_MAX_RANK])
{
    for (int i = r->shape.rank - 1; i >= 0; i--) {
        at[i] = index % (size_t)r->shape.dim[i];
        index /= (size_t)r->shape.dim[i];
    }
}

/* Pair number k of those shown: the worst, then some evenly spread over the rest. */
static const weft_gradcheck_pair *shown_pair(const table *t, const weft_gradcheck_row *r,
                                             int k)
{
    size_t others = (size_t)t->shown - 1, rest = r->tried - 1;
    if (!k) return r->pair;
    if (others >= rest) return &r->pair[k];
    return &r->pair[1 + (2 * (size_t)k - 1) * rest / (2 * others)];
}

static int shown_pairs(const table *t, const weft_gradcheck_row *r)
{
    return r->tried < (size_t)t->shown ? (int)r->tried : t->shown;
}

/* ---- as JSON ---- */

static json_t *pair_object(const weft_gradcheck_row *r, const weft_gradcheck_pair *p)
{
    size_t at[WEFT_MAX_RANK];
    json_t *place = json_array();
    coordinates(r, p->index, at);
    for (int i = 0; i < r->shape.rank; i++)
        json_array_append_new(place, json_integer((json_int_t)at[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:s}", "index", place, "analytic",
                     json_number(p->analytic), "numeric", json_number(p->numeric),
                     "error", json_number(p->error), "verdict", verdicts[p->verdict]);
}

static json_t *row_object(const table *t, const weft_gradcheck_row *r)
{
    json_t *pairs = json_array();
    for (int k = 0; k < shown_pairs(t, r); k++)
        json_array_append_new(pairs, pair_object(r, shown_pair(t, r, k)));
    return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "name",
                     r->name, "worst", json_number(r->worst), "tried",
                     (json_int_t)r->tried, "count", (json_int_t)r->count, "zero",
                     (json_int_t)r->zero, "unseen", (json_int_t)r->unseen, "kinks",
                     (json_int_t)r->kinks, "faults", (json_int_t)r->faults, "verdict",
                     verdict_of(r), "pairs", pairs);
}

/* ---- as text ---- */

static void print_head(void)
{
    printf("pairs: elements compared one by one; zero: elements without a gradient, by "
           "differences too\n\n");
    printf("%-32s %9s %7s %9s %6s %7s %10s  %s\n", "tensor", "elements", "pairs", "zero",
           "kinks", "faults", "worst", "verdict");
}

static void print_pair(const weft_gradcheck_row *r, const weft_gradcheck_pair *p)
{
    char place[WEFT_MAX_RANK * 12 + 3] = "[";
    size_t at[WEFT_MAX_RANK], end = 1;
    coordinates(r, p->index, at);
    for (int i = 0; i < r->shape.rank; i++)
        end +=
            (size_t)snprintf(place + end, sizeof place - end, i ? ",%zu" : "%zu", at[i]);
    printf("  %-24s analytic %14.7e  numeric %14.7e  error %8.1e  %s\n",
           strcat(place, "]"), p->analytic, p->numeric, p->error, verdicts[p->verdict]);
}

/* Why a tensor does not pass although nothing in it is wrong. */
static void print_reason(const weft_gradcheck_row *r)
{
    if (r->verdict != WEFT_GRADCHECK_UNSEEN) return;
    if (r->unseen)
        printf("  its gradients are too small for differences to see a fault\n");
    else if (r->zero)
        printf("  no gradient reaches it: all are 0, and moving it leaves the loss\n");
    else
        printf("  no gradient reaches it: no path leads from it back to the loss\n");
}

static void print_row(table *t, const weft_gradcheck_row *r)
{
    size_t length = strlen(r->name), most = 32;
    const char *cut = length > most ? "..." : "";
    const char *name = length > most ? r->name + length - most + 3 : r->name;
    if (t->tensors == 1) print_head();
    printf("%s%-*s %9zu %7zu %9zu %6zu %7zu %10.2e  %s\n", cut, *cut ? 29 : 32, name,
           r->count, r->tried, r->zero, r->kinks, r->faults, r->worst, verdict_of(r));
    print_reason(r);
    for (int k = 0; k < shown_pairs(t, r); k++) print_pair(r, shown_pair(t, r, k));
}

static void found(void *user, const weft_gradcheck_row *r)
{
    table *t = user;
    if (!isnan(t->worst) && !(r->worst <= t->worst)) t->worst = r->worst;
    t->tensors++;
    t->pairs += r->tried;
    t->kinks += r->kinks;
    t->faulty += r->faults > 0;
    t->dead += r->verdict == WEFT_GRADCHECK_UNSEEN;
    if (t->rows)
        json_array_append_new(t->rows, row_object(t, r));
    else
        print_row(t, r);
}

static void print_end(const table *t, double tolerance)
{
    if (t->faulty || t->dead)
        printf(
            "\nnot passed: of %d tensors %d with a wrong gradient, %d that no gradient "
            "reaches; ",
            t->tensors, t->faulty, t->dead);
    else
        printf("\nall gradients agree: ");
    printf("%zu pairs, %zu at kinks\nlargest relative error %.2e, allowed %.0e\n",
           t->pairs, t->kinks, t->worst, tolerance);
}

static void print_json(const table *t, bool ok, double tolerance)
{
    json_t *root = json_pack("{s:b, s:o, s:f, s:I, s:I, s:i, s:i, s:o}", "ok", ok,
                             "worst", json_number(t->worst), "tolerance", tolerance,
                             "pairs", (json_int_t)t->pairs, "kinks", (json_int_t)t->kinks,
                             "faulty", t->faulty, "dead", t->dead, "tensors", t->rows);
    json_dumpf(root, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(root);
}

/* sum(output * weights), the weights an input that is filled at random: every
 * element of the output counts, each differently. */
static weft_value random_loss(const model_source *m)
{
    weft_value weights =
        weft_input(m->g, "gradcheck.weights", weft_shape_of(m->g, m->output));
    return weft_reduce_sum(m->g, weft_mul(m->g, m->output, weights), 0, NULL, false);
}

/* Whole numbers for an integer input: lengths of texts up to the number of tokens, else
 * small ones; those that the input does not allow are drawn again from fewer. */
static weft_status fill_integers(const model_source *m, weft_plan *p, weft_value v,
                                 size_t count, weft__rng *r)
{
    bool lengths = !strcmp(weft_name_of(m->g, v), "lengths");
    weft_value tokens = weft_find(m->g, "tokens");
    weft_shape of = tokens.id ? weft_plan_shape(p, tokens) : (weft_shape){0};
    int most = lengths && of.rank == 2 ? of.dim[1] : 19;
    int32_t *x = weft__alloc(count, sizeof *x);
    if (!x) return weft__fail(WEFT_ENOMEM, "gradcheck: out of memory");
    weft_status s = WEFT_EDATA;
    for (; s == WEFT_EDATA && most >= 0; most = most ? most / 2 : -1) {
        for (size_t k = 0; k < count; k++) x[k] = weft__rng_between(r, most > 0, most);
        s = weft_plan_set_int(p, v, x, count);
    }
    free(x);
    return s;
}

static weft_status fill_floats(weft_plan *p, weft_value v, size_t count, weft__rng *r)
{
    float *x = weft__alloc(count, sizeof *x);
    if (!x) return weft__fail(WEFT_ENOMEM, "gradcheck: out of memory");
    for (size_t k = 0; k < count; k++) x[k] = (float)weft__rng_normal(r);
    weft_status s = weft_plan_set(p, v, x, count);
    free(x);
    return s;
}

static weft_status fill_inputs(const model_source *m, weft_plan *p, weft__rng *r)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < weft_input_count(m->g) && !s; i++) {
        weft_value v = weft_input_at(m->g, i);
        weft_shape shape = weft_plan_shape(p, v);
        size_t count = 1;
        for (int k = 0; k < shape.rank; k++) count *= (size_t)shape.dim[k];
        s = weft_type_of(m->g, v) == WEFT_I32 ? fill_integers(m, p, v, count, r)
                                              : fill_floats(p, v, count, r);
    }
    return s;
}

static weft_status check(const gradcheck_args *a, const char *name, table *t)
{
    model_source m = {0};
    weft_plan *p = NULL;
    weft__rng r = weft__rng_at(a->seed, WEFT_RNG_KEY(WEFT_RNG_TEST, 0), 0);
    weft_status s =
        model_source_load(name, &(weft_zoo_opts){.outputs = a->classes}, true, &m);
    if (s) return s;
    weft_value loss = random_loss(&m);
    weft_plan_opts o = {.batch = a->batch,
                        .loss = loss,
                        .training = !a->inference,
                        .input_gradients = true};
    s = weft_graph_status(m.g);
    if (!s) s = weft_plan_new(m.g, &o, &p);
    if (!s) s = fill_inputs(&m, p, &r);
    if (!s) {
        weft_plan_random(p, a->seed, 0);
        s = weft_gradcheck(p, (size_t)a->samples, a->tolerance, found, t);
    }
    weft_plan_free(p);
    model_source_free(&m);
    return s;
}

static int run(int argc, char **argv)
{
    gradcheck_args a = {.batch = 2, .samples = 20, .pairs = 3, .tolerance = 1e-6};
    int n;
    weft_status s = options_parse(&command_gradcheck, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n != 1)
        return command_misused("gradcheck: takes one model, found %d arguments", n);
    if (!s)
        s = model_source_options(&command_gradcheck, (const char *const[]){argv[1]}, 1);
    if (!s) s = weft_set_threads(a.threads);
    table t = {.rows = a.json ? json_array() : NULL, .shown = a.pairs};
    if (!s) s = check(&a, argv[1], &t);
    if (t.rows && (!s || s == WEFT_EBUG))
        print_json(&t, !s, a.tolerance);
    else if (!s || (s == WEFT_EBUG && t.tensors))
        print_end(&t, a.tolerance);
    return s ? command_failed(s) : 0;
}

const command command_gradcheck = {
    .name = "gradcheck",
    .arguments = "MODEL [--key value ...]",
    .about =
        "Computes every gradient of a model by back-propagation in double precision "
        "and holds it to differences of the loss, on random inputs, where either is not "
        "0. A kink of the loss (relu at 0, a tie in a maximum) passes when the gradient "
        "is that of one side. MODEL is an ONNX file, a run folder, or the name of a "
        "ready network. Exit code 1 when a gradient is off, or none reaches a tensor.",
    .examples = "  weft gradcheck lenet5\n  weft gradcheck best.onnx --samples 0\n",
    .options = options,
    .run = run,
};
