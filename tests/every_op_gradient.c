/* every_op_gradient.c: each operator's gradients against finite differences in double
 * precision. */
#include "every_op.h"

static every_case sample_of(const weft_op *op, int number)
{
    return every_make(op, number, true, true);
}

static bool gradients_fit(const weft_op *op, int number)
{
    return every_gradients_fit(op, number, sample_of);
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
        if (strcmp(op->name, "reorder"))
            CHECK(op->sample != NULL); /* that is the planner's own */
        CHECK(op->backward != NULL && op->forward != NULL && op->shape != NULL);
        CHECK(op->summary != NULL);
        CHECK(!strcmp(op->name, weft__op_at(i).f64->name));
        CHECK(op->forward != weft__op_at(i).f64->forward);
    }
}

RUN_TESTS(TEST(every_row_has_a_sample_and_a_gradient),
          TEST(gradients_are_the_finite_differences))
