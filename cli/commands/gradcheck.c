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
    int batch, samples, classes, threads;
    double tolerance;
    uint64_t seed;
    bool json, inference;
} gradcheck_args;

static const option_row options[] = {
    INT(gradcheck_args, batch, "batch", 1, 1024, "samples in the pass (2)"),
    INT(gradcheck_args, samples, "samples", 0, 1000000000,
        "elements tried of each tensor; 0 all (20)"),
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
    int tensors;
} table;

static void found(void *user, const weft_gradcheck_row *r)
{
    table *t = user;
    if (!isnan(t->worst) && !(r->worst <= t->worst)) t->worst = r->worst;
    if (t->rows)
        json_array_append_new(t->rows, json_pack("{s:s, s:o, s:I, s:I}", "name", r->name,
                                                 "worst", json_number(r->worst), "tried",
                                                 (json_int_t)r->tried, "count",
                                                 (json_int_t)r->count));
    else if (!t->tensors++)
        printf("%-36s %10s    %-10s %s\n", "tensor", "tried", "elements", "worst");
    if (!t->rows)
        printf("%-36s %10zu of %-10zu %.2e\n", r->name, r->tried, r->count, r->worst);
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
    gradcheck_args a = {.batch = 2, .samples = 20, .tolerance = 1e-6};
    int n;
    weft_status s = options_parse(&command_gradcheck, argc, argv, &a, &n);
    if (s == WEFT_ESTOPPED) return 0;
    if (!s && n != 1)
        return command_misused("gradcheck: takes one model, found %d arguments", n);
    if (!s)
        s = model_source_options(&command_gradcheck, (const char *const[]){argv[1]}, 1);
    if (!s) s = weft_set_threads(a.threads);
    table t = {.rows = a.json ? json_array() : NULL};
    if (!s) s = check(&a, argv[1], &t);
    if (t.rows && (!s || s == WEFT_EBUG)) {
        json_t *root =
            json_pack("{s:b, s:o, s:f, s:o}", "ok", !s, "worst", json_number(t.worst),
                      "tolerance", a.tolerance, "tensors", t.rows);
        json_dumpf(root, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(root);
    } else if (!s) {
        printf("all gradients agree: largest relative error %.2e, allowed %.0e\n",
               t.worst, a.tolerance);
    }
    return s ? command_failed(s) : 0;
}

const command command_gradcheck = {
    .name = "gradcheck",
    .arguments = "MODEL [--key value ...]",
    .about = "Computes every gradient of a model by back-propagation in double precision "
             "and holds it "
             "to central differences of the loss, on random inputs. MODEL is an ONNX "
             "file, a run "
             "folder, or the name of a ready network. Exit code 1 when one is off.",
    .examples = "  weft gradcheck lenet5\n  weft gradcheck best.onnx --samples 0\n",
    .options = options,
    .run = run,
};
