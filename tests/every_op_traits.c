/* every_op_traits.c: what operators say of themselves is so: the planner and weft flow
 * believe it. */
#include "every_op.h"

#include "plan/plan.h"

/* Case `number` of op, in a plan that keeps everything and has run once. */
typedef struct trial {
    every_case c;
    weft_plan *p;
    const weft__node *node; /* of op */
} trial;

static trial run(const weft_op *op, int number)
{
    trial t = {.c = every_make(op, number, false, true)};
    every_fill_params(&t.c, EVERY_APART);
    t.p = every_plan(&t.c, (weft_plan_opts){.loss = t.c.loss, .keep_all = true});
    every_fill_inputs(&t.c, t.p, EVERY_APART);
    CHECK(weft_plan_forward(t.p) == WEFT_OK);
    for (int i = 0; i < t.c.g->nodes && !t.node; i++)
        if (t.c.g->node[i].op == op) t.node = &t.c.g->node[i];
    return t;
}

static void end(trial *t)
{
    weft_plan_free(t->p);
    weft_graph_free(t->c.g);
}

static const weft__tensor *input(const trial *t, int i)
{
    return &t->p->val[t->node->in[i]].t;
}

static const weft__tensor *output(const trial *t)
{
    return &t->p->val[t->node->out[0]].t;
}

static float *copy(const weft__tensor *t)
{
    float *x = malloc((t->count + 1) * sizeof *x);
    CHECK(x != NULL);
    memcpy(x, t->data, t->count * sizeof *x);
    return x;
}

static bool told(bool good, const weft_op *op, int number, const char *what)
{
    if (!good) print_error("%s, case %d: %s\n", op->name, number, what);
    return good;
}

/* ---- activations ---- */

enum { POINTS = 4001 };

static bool is_activation(const weft_op *op)
{
    return op->epilogue != NULL;
}

static bool activation_is_as_it_says(const weft_op *op, int number)
{
    static float x[POINTS], y[POINTS], slope[POINTS], one[POINTS];
    const weft__kernels *k = weft__kernels_chosen(false);
    trial t = run(op, number);
    weft__epilogue e = {0};
    bool good = true;
    for (int i = 0; i < POINTS; i++) x[i] = (float)(i - POINTS / 2) * 0.01f, one[i] = 1;
    op->epilogue(t.node, &e);
    k->activate(y, x, POINTS, &e);
    if (op->monotone) k->activate_backward(slope, one, x, y, POINTS, &e);
    for (int i = 0; i < POINTS && good; i++) {
        if (op->monotone && i)
            good = y[i] > y[i - 1] || (y[i] == y[i - 1] && slope[i - 1] == 0);
        if (op->saturation == WEFT_SATURATES_AS_SIGMOID)
            good = good && y[i] >= 0 && y[i] <= 1;
        if (op->saturation == WEFT_SATURATES_AS_TANH)
            good = good && y[i] >= -1 && y[i] <= 1;
    }
    if (op->saturation == WEFT_SATURATES_AS_TANH)
        good = good && y[0] < -0.99f && y[POINTS - 1] > 0.99f;
    end(&t);
    return told(good, op, number, "not as monotone or saturated as it says");
}

static void activations_are_monotone_and_saturate_as_they_say(void **state)
{
    (void)state;
    every_row("activations", is_activation, activation_is_as_it_says);
}

/* ---- fusion ---- */

static bool is_sum(const weft_op *op)
{
    return op->fuse == WEFT_FUSE_SUM;
}

static bool adds(const weft_op *op, int number)
{
    trial t = run(op, number);
    const weft__tensor *a = input(&t, 0), *b = input(&t, 1), *y = output(&t);
    bool good = true;
    if (weft__shapes_equal(a, y) && weft__shapes_equal(b, y) && a->layout == y->layout &&
        b->layout == y->layout)
        for (size_t i = 0; i < y->count; i++)
            good = good &&
                   ((float *)y->data)[i] == ((float *)a->data)[i] + ((float *)b->data)[i];
    end(&t);
    return told(good, op, number, "y is not the sum of its inputs");
}

static bool is_largest(const weft_op *op)
{
    return op->fuse == WEFT_FUSE_LARGEST;
}

/* Of max(x, 0) it gives max(y, 0). */
static bool changes_places_with_relu(const weft_op *op, int number)
{
    trial t = run(op, number);
    const weft__tensor *y = output(&t);
    float *before = copy(y), *x = input(&t, 0)->data;
    bool good = op->fuses_epilogue;
    for (size_t i = 0; i < input(&t, 0)->count; i++) x[i] = x[i] > 0 ? x[i] : 0;
    CHECK(weft_plan_forward(t.p) == WEFT_OK);
    for (size_t i = 0; i < y->count; i++)
        good = good && ((float *)y->data)[i] == (before[i] > 0 ? before[i] : 0);
    free(before);
    end(&t);
    return told(good, op, number, "does not change places with relu");
}

static bool is_product(const weft_op *op)
{
    return op->fuse == WEFT_FUSE_PRODUCT;
}

/* Every second output of a weight and its bias doubled: so is what they give, and
 * nothing else. Doubling is exact. */
static bool scales_with_its_weight(const weft_op *op, int number)
{
    trial t = run(op, number);
    const weft__tensor *w = input(&t, 1), *y = output(&t);
    const int axis = weft__unit_axis(op, y->rank);
    float *before = copy(y), *weight = w->data, *bias = input(&t, 2)->data;
    size_t outputs = (size_t)y->dim[axis], outer, along, inner;
    bool good = w->layout == WEFT_HWIO && (size_t)w->dim[0] == outputs;
    for (size_t i = 0; i < w->count; i++)
        if (i % outputs % 2) weight[i] *= 2;
    for (size_t i = 0; t.node->in[2] && i < outputs; i++)
        if (i % 2) bias[i] *= 2;
    CHECK(weft_plan_forward(t.p) == WEFT_OK);
    weft__around(y, axis, &outer, &along, &inner);
    for (size_t i = 0; i < y->count; i++) {
        float want = i / inner % along % 2 ? 2 * before[i] : before[i];
        good = good && ((float *)y->data)[i] == want;
    }
    free(before);
    end(&t);
    return told(good, op, number, "its outputs do not go with its weight's");
}

static bool is_affine(const weft_op *op)
{
    return op->affine != NULL;
}

static bool maps_as_it_says(const weft_op *op, int number)
{
    trial t = run(op, number);
    const weft__tensor *y = output(&t);
    weft__tensor in[16];
    size_t outer, along, inner;
    bool good = y->layout == input(&t, 0)->layout;
    CHECK(t.node->nin <= 16);
    for (int i = 0; i < t.node->nin; i++) in[i] = *input(&t, i);
    weft__around(y, weft__unit_axis(op, y->rank), &outer, &along, &inner);
    for (size_t i = 0; i < y->count; i++) {
        weft__affine_map m = op->affine(t.node, in, (int)(i / inner % along));
        double want = ((double)((float *)in[0].data)[i] - m.centre) * m.scale + m.shift;
        double off = fabs(want - (double)((float *)y->data)[i]);
        good = good && off < 1e-5 * (1 + fabs(want) + fabs(m.centre * m.scale));
    }
    end(&t);
    return told(good, op, number, "its affine map is not what it computes");
}

static void fusion_traits_are_true(void **state)
{
    (void)state;
    every_row("sums", is_sum, adds);
    every_row("the largest of windows", is_largest, changes_places_with_relu);
    every_row("products", is_product, scales_with_its_weight);
    every_row("affine maps", is_affine, maps_as_it_says);
}

/* ---- what weft flow asks ---- */

static bool has_axes(const weft_op *op)
{
    return op->unit_axis || op->moved_axis || op->lengths_input || op->states;
}

static bool moves(const trial *t, const weft_op *op)
{
    for (int i = 0; i < input(t, 0)->rank; i++) {
        int to = op->moved_axis(t->node, i);
        if (to < 0 || to >= output(t)->rank) return false;
        if (output(t)->dim[to] != input(t, 0)->dim[i]) return false;
    }
    return true;
}

static bool has_states(const trial *t, const weft_op *op)
{
    weft__tensor in[16] = {{0}};
    weft__states s = {0};
    CHECK(t->node->nin <= 16);
    for (int i = 0; i < t->node->nin; i++) in[i] = *input(t, i);
    op->states(t->node, in, &s);
    return s.steps == output(t)->dim[1] && s.directions >= 1 && s.directions <= 2 &&
           output(t)->dim[2] % s.directions == 0 && op->lengths_input;
}

static bool axes_are_where_it_says(const weft_op *op, int number)
{
    trial t = run(op, number);
    const weft__tensor *y = output(&t);
    bool good = y->rank < 2 || (weft__unit_axis(op, y->rank) >= 0 &&
                                weft__unit_axis(op, y->rank) < y->rank);
    if (op->moved_axis) good = good && moves(&t, op);
    if (op->lengths_input) {
        good = good && op->lengths_input < t.node->nin && y->rank == 3;
        const weft__tensor *lengths = good ? input(&t, op->lengths_input) : NULL;
        if (good && t.node->in[op->lengths_input])
            good = lengths->type == WEFT_I32 && lengths->rank == 1 &&
                   lengths->dim[0] == y->dim[0];
    }
    if (op->states) good = good && has_states(&t, op);
    end(&t);
    return told(good, op, number, "units, lengths or states are not where it says");
}

static void axes_lengths_and_states_are_where_they_say(void **state)
{
    (void)state;
    every_row("axes", has_axes, axes_are_where_it_says);
}

RUN_TESTS(TEST(activations_are_monotone_and_saturate_as_they_say),
          TEST(fusion_traits_are_true), TEST(axes_lengths_and_states_are_where_they_say))
