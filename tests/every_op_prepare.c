/* every_op_prepare.c: once there is a plan, no pass checks a shape again or
 * allocates. */
/* link: -Wl,--wrap=weft__need,--wrap=weft__check_axis,--wrap=weft__broadcast */
/* link: -Wl,--wrap=weft__set_dims,--wrap=weft__window_resolve,--wrap=weft__infer */
/* link: -Wl,--wrap=weft__window_resolve_transposed,--wrap=malloc,--wrap=calloc */
/* link: -Wl,--wrap=realloc,--wrap=aligned_alloc */
#include "every_op.h"

#include "ops/common/window.h"

#include <stdatomic.h>

static _Atomic long checks, allocations;

/* A function NAME that counts its calls. */
#define COUNTED(counter, type, name, params, arguments) \
    type __real_##name params; \
    type __wrap_##name params; \
    type __wrap_##name params \
    { \
        (counter)++; \
        return __real_##name arguments; \
    }

COUNTED(checks, weft_status, weft__need,
        (const weft__node *node, const weft__tensor *in, int i, const char *what, int low,
         int high),
        (node, in, i, what, low, high))
COUNTED(checks, weft_status, weft__check_axis,
        (const weft__node *node, int *axis, int rank), (node, axis, rank))
COUNTED(checks, weft_status, weft__broadcast,
        (const weft__node *node, const weft__tensor *a, const weft__tensor *b,
         weft__tensor *out),
        (node, a, b, out))
COUNTED(checks, weft_status, weft__set_dims, (weft__tensor * t, int rank, const int *dim),
        (t, rank, dim))
COUNTED(checks, weft_status, weft__infer,
        (const weft__node *node, const weft__tensor *in, weft__tensor *out),
        (node, in, out))
COUNTED(checks, weft_status, weft__window_resolve,
        (const weft__node *node, const weft__window *s, const weft__tensor *x,
         weft__window_axis axis[2]),
        (node, s, x, axis))
COUNTED(checks, weft_status, weft__window_resolve_transposed,
        (const weft__node *node, const weft__window *s, const int extra[2],
         const weft__tensor *x, weft__window_axis axis[2]),
        (node, s, extra, x, axis))
COUNTED(allocations, void *, malloc, (size_t n), (n))
COUNTED(allocations, void *, calloc, (size_t n, size_t size), (n, size))
COUNTED(allocations, void *, realloc, (void *p, size_t n), (p, n))
COUNTED(allocations, void *, aligned_alloc, (size_t align, size_t n), (align, n))

static bool passes_check_nothing(const weft_op *op, int number, bool f64)
{
    long before = checks;
    every_case c = every_make(op, number, f64, true);
    weft_plan_opts opts = {.loss = c.loss, .training = true, .input_gradients = true};
    every_fill_params(&c, EVERY_NORMAL);
    weft_plan *p = every_plan(&c, opts);
    CHECK(checks > before); /* they are counted */
    every_fill_inputs(&c, p, EVERY_NORMAL);
    CHECK(weft_plan_forward(p) == WEFT_OK);
    CHECK(weft_plan_backward(p) == WEFT_OK); /* the first time threads may start */
    long shapes = checks, memory = allocations;
    CHECK(weft_plan_forward(p) == WEFT_OK);
    CHECK(weft_plan_backward(p) == WEFT_OK);
    shapes = checks - shapes;
    memory = allocations - memory;
    if (shapes || memory)
        print_error("%s, case %d: %ld checks of shapes, %ld allocations in a pass\n",
                    op->name, number, shapes, memory);
    weft_plan_free(p);
    weft_graph_free(c.g);
    return !shapes && !memory;
}

static bool in_float(const weft_op *op, int number)
{
    return passes_check_nothing(op, number, false);
}

static bool in_double(const weft_op *op, int number)
{
    return passes_check_nothing(op, number, true);
}

static void no_pass_checks_shapes_or_allocates(void **state)
{
    (void)state;
    every_row("passes in float", NULL, in_float);
}

static void nor_in_double_precision(void **state)
{
    (void)state;
    every_row("passes in double", NULL, in_double);
}

RUN_TESTS(TEST(no_pass_checks_shapes_or_allocates), TEST(nor_in_double_precision))
