/* every_op_threads.c: each operator gives the same bits for any number of threads. */
/* labels: threads */
#include "every_op.h"

static bool threads_agree(const weft_op *op, int number)
{
    static const int threads[] = {2, 3, 7};
    every_case c = every_make(op, number, false, true);
    weft_plan_opts opts = {.loss = c.loss, .training = true, .input_gradients = true};
    const char *where;
    bool good = true;
    CHECK(weft_set_threads(1) == WEFT_OK);
    every_result one = every_run(&c, opts);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        CHECK(weft_set_threads(threads[i]) == WEFT_OK);
        every_result many = every_run(&c, opts);
        if (!every_same_bits(&one, &many, &where)) {
            print_error("%s, case %d: %s differs with %d threads\n", op->name, number,
                        where, threads[i]);
            good = false;
        }
        every_free(&many);
    }
    every_free(&one);
    weft_graph_free(c.g);
    return good;
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    every_row("threads 1, 2, 3, 7", NULL, threads_agree);
    CHECK(weft_set_threads(0) == WEFT_OK);
}

RUN_TESTS(TEST(any_number_of_threads_gives_the_same_bits))
