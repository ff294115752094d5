/* every_op_plan.c: each operator gives the same whatever the planner does around it:
 * fused or step by step, memory shared or kept, planned for training or for
 * inference. */
#include "every_op.h"

#include "ops/common/unary.h"

/* A fused activation or a folded batch norm rounds elsewhere. */
#define TOLERANCE 2e-6

static bool fits(const every_case *c, const every_result *a, const every_result *b,
                 const char *what)
{
    const char *where;
    double apart = every_difference(a, b, &where);
    if (apart <= TOLERANCE) return true;
    print_error("%s, case %d: %s: %s is off by %g\n", c->op->name, c->number, what, where,
                apart);
    return false;
}

/* The sample with an activation behind it, so that there is something to fuse. */
static every_case behind(const weft_op *op, int number)
{
    every_case c = every_make(op, number, false, false);
    weft_value y = number % 2 ? weft_tanh(c.g, c.out) : weft_relu(c.g, c.out);
    c.loss = weft_shape_of(c.g, y).rank == 0 ? y : every_weighted_sum(c.g, y);
    CHECK(weft_graph_status(c.g) == WEFT_OK);
    return c;
}

static bool ways_of_training_agree(const weft_op *op, int number)
{
    every_case c = behind(op, number);
    weft_plan_opts opts = {.loss = c.loss, .training = true, .input_gradients = true};
    weft_plan_opts apart = opts, kept = opts;
    every_result fused, stepwise, whole;
    bool good;
    apart.no_fuse = true;
    kept.keep_all = true;
    c.kept = c.loss; /* what is fused must not be asked for */
    fused = every_run(&c, opts);
    stepwise = every_run(&c, apart);
    whole = every_run(&c, kept);
    good = fits(&c, &fused, &stepwise, "fused and not");
    good = fits(&c, &stepwise, &whole, "shared and kept memory") && good;
    every_free(&fused);
    every_free(&stepwise);
    every_free(&whole);
    weft_graph_free(c.g);
    return good;
}

static bool inference_agrees(const weft_op *op, int number)
{
    every_case c = behind(op, number);
    every_result lean, folded, whole;
    bool good;
    c.kept = c.loss;
    folded = every_run(&c, (weft_plan_opts){0});
    lean = every_run(&c, (weft_plan_opts){.no_fuse = true});
    every_result trained = every_run(&c, (weft_plan_opts){.loss = c.loss});
    whole = (every_result){.n = 1, .part = {trained.part[0]}}; /* without the gradients */
    good = fits(&c, &lean, &whole, "planned for inference and with gradients");
    good = fits(&c, &lean, &folded, "inference fused and not") && good;
    every_free(&lean);
    every_free(&folded);
    every_free(&trained);
    weft_graph_free(c.g);
    return good;
}

static void fusing_and_sharing_memory_change_nothing(void **state)
{
    (void)state;
    every_row("plans for training", NULL, ways_of_training_agree);
}

static void an_inference_plan_gives_what_a_training_plan_gives(void **state)
{
    (void)state;
    every_row("plans for inference", NULL, inference_agrees);
}

/*   ---- every activation behind a convolution and a dense layer, where it is fused
 *     ---- */

static bool is_activation(const weft_op *op)
{
    return op->epilogue != NULL;
}

/* The activation on x, with options that its samples try. */
static weft_value activated(weft_graph *g, const weft_op *op, weft_value x)
{
    const weft__unary_row *row = op->family;
    CHECK(row != NULL);
    weft__act_attr a = {row->option[0].tried[2], row->option[1].tried[2]};
    return weft__node_add(g, op->name, &a, row->option[0].name ? sizeof a : 0, &x, 1, 1);
}

/* x -> convolution or dense layer -> activation -> loss */
static every_case layer(const weft_op *op, int number, bool f64)
{
    every_case c = {.op = op, .number = number, .key = every_key(op->name)};
    int n = number % 3 + 1, o = number % 5 + 1;
    weft_value x, w, b;
    c.g = weft_graph_new();
    CHECK(c.g != NULL);
    if (f64) weft_graph_use_double(c.g);
    if (number % 2) {
        x = weft_input(c.g, "x", WEFT_SHAPE(n, 3, 4, 5));
        w = weft_param(c.g, "w", WEFT_SHAPE(o, 3, 3, 2));
    } else {
        x = weft_input(c.g, "x", WEFT_SHAPE(n, 7));
        w = weft_param(c.g, "w", WEFT_SHAPE(o, 7));
    }
    b = number % 3 ? weft_param(c.g, "b", WEFT_SHAPE(o)) : WEFT_NONE;
    x = number % 2 ? weft_conv(c.g, x, w, b, &(weft_conv_opts){.pad = {1, 0}})
                   : weft_dense(c.g, x, w, b);
    c.out = activated(c.g, op, x);
    c.loss = every_weighted_sum(c.g, c.out);
    CHECK(weft_graph_status(c.g) == WEFT_OK);
    return c;
}

static bool fused_activation_agrees(const weft_op *op, int number)
{
    every_case c = layer(op, number, false);
    weft_plan_opts opts = {.loss = c.loss, .training = true, .input_gradients = true};
    every_result fused = every_run(&c, opts), stepwise;
    bool good;
    opts.no_fuse = true;
    stepwise = every_run(&c, opts);
    good = fits(&c, &fused, &stepwise, "behind a layer, fused and not");
    every_free(&fused);
    every_free(&stepwise);
    fused = every_run(&c, (weft_plan_opts){0});
    stepwise = every_run(&c, (weft_plan_opts){.no_fuse = true});
    good = fits(&c, &fused, &stepwise, "inference behind a layer, fused and not") && good;
    every_free(&fused);
    every_free(&stepwise);
    weft_graph_free(c.g);
    return good;
}

static void activations_fused_into_layers_change_nothing(void **state)
{
    (void)state;
    every_row("activations behind layers", is_activation, fused_activation_agrees);
}

static every_case layer_in_double(const weft_op *op, int number)
{
    return layer(op, number, true);
}

static bool fused_gradients_fit(const weft_op *op, int number)
{
    return every_gradients_fit(op, number, layer_in_double);
}

static void gradients_through_fused_activations_are_the_finite_differences(void **state)
{
    (void)state;
    every_row("finite differences through fused layers", is_activation,
              fused_gradients_fit);
}

RUN_TESTS(TEST(fusing_and_sharing_memory_change_nothing),
          TEST(an_inference_plan_gives_what_a_training_plan_gives),
          TEST(activations_fused_into_layers_change_nothing),
          TEST(gradients_through_fused_activations_are_the_finite_differences))
