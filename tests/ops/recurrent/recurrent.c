/* What the table cannot know of recurrent layers: batches, lengths, chunks, reverse. */
#include "test.h"

#include "base/rng.h"
#include "weft/ops.h"
#include "weft/plan.h"

#include <math.h>

typedef enum kind { RNN, GRU, GRU_BEFORE, LSTM, KINDS } kind;

static const int gates_of[KINDS] = {1, 3, 3, 4};

enum { MOST = 70 * 40 * 100 };

/* A layer planned for some samples. */
typedef struct layer {
    weft_graph *g;
    weft_plan *p;
    kind k;
    int n, t, i, h, dirs;
    weft_value x, lengths, h0, c0, y, hn, cn, loss;
} layer;

typedef struct form {
    kind k;
    weft_direction way;
    int i, h;
    bool lengths, training;
} form;

static void fill(float *x, size_t n, uint64_t stream, double scale)
{
    weft__rng rng = weft__rng_at(test_seed(), WEFT_RNG_TEST, stream);
    for (size_t k = 0; k < n; k++) x[k] = (float)(scale * weft__rng_normal(&rng));
}

static void set_params(const layer *l)
{
    for (int k = 0; k < weft_param_count(l->g); k++) {
        weft_param_info info = weft_param_at(l->g, k);
        float *x = calloc(info.count, sizeof *x);
        CHECK(x != NULL);
        fill(x, info.count, 100 + (uint64_t)k, 1 / sqrt(l->h));
        CHECK(!weft_param_set(l->g, info.value, x, info.count));
        free(x);
    }
}

static layer make(const form *f, int n, int t)
{
    layer l = {.g = weft_graph_new(), .k = f->k, .n = n, .t = t, .i = f->i, .h = f->h};
    weft_rnn_opts o = {.direction = f->way, .reset_before = f->k == GRU_BEFORE};
    int wide = gates_of[f->k] * f->h;
    l.dirs = f->way == WEFT_RNN_BOTH ? 2 : 1;
    l.x = weft_input(l.g, "x", WEFT_SHAPE(0, t, f->i));
    l.h0 = weft_input(l.g, "h0", WEFT_SHAPE(0, l.dirs, f->h));
    weft_rnn_in in = {.w = weft_param(l.g, "w", WEFT_SHAPE(l.dirs, wide, f->i)),
                      .r = weft_param(l.g, "r", WEFT_SHAPE(l.dirs, wide, f->h)),
                      .b = weft_param(l.g, "b", WEFT_SHAPE(l.dirs, 2 * wide)),
                      .h0 = l.h0};
    if (f->lengths)
        in.lengths = l.lengths = weft_input_int(l.g, "lengths", WEFT_SHAPE(0), t + 1);
    if (f->k == LSTM) {
        in.c0 = l.c0 = weft_input(l.g, "c0", WEFT_SHAPE(0, l.dirs, f->h));
        in.peep = weft_param(l.g, "peep", WEFT_SHAPE(l.dirs, 3 * f->h));
        l.y = weft_lstm(l.g, l.x, &in, &o, &l.hn, &l.cn);
    } else if (f->k == RNN) {
        l.y = weft_rnn(l.g, l.x, &in, &o, &l.hn);
    } else {
        l.y = weft_gru(l.g, l.x, &in, &o, &l.hn);
    }
    weft_output(l.g, l.y, "y");
    weft_output(l.g, l.hn, "hn");
    if (l.cn.id) weft_output(l.g, l.cn, "cn");
    weft_value all = weft_add(l.g, weft_reduce_sum(l.g, l.y, 0, NULL, false),
                              weft_reduce_sum(l.g, l.hn, 0, NULL, false));
    weft_plan_opts p = {.batch = n, .training = f->training, .input_gradients = true};
    if (f->training) p.loss = l.loss = all;
    CHECK(!weft_graph_status(l.g));
    CHECK(!weft_plan_new(l.g, &p, &l.p));
    set_params(&l);
    return l;
}

static void drop(layer *l)
{
    weft_plan_free(l->p);
    weft_graph_free(l->g);
}

static size_t x_count(const layer *l)
{
    return (size_t)(l->n * l->t * l->i);
}
static size_t y_count(const layer *l)
{
    return (size_t)(l->n * l->t * l->dirs * l->h);
}
static size_t state_count(const layer *l)
{
    return (size_t)(l->n * l->dirs * l->h);
}

/* c NULL: no cells. */
static void run(const layer *l, const float *x, const int32_t *lengths, const float *h,
                const float *c)
{
    CHECK(!weft_plan_set(l->p, l->x, x, x_count(l)));
    CHECK(!weft_plan_set(l->p, l->h0, h, state_count(l)));
    if (l->k == LSTM) CHECK(!weft_plan_set(l->p, l->c0, c, state_count(l)));
    if (lengths) CHECK(!weft_plan_set_int(l->p, l->lengths, lengths, (size_t)l->n));
    CHECK(!weft_plan_forward(l->p));
    if (l->loss.id) CHECK(!weft_plan_backward(l->p));
}

static void get(const layer *l, weft_value v, float *to, size_t n)
{
    CHECK(!weft_plan_get(l->p, v, to, n));
}

static bool same(const float *a, const float *b, size_t n)
{
    return !memcmp(a, b, n * sizeof *a);
}

/* ---- a sample alone ---- */

/* Sample s of a padded batch, alone and without its padding: same y, same states, same
 * gradient of x. */
static void compare_alone(const form *f, const layer *all, int s, int length,
                          const float *x, const float *h, const float *c)
{
    static float y[MOST], want[MOST], state[MOST], dx[MOST], wanted[MOST];
    layer one = make(f, 1, length);
    size_t wide = (size_t)(all->dirs * all->h), at = (size_t)(s * all->t);
    int32_t whole = length;
    run(&one, x + at * (size_t)all->i, f->lengths ? &whole : NULL, h + (size_t)s * wide,
        c + (size_t)s * wide);
    get(&one, one.y, y, y_count(&one));
    get(all, all->y, want, y_count(all));
    CHECK(same(y, want + at * wide, (size_t)length * wide));
    for (size_t k = (size_t)length * wide; k < (size_t)all->t * wide; k++)
        CHECK(want[at * wide + k] == 0);
    get(&one, one.hn, state, wide);
    get(all, all->hn, want, state_count(all));
    CHECK(same(state, want + (size_t)s * wide, wide));
    if (all->k == LSTM) {
        get(&one, one.cn, state, wide);
        get(all, all->cn, want, state_count(all));
        CHECK(same(state, want + (size_t)s * wide, wide));
    }
    if (f->training) {
        CHECK(!weft_plan_gradient(one.p, one.x, dx, x_count(&one)));
        CHECK(!weft_plan_gradient(all->p, all->x, wanted, x_count(all)));
        for (size_t k = 0; k < x_count(&one); k++)
            CHECK_NEAR(dx[k], wanted[at * (size_t)all->i + k], 1e-5);
    }
    drop(&one);
}

static void compare_batch(const form *f, int n, int t, int step)
{
    static float x[MOST], h[MOST], c[MOST];
    int32_t lengths[100];
    layer all = make(f, n, t);
    fill(x, x_count(&all), 1, 1);
    fill(h, state_count(&all), 2, 0.5);
    fill(c, state_count(&all), 3, 0.5);
    for (int s = 0; s < n; s++) lengths[s] = 1 + s * 5 % t;
    run(&all, x, lengths, h, c);
    for (int s = 0; s < n; s += step) compare_alone(f, &all, s, lengths[s], x, h, c);
    drop(&all);
}

static void a_padded_batch_gives_the_bits_of_its_samples_alone(void **state)
{
    (void)state;
    for (kind k = 0; k < KINDS; k++)
        for (int way = WEFT_RNN_FORWARD; way <= WEFT_RNN_BOTH; way++) {
            form f = {k, (weft_direction)way, 7, 5, true, way == WEFT_RNN_BOTH};
            compare_batch(&f, 6, 6, 1);
        }
}

/* Sizes at which products change their way of working. */
static void large_batches_give_the_bits_of_samples_alone(void **state)
{
    static const int units[] = {17, 64, 100};
    (void)state;
    for (kind k = 0; k < KINDS; k++)
        for (int u = 0; u < 3; u++) {
            form f = {k, WEFT_RNN_BOTH, u == 1 ? 300 : 33, units[u], true, false};
            compare_batch(&f, u == 1 ? 20 : 70, 9, 7);
        }
}

/* ---- chunks ---- */

static void a_state_carried_over_chunks_gives_the_bits_of_one_sequence(void **state)
{
    enum { N = 3, T = 12, I = 4, H = 6 };
    static const int chunk[] = {1, 4, 6};
    static float x[N * T * I], part[N * T * I], y[N * T * H], some[N * T * H];
    (void)state;
    for (kind k = 0; k < KINDS; k++)
        for (int u = 0; u < 3; u++) {
            float h[N * H], c[N * H], last[N * H];
            form f = {k, WEFT_RNN_FORWARD, I, H, false, false};
            layer whole = make(&f, N, T), piece = make(&f, N, chunk[u]);
            fill(x, N * T * I, 1, 1);
            fill(h, N * H, 2, 1);
            fill(c, N * H, 3, 1);
            run(&whole, x, NULL, h, c);
            get(&whole, whole.y, y, N * T * H);
            get(&whole, whole.hn, last, N * H);
            for (int from = 0; from < T; from += chunk[u]) {
                size_t row = (size_t)(chunk[u] * I), out = (size_t)(chunk[u] * H);
                for (int s = 0; s < N; s++)
                    memcpy(part + (size_t)s * row, x + (s * T + from) * I,
                           row * sizeof *x);
                run(&piece, part, NULL, h, c);
                get(&piece, piece.y, some, N * out);
                get(&piece, piece.hn, h, N * H);
                if (k == LSTM) get(&piece, piece.cn, c, N * H);
                for (int s = 0; s < N; s++)
                    CHECK(same(some + (size_t)s * out, y + (s * T + from) * H, out));
            }
            CHECK(same(h, last, N * H));
            drop(&whole);
            drop(&piece);
        }
}

/* ---- directions ---- */

/* Steps 0 .. length-1 of every sample the other way round. */
static void turn(float *to, const float *from, int n, int t, int wide,
                 const int32_t *length)
{
    for (int s = 0; s < n; s++)
        for (int k = 0; k < t; k++) {
            int source = k < length[s] ? length[s] - 1 - k : k;
            memcpy(to + (s * t + k) * wide, from + (s * t + source) * wide,
                   (size_t)wide * sizeof *to);
        }
}

static void reverse_is_forward_over_the_turned_sequence(void **state)
{
    enum { N = 7, T = 6, I = 3, H = 5 };
    static float x[N * T * I], turned[N * T * I], y[N * T * H], z[N * T * H];
    (void)state;
    for (kind k = 0; k < KINDS; k++) {
        float h[N * H], c[N * H], a[N * H], b[N * H];
        int32_t lengths[N] = {0, 1, 2, 3, 4, 5, 6};
        form f = {k, WEFT_RNN_FORWARD, I, H, true, false}, r = f;
        r.way = WEFT_RNN_REVERSE;
        layer forward = make(&f, N, T), reverse = make(&r, N, T);
        fill(x, N * T * I, 1, 1);
        fill(h, N * H, 2, 1);
        fill(c, N * H, 3, 1);
        turn(turned, x, N, T, I, lengths);
        run(&forward, turned, lengths, h, c);
        run(&reverse, x, lengths, h, c);
        get(&reverse, reverse.y, z, N * T * H);
        turn(y, z, N, T, H, lengths);
        get(&forward, forward.y, z, N * T * H);
        CHECK(same(y, z, N * T * H));
        get(&forward, forward.hn, a, N * H);
        get(&reverse, reverse.hn, b, N * H);
        CHECK(same(a, b, N * H));
        CHECK(same(a, h, H)); /* of no steps: what it started with */
        drop(&forward);
        drop(&reverse);
    }
}

/* ---- options and messages ---- */

static void a_known_gru_step(void **state)
{
    /* one unit, weights 1, no biases: x = 1, h = 0.5 */
    (void)state;
    for (int before = 0; before < 2; before++) {
        const float one[3] = {1, 1, 1}, x = 1, h = 0.5f;
        double s = 1 / (1 + exp(-1.5)), n = tanh(1 + s * 0.5);
        float y = 0;
        weft_graph *g = weft_graph_new();
        weft_plan *p = NULL;
        weft_rnn_in in = {.w = weft_param(g, "w", WEFT_SHAPE(1, 3, 1)),
                          .r = weft_param(g, "r", WEFT_SHAPE(1, 3, 1)),
                          .h0 = weft_input(g, "h", WEFT_SHAPE(1, 1, 1))};
        weft_value in_x = weft_input(g, "x", WEFT_SHAPE(1, 1, 1));
        weft_rnn_opts o = {.reset_before = before};
        weft_value out = weft_gru(g, in_x, &in, &o, NULL);
        weft_output(g, out, "y");
        CHECK(!weft_plan_new(g, &(weft_plan_opts){0}, &p));
        CHECK(!weft_param_set(g, in.w, one, 3) && !weft_param_set(g, in.r, one, 3));
        CHECK(!weft_plan_set(p, in_x, &x, 1) && !weft_plan_set(p, in.h0, &h, 1));
        CHECK(!weft_plan_forward(p) && !weft_plan_get(p, out, &y, 1));
        CHECK_NEAR(y, (1 - s) * n + s * 0.5, 1e-6);
        weft_plan_free(p);
        weft_graph_free(g);
    }
}

static weft_graph *with_shapes(weft_shape x, weft_shape w, weft_shape r, weft_shape h,
                               weft_direction way)
{
    weft_graph *g = weft_graph_new();
    weft_rnn_in in = {.w = weft_param(g, "w", w), .r = weft_param(g, "r", r)};
    if (h.rank) in.h0 = weft_input(g, "h0", h);
    weft_gru(g, weft_input(g, "x", x), &in, &(weft_rnn_opts){.direction = way}, NULL);
    return g;
}

static void a_misfit_is_refused_with_both_shapes(void **state)
{
    const weft_shape x = WEFT_SHAPE(2, 3, 4), r = WEFT_SHAPE(1, 15, 5), no = {0};
    (void)state;
    weft_graph *g = with_shapes(x, WEFT_SHAPE(1, 15, 7), r, no, WEFT_RNN_FORWARD);
    CHECK(weft_graph_status(g) == WEFT_ESHAPE);
    CHECK(strstr(weft_graph_error(g), "[1, 15, 7]") &&
          strstr(weft_graph_error(g), "[1, 15, 4]"));
    weft_graph_free(g);
    g = with_shapes(x, WEFT_SHAPE(1, 15, 4), r, no, WEFT_RNN_BOTH);
    CHECK(weft_graph_status(g) == WEFT_ESHAPE);
    weft_graph_free(g);
    g = with_shapes(x, WEFT_SHAPE(1, 15, 4), r, WEFT_SHAPE(1, 2, 5), WEFT_RNN_REVERSE);
    CHECK(weft_graph_status(g) == WEFT_ESHAPE && strstr(weft_graph_error(g), "h0"));
    weft_graph_free(g);
    g = with_shapes(x, WEFT_SHAPE(1, 15, 4), r, no, (weft_direction)7);
    CHECK(weft_graph_status(g) == WEFT_EUSAGE);
    weft_graph_free(g);
    g = with_shapes(WEFT_SHAPE(2, 3), WEFT_SHAPE(1, 15, 4), r, no, WEFT_RNN_FORWARD);
    CHECK(weft_graph_status(g) == WEFT_ESHAPE);
    weft_graph_free(g);
}

/* ---- embedding ---- */

static void an_embedding_counts_repeats_and_leaves_padding_alone(void **state)
{
    const int32_t index[] = {1, 2, 1, 0, 1, -1};
    float table[8], y[12], d[8];
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    weft_value t = weft_param(g, "table", WEFT_SHAPE(4, 2));
    weft_value at = weft_const_int(g, "index", WEFT_SHAPE(2, 3), index);
    weft_value out =
        weft_embedding(g, at, t, &(weft_embedding_opts){.padded = true, .padding = 2});
    weft_value loss = weft_reduce_sum(g, out, 0, NULL, false);
    weft_plan_opts o = {.loss = loss, .training = true, .keep = &out, .keep_count = 1};
    for (int i = 0; i < 8; i++) table[i] = (float)i;
    CHECK(!weft_plan_new(g, &o, &p) && !weft_param_set(g, t, table, 8));
    CHECK(!weft_plan_forward(p) && !weft_plan_backward(p) &&
          !weft_plan_get(p, out, y, 12));
    for (int i = 0; i < 12; i++) CHECK(y[i] == table[(index[i / 2] + 4) % 4 * 2 + i % 2]);
    CHECK(!weft_param_gradient(g, t, d, 8));
    CHECK(d[0] == 1 && d[2] == 3 && d[3] == 3 && d[4] == 0 && d[5] == 0 && d[7] == 1);
    weft_plan_free(p);
    weft_graph_free(g);
}

static void an_index_beyond_the_table_gives_nan_not_a_crash(void **state)
{
    const int32_t index[] = {3, -4, 2};
    float y[3];
    (void)state;
    weft_graph *g = weft_graph_new();
    weft_plan *p = NULL;
    weft_value t = weft_param(g, "table", WEFT_SHAPE(3));
    weft_value at = weft_const_int(g, "index", WEFT_SHAPE(3), index);
    weft_value out = weft_embedding(g, at, t, NULL);
    weft_value loss = weft_reduce_sum(g, out, 0, NULL, false);
    weft_plan_opts o = {.loss = loss, .keep = &out, .keep_count = 1};
    CHECK(!weft_plan_new(g, &o, &p));
    CHECK(!weft_plan_forward(p) && !weft_plan_backward(p) &&
          !weft_plan_get(p, out, y, 3));
    CHECK(isnan(y[0]) && isnan(y[1]) && y[2] == 0);
    weft_plan_free(p);
    weft_graph_free(g);
}

RUN_TESTS(TEST(a_padded_batch_gives_the_bits_of_its_samples_alone),
          TEST(large_batches_give_the_bits_of_samples_alone),
          TEST(a_state_carried_over_chunks_gives_the_bits_of_one_sequence),
          TEST(reverse_is_forward_over_the_turned_sequence), TEST(a_known_gru_step),
          TEST(a_misfit_is_refused_with_both_shapes),
          TEST(an_embedding_counts_repeats_and_leaves_padding_alone),
          TEST(an_index_beyond_the_table_gives_nan_not_a_crash))
