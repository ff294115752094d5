/* every_op_gradient.c: each operator's gradients against finite differences in double
 * precision. */
#include "every_op.h"

#define TOLERANCE 1e-6

static void report(void *user, const weft_gradcheck_row *row)
{
    weft_gradcheck_row *worst = user;
    if (!(row->worst <= worst->worst)) *worst = *row;
}

/* Adds every float input and parameter to the loss, so that each gradient is about 1. */
static void anchor(every_case *c)
{
    int values = c->g->values;
    for (int i = 1; i < values; i++) {
        const weft__value *v = &c->g->value[i];
        if (v->type == WEFT_I32 ||
            (v->kind != WEFT_KIND_INPUT && v->kind != WEFT_KIND_PARAM))
            continue;
        c->loss = weft_add(c->g, c->loss, weft_sum(c->g, (weft_val){i}, 0, NULL, false));
    }
    CHECK(weft_graph_status(c->g) == WEFT_OK);
}

static weft_status check(const weft_op *op, int number, bool anchored,
                         weft_gradcheck_row *worst)
{
    every_case c = every_make(op, number, true, true);
    weft_plan *p;
    weft_status s;
    if (anchored) anchor(&c);
    every_fill_params(&c, EVERY_APART);
    p = every_plan(&c, (weft_plan_opts){.loss = c.loss,
                                        .training = number % 4 != 0,
                                        .input_gradients = true});
    every_fill_inputs(&c, p, EVERY_APART);
    s = weft_gradcheck(p, 24, TOLERANCE, report, worst);
    weft_plan_free(p);
    weft_graph_free(c.g);
    return s;
}

/* A gradient that is as good as 0 (of a norm over two elements, of erf far out) drowns in
 * the rounding of the loss, and relative errors say nothing; beside a gradient of 1 it must
 * still fit. */
static bool gradients_fit(const weft_op *op, int number)
{
    weft_gradcheck_row worst = {.name = ""}, again = worst;
    if (!check(op, number, false, &worst)) return true;
    if (worst.worst < 0.01 && !check(op, number, true, &again)) return true;
    print_error("%s, case %d: %s of %zu elements is off by %g\n", op->name, number,
                worst.name, worst.count, worst.worst);
    return false;
}

static void gradients_are_the_finite_differences(void **state)
{
    (void)state;
    every_row("finite differences", NULL, gradients_fit);
}

static void every_row_has_a_sample_and_a_gradient(void **state)
{
    (void)state;
    for (int i = 0; i < weft__op_count(); i++) {
        const weft_op *op = weft__op_at(i).f32;
        if (strcmp(op->name, "relayout"))
            CHECK(op->sample != NULL); /* that is the planner's own */
        CHECK(op->backward != NULL && op->forward != NULL && op->shape != NULL);
        CHECK(op->summary != NULL);
        CHECK(!strcmp(op->name, weft__op_at(i).f64->name));
        CHECK(op->forward != weft__op_at(i).f64->forward);
    }
}

RUN_TESTS(TEST(every_row_has_a_sample_and_a_gradient),
          TEST(gradients_are_the_finite_differences))
