/* recurrent.c: stacked recurrent layers: parameters, starting values, states carried
 * from chunk to chunk; embeddings. */
#include "test.h"

#include "base/rng.h"
#include "weft/weft.h"

enum { B = 3, T = 12, I = 5, H = 8, LAYERS = 2, CHUNKS = 3 };

typedef struct net {
    weft_graph *g;
    weft_plan *p;
    weft_value x, h0, c0, y, h, c;
} net;

static net make(weft_cell cell, int t)
{
    net m = {.g = weft_graph_new()};
    m.x = weft_input(m.g, "x", WEFT_SHAPE(0, t, I));
    m.h0 = weft_input(m.g, "h0", WEFT_SHAPE(0, LAYERS, H));
    if (cell == WEFT_CELL_LSTM) m.c0 = weft_input(m.g, "c0", WEFT_SHAPE(0, LAYERS, H));
    weft_layer_recurrent_opts o = {
        .cell = cell, .layers = LAYERS, .dropout = 0.3, .h0 = m.h0, .c0 = m.c0};
    m.y = weft_layer_recurrent(m.g, "rnn", m.x, WEFT_NONE, H, &o, &m.h, &m.c);
    weft_output(m.g, m.y, "y");
    weft_output(m.g, m.h, "h");
    if (m.c.id) weft_output(m.g, m.c, "c");
    CHECK((m.c.id != 0) == (cell == WEFT_CELL_LSTM));
    CHECK(!weft_params_init(m.g, 3));
    CHECK(!weft_plan_new(m.g, &(weft_plan_opts){.batch = B}, &m.p));
    return m;
}

static void run(const net *m, const float *x, const float *h, const float *c, int t)
{
    CHECK(!weft_plan_set(m->p, m->x, x, (size_t)(B * t * I)));
    CHECK(!weft_plan_set(m->p, m->h0, h, B * LAYERS * H));
    if (m->c0.id) CHECK(!weft_plan_set(m->p, m->c0, c, B * LAYERS * H));
    CHECK(!weft_plan_forward(m->p));
}

static void drop(net *m)
{
    weft_plan_free(m->p);
    weft_graph_free(m->g);
}

/* Truncated back-propagation: chunks with the state carried over are the whole. */
static void chunks_with_carried_states_give_the_whole(void **state)
{
    enum { PART = T / CHUNKS };
    static float x[B * T * I], part[B * PART * I], y[B * T * H], piece[B * PART * H];
    float h[B * LAYERS * H], c[B * LAYERS * H], end[B * LAYERS * H];
    weft__rng rng = weft__rng_at(test_seed(), WEFT_RNG_TEST, 1);
    (void)state;
    for (int i = 0; i < B * T * I; i++) x[i] = (float)weft__rng_normal(&rng);
    for (int cell = WEFT_CELL_GRU; cell <= WEFT_CELL_RNN; cell++) {
        net whole = make((weft_cell)cell, T), chunk = make((weft_cell)cell, PART);
        memset(h, 0, sizeof h);
        memset(c, 0, sizeof c);
        run(&whole, x, h, c, T);
        CHECK(!weft_plan_get(whole.p, whole.y, y, B * T * H));
        CHECK(!weft_plan_get(whole.p, whole.h, end, B * LAYERS * H));
        for (int k = 0; k < CHUNKS; k++) {
            for (int s = 0; s < B; s++)
                memcpy(part + s * PART * I, x + (s * T + k * PART) * I,
                       PART * I * sizeof *x);
            run(&chunk, part, h, c, PART);
            CHECK(!weft_plan_get(chunk.p, chunk.y, piece, B * PART * H));
            for (int s = 0; s < B; s++)
                CHECK(!memcmp(piece + s * PART * H, y + (s * T + k * PART) * H,
                              PART * H * sizeof *y));
            CHECK(!weft_plan_get(chunk.p, chunk.h, h, B * LAYERS * H));
            if (chunk.c.id) CHECK(!weft_plan_get(chunk.p, chunk.c, c, B * LAYERS * H));
        }
        CHECK(!memcmp(h, end, sizeof h));
        drop(&whole);
        drop(&chunk);
    }
}

/* A stack is its layers one after the other. */
static void a_stack_is_layer_upon_layer(void **state)
{
    static float x[B * T * I], a[B * T * 2 * H], b[B * T * 2 * H];
    const int32_t lengths[B] = {T, 1, 7};
    (void)state;
    weft__rng rng = weft__rng_at(test_seed(), WEFT_RNG_TEST, 2);
    for (int i = 0; i < B * T * I; i++) x[i] = (float)weft__rng_normal(&rng);
    weft_layer_recurrent_opts one = {.rnn.direction = WEFT_RNN_BOTH}, two = one;
    two.layers = 2;
    for (int k = 0; k < 2; k++) {
        weft_graph *g = weft_graph_new();
        weft_plan *p = NULL;
        weft_value v = weft_input(g, "x", WEFT_SHAPE(0, T, I)), h = WEFT_NONE;
        weft_value l = weft_input_int(g, "lengths", WEFT_SHAPE(0), T + 1), y;
        if (k) {
            y = weft_layer_recurrent(g, "r", v, l, H, &two, &h, NULL);
            CHECK(weft_shape_of(g, h).dim[1] == 4 && weft_shape_of(g, h).dim[2] == H);
            CHECK(weft_find(g, "r.0.w").id && weft_find(g, "r.1.b").id);
        } else {
            y = weft_layer_recurrent(g, "a", v, l, H, &one, NULL, NULL);
            y = weft_layer_recurrent(g, "b", y, l, H, &one, NULL, NULL);
        }
        weft_output(g, y, "y");
        CHECK(!weft_params_init(g, 5)); /* by the parameters' numbers, not their names */
        CHECK(!weft_plan_new(g, &(weft_plan_opts){.batch = B}, &p));
        CHECK(!weft_plan_set(p, v, x, B * T * I));
        CHECK(!weft_plan_set_int(p, l, lengths, B) && !weft_plan_forward(p));
        CHECK(!weft_plan_get(p, y, k ? b : a, B * T * 2 * H));
        weft_plan_free(p);
        weft_graph_free(g);
    }
    CHECK(!memcmp(a, b, sizeof a));
}

/* ---- starting values ---- */

static void every_gate_starts_orthogonal_and_forget_gates_open(void **state)
{
    static float w[8 * H * I], r[8 * H * H], b[16 * H];
    weft_graph *g = weft_graph_new();
    (void)state;
    weft_layer_recurrent_opts o = {
        .cell = WEFT_CELL_LSTM, .rnn.direction = WEFT_RNN_BOTH, .peepholes = true};
    weft_layer_recurrent(g, "l", weft_input(g, "x", WEFT_SHAPE(0, T, I)), WEFT_NONE, H,
                         &o, NULL, NULL);
    CHECK(!weft_graph_status(g) && !weft_params_init(g, 1));
    CHECK(!weft_param_get(g, weft_find(g, "l.0.w"), w, 8 * H * I));
    CHECK(!weft_param_get(g, weft_find(g, "l.0.r"), r, 8 * H * H));
    CHECK(!weft_param_get(g, weft_find(g, "l.0.b"), b, 16 * H));
    CHECK(weft_find(g, "l.0.p").id);
    double bound = sqrt(6.0 / (I + H)), most = 0;
    for (int i = 0; i < 8 * H * I; i++) /* with fmax gcc 12 for aarch64 breaks down */
        if (fabs((double)w[i]) > most) most = fabs((double)w[i]);
    CHECK(most <= bound && most > 0.9 * bound);
    for (int gate = 0; gate < 8; gate++)
        for (int i = 0; i < H; i++)
            for (int j = 0; j < H; j++) {
                double dot = 0;
                for (int k = 0; k < H; k++)
                    dot += (double)r[(gate * H + i) * H + k] * r[(gate * H + j) * H + k];
                CHECK_NEAR(dot, i == j, 1e-5);
            }
    for (int i = 0; i < 16 * H; i++) {
        int at = i % (8 * H); /* i o f g of the input, then of the state */
        CHECK(b[i] == (at >= 2 * H && at < 3 * H ? 1 : 0));
    }
    weft_graph_free(g);
}

static void an_embedding_starts_small_and_its_padding_at_zero(void **state)
{
    static float table[500 * 20];
    double squares = 0;
    weft_graph *g = weft_graph_new();
    (void)state;
    weft_value i = weft_input_int(g, "i", WEFT_SHAPE(0, 4), 500);
    weft_layer_embedding_opts o = {.embedding = {.padded = true, .padding = 7}};
    weft_value y = weft_layer_embedding(g, "e", i, 500, 20, &o);
    o.frozen = true;
    weft_layer_embedding(g, "f", i, 500, 20, &o);
    CHECK(weft_shape_of(g, y).rank == 3 && weft_shape_of(g, y).dim[2] == 20);
    CHECK(!weft_params_init(g, 1));
    CHECK(!weft_param_get(g, weft_find(g, "e.weight"), table, 500 * 20));
    for (int k = 0; k < 500 * 20; k++) squares += (double)table[k] * table[k];
    for (int k = 0; k < 20; k++) CHECK(table[7 * 20 + k] == 0);
    CHECK_NEAR(sqrt(squares / (499 * 20)), 0.1, 0.005);
    for (int k = 0; k < weft_param_count(g); k++) {
        weft_param_info info = weft_param_at(g, k);
        CHECK(info.trainable == !strcmp(info.name, "e.weight"));
    }
    weft_graph_free(g);
}

/* ---- messages ---- */

static void refuses(weft_layer_recurrent_opts o, const char *message)
{
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, T, I));
    weft_layer_recurrent(g, "r", x, WEFT_NONE, H, &o, NULL, NULL);
    CHECK(weft_graph_status(g));
    CHECK_HAS(weft_graph_error(g), message);
    weft_graph_free(g);
}

static void layers_say_what_they_cannot_be(void **state)
{
    (void)state;
    refuses((weft_layer_recurrent_opts){.layers = 65}, "r: 65 layers, allowed 1 to 64");
    refuses((weft_layer_recurrent_opts){.dropout = 1}, "r: dropout is 1");
    refuses((weft_layer_recurrent_opts){.peepholes = true}, "are of LSTM only");
    weft_graph *g = weft_graph_new();
    weft_value x = weft_input(g, "x", WEFT_SHAPE(0, 4));
    weft_layer_recurrent(g, "r", x, WEFT_NONE, H, NULL, NULL, NULL);
    CHECK_HAS(weft_graph_error(g), "r: the input has rank 2, must be [n, t, i]");
    weft_graph_free(g);
    g = weft_graph_new();
    x = weft_input(g, "x", WEFT_SHAPE(0, T, I));
    weft_layer_seq_conv(g, "c", x, WEFT_NONE, 4, NULL, NULL);
    CHECK_HAS(weft_graph_error(g), "c: a kernel of 0 steps");
    weft_graph_free(g);
}

RUN_TESTS(TEST(chunks_with_carried_states_give_the_whole),
          TEST(a_stack_is_layer_upon_layer),
          TEST(every_gate_starts_orthogonal_and_forget_gates_open),
          TEST(an_embedding_starts_small_and_its_padding_at_zero),
          TEST(layers_say_what_they_cannot_be))
