/* every_op_gradient.c: each operator's gradients against finite differences in double
 * precision. */
#include "every_op.h"

#define TOLERANCE 1e-6

static void report(void *user, const weft_gradcheck_row *row)
{
    weft_gradcheck_row *worst = user;
    if (!(row->worst <= worst->worst)) *worst = *row;
}

static bool gradients_fit(const weft_op *op, int number)
{
    every_case c = every_make(op, number, true, true);
    weft_gradcheck_row worst = {.name = ""};
    weft_plan *p;
    weft_status s;
    every_fill_params(&c, EVERY_APART);
    p = every_plan(&c, (weft_plan_opts){.loss = c.loss,
                                        .training = number % 4 != 0,
                                        .input_gradients = true});
    every_fill_inputs(&c, p, EVERY_APART);
    s = weft_gradcheck(p, 24, TOLERANCE, report, &worst);
    if (s)
        print_error("%s, case %d: %s of %zu elements is off by %g\n", op->name, number,
                    worst.name, worst.count, worst.worst);
    weft_plan_free(p);
    weft_graph_free(c.g);
    return s == WEFT_OK;
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
            CHECK(op->sample != NULL); /* the planner's own */
        CHECK(op->backward != NULL && op->forward != NULL && op->shape != NULL);
        CHECK(op->summary != NULL);
        CHECK(!strcmp(op->name, weft__op_at(i).f64->name));
        CHECK(op->forward != weft__op_at(i).f64->forward);
    }
}

RUN_TESTS(TEST(every_row_has_a_sample_and_a_gradient),
          TEST(gradients_are_the_finite_differences))
