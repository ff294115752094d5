/* every_op_isa.c: each operator on every instruction set of this machine against scalar
 * code. */
#include "every_op.h"

/* The order of float32 sums differs; samples sum at most a few hundred terms. */
#define TOLERANCE 2e-5

static const char *const isas[] = {"avx2", "avx512", "neon"};

static bool isas_agree(const weft_op *op, int number)
{
    every_case c = every_make(op, number, false, true);
    weft_plan_opts opts = {.loss = c.loss, .training = true, .input_gradients = true};
    every_result scalar, other;
    const char *where;
    bool good = true;
    CHECK(weft_set_isa("scalar") == WEFT_OK);
    scalar = every_run(&c, opts);
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        double apart;
        if (weft_set_isa(isas[i])) continue; /* not built in, or not this machine's */
        other = every_run(&c, opts);
        apart = every_difference(&scalar, &other, &where);
        if (!(apart <= TOLERANCE)) {
            print_error("%s, case %d: %s: %s is off by %g\n", op->name, number, isas[i],
                        where, apart);
            good = false;
        }
        every_free(&other);
    }
    every_free(&scalar);
    weft_graph_free(c.g);
    return good;
}

static void every_instruction_set_agrees_with_scalar_code(void **state)
{
    (void)state;
    every_row("instruction sets", NULL, isas_agree);
    CHECK(weft_set_isa(NULL) == WEFT_OK);
}

RUN_TESTS(TEST(every_instruction_set_agrees_with_scalar_code))
