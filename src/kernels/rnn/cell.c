/* cell.c: one step of a recurrent cell for some rows.
 *
 * The product with the state is made one block of units at a time, a vector of each
 * gate side by side, so that the gates find their sums in the L1 cache. */
#include "kernels/simd/lanes.h"
#include "kernels/ukernel/ukernel.h"

enum { CHUNK = 32, GATES_MOST = 4 }; /* rows of a tile's result */
enum { BLOCK_BYTES = 16 << 10 };     /* of weights that stay in the L1 cache */

size_t KERNEL(cell_blocks)(int units)
{
    return (size_t)(units + WEFT_LANES - 1) / WEFT_LANES;
}

/* A block: a row of biases, then k rows, of [gates][lanes]. */
size_t KERNEL(cell_size)(int k, int gates)
{
    return (size_t)(k + 1) * (size_t)gates * WEFT_LANES;
}

static void pack_block(real *to, const real *r, const real *bias, int k, int units,
                       int gates, int first)
{
    const int n = units - first < WEFT_LANES ? units - first : WEFT_LANES;
    for (int g = 0; g < gates; g++, to += WEFT_LANES) {
        const size_t at = (size_t)g * (size_t)units + (size_t)first;
        const real *from = r + at * (size_t)k;
        for (int j = 0; j < WEFT_LANES; j++)
            to[j] = bias && j < n ? bias[at + (size_t)j] : 0;
        real *row = to + gates * WEFT_LANES;
        for (int i = 0; i < k; i++, row += gates * WEFT_LANES) {
            real column[WEFT_LANES];
            if (n == WEFT_LANES) WEFT_UNROLL
            for (int j = 0; j < WEFT_LANES; j++) column[j] = from[j * k + i];
            else for (int j = 0; j < WEFT_LANES; j++) column[j] =
                j < n ? from[j * k + i] : 0;
            memcpy(row, column, sizeof column);
        }
    }
}

void KERNEL(cell_pack)(real *to, const real *r, const real *bias, int k, int units,
                       int gates, int first, int last)
{
    for (int b = first; b < last; b++)
        pack_block(to + (size_t)b * KERNEL(cell_size)(k, gates), r, bias, k, units, gates,
                   b * WEFT_LANES);
}

/* Rows row .. row+rows-1 of a call, units u .. u+m-1, and their sums. */
typedef struct row_block {
    const weft__cell *s;
    const real *sum; /* [rows][gates][lanes] */
    int row, rows;
    size_t u, m;
} row_block;

typedef void cell_function(const row_block *p);

static void sums_of(const weft__cell *s, const real *weights, int row, int rows,
                    int gates, real *to)
{
    const int wide = gates * WEFT_LANES;
    const int depth = BLOCK_BYTES / (wide * (int)sizeof(real));
    const int blocks = (s->units + depth - 1) / depth;
    for (int i = 0; i < blocks; i++) {
        int k0 = (int)((long long)s->units * i / blocks);
        int k1 = (int)((long long)s->units * (i + 1) / blocks);
        ukernel_gemm t = {.a = s->state + row * s->pitch + k0,
                          .row = s->pitch,
                          .taps_h = 1,
                          .taps_w = 1,
                          .k = k1 - k0,
                          .b = weights + (1 + k0) * wide,
                          .ldb = wide,
                          .panel = TILE_COLUMNS,
                          .c = to,
                          .ldc = wide,
                          .n = wide,
                          .accumulate = i > 0,
                          .bias = i ? NULL : weights};
        KERNEL(ukernel_gemm)(&t, rows);
    }
}

static void each_block(const weft__cell *s, int gates, cell_function *f)
{
    real sum[CHUNK * GATES_MOST * WEFT_LANES];
    const size_t units = (size_t)s->units;
    const real *weights = s->weights;
    const int chunks = (s->rows + CHUNK - 1) / CHUNK;
    for (size_t u = 0; u < units; u += WEFT_LANES) {
        row_block p = {.s = s, .sum = sum, .u = u, .m = lanes(units - u)};
        for (int i = 0; i < chunks; i++) {
            p.row = (int)((long long)s->rows * i / chunks);
            p.rows = (int)((long long)s->rows * (i + 1) / chunks) - p.row;
            sums_of(s, weights, p.row, p.rows, gates, sum);
            f(&p);
        }
        weights += KERNEL(cell_size)(s->units, gates);
    }
}

/* Runs `body` for each row of the piece, with the number of lanes constant in the usual
 * case: at: of states, gate, sum: the row's. */
#define EACH_ROW(p, gates, body) \
    do { \
        if ((p)->m == WEFT_LANES) { \
            const size_t m = WEFT_LANES; \
            ROWS(p, gates, body) \
        } else { \
            const size_t m = (p)->m; \
            ROWS(p, gates, body) \
        } \
    } while (0)
#define ROWS(p, gates, body) \
    for (int i = 0; i < (p)->rows; i++) { \
        const ptrdiff_t at = ((p)->row + i) * s->pitch + (ptrdiff_t)(p)->u; \
        real *gate = s->gate + ((p)->row + i) * s->gate_pitch + (p)->u; \
        const real *sum = (p)->sum + i * (gates)*WEFT_LANES; \
        body(s, at, gate, sum, n, (p)->u, m); \
    }
#define CELL(name, gates) \
    static void name##_block(const row_block *p) \
    { \
        const weft__cell *s = p->s; \
        const size_t n = (size_t)s->units; \
        EACH_ROW(p, gates, name##_row); \
    } \
    void KERNEL(name)(const weft__cell *s) \
    { \
        each_block(s, gates, name##_block); \
    }

/* ---- plain ---- */

WEFT_INLINE void rnn_step_row(const weft__cell *s, ptrdiff_t at, real *gate,
                              const real *sum, size_t n, size_t u, size_t m)
{
    vec x = vadd(load(gate, m), vload(sum));
    vec y = s->act == WEFT_ACT_RELU ? vmax(vzero(), x) : vtanh(x);
    (void)n, (void)u;
    store(s->out + at, y, m);
    if (s->training) store(gate, y, m);
}
CELL(rnn_step, 1)

/* ---- GRU ---- */

WEFT_INLINE vec blend(vec z, vec new, vec h)
{
    return vfma(z, vsub(h, new), new);
}

WEFT_INLINE void gru_step_row(const weft__cell *s, ptrdiff_t at, real *gate,
                              const real *sum, size_t n, size_t u, size_t m)
{
    vec z = vsigmoid(vadd(load(gate, m), vload(sum)));
    vec r = vsigmoid(vadd(load(gate + n, m), vload(sum + WEFT_LANES)));
    vec inner = vload(sum + 2 * WEFT_LANES);
    vec new = vtanh(vfma(r, inner, load(gate + 2 * n, m)));
    (void)u;
    store(s->out + at, blend(z, new, load(s->h + at, m)), m);
    if (!s->training) return;
    store(gate, z, m);
    store(gate + n, r, m);
    store(gate + 2 * n, new, m);
    store(s->inner + at, inner, m);
}
CELL(gru_step, 3)

WEFT_INLINE void gru_reset_gate_row(const weft__cell *s, ptrdiff_t at, real *gate,
                                    const real *sum, size_t n, size_t u, size_t m)
{
    vec r = vsigmoid(vadd(load(gate + n, m), vload(sum + WEFT_LANES)));
    vec y = vmul(r, load(s->h + at, m));
    (void)u;
    store(gate, vsigmoid(vadd(load(gate, m), vload(sum))), m);
    store(gate + n, r, m);
    store(s->out + at, y, m);
    if (s->inner) store(s->inner + at, y, m);
}
CELL(gru_reset_gate, 2)

WEFT_INLINE void gru_candidate_row(const weft__cell *s, ptrdiff_t at, real *gate,
                                   const real *sum, size_t n, size_t u, size_t m)
{
    vec new = vtanh(vadd(load(gate + 2 * n, m), vload(sum)));
    (void)u;
    store(s->out + at, blend(load(gate, m), new, load(s->h + at, m)), m);
    store(gate + 2 * n, new, m);
}
CELL(gru_candidate, 1)

/* ---- LSTM ---- */

WEFT_INLINE void lstm_step_row(const weft__cell *s, ptrdiff_t at, real *gate,
                               const real *sum, size_t n, size_t u, size_t m)
{
    const real *peep = s->peep ? s->peep + u : NULL;
    vec old = load(s->c + at, m);
    vec x = vadd(load(gate, m), vload(sum));
    vec i = vsigmoid(peeped(x, peep, 0, old, m));
    x = vadd(load(gate + 2 * n, m), vload(sum + 2 * WEFT_LANES));
    vec f = vsigmoid(peeped(x, peep, 2 * n, old, m));
    vec g = vtanh(vadd(load(gate + 3 * n, m), vload(sum + 3 * WEFT_LANES)));
    vec new = vfma(f, old, vmul(i, g));
    x = vadd(load(gate + n, m), vload(sum + WEFT_LANES));
    vec o = vsigmoid(peeped(x, peep, n, new, m));
    store(s->out_c + at, new, m);
    store(s->out + at, vmul(o, vtanh(new)), m);
    if (!s->training) return;
    store(gate, i, m);
    store(gate + n, o, m);
    store(gate + 2 * n, f, m);
    store(gate + 3 * n, g, m);
}
CELL(lstm_step, 4)
