/* elementwise.c: kernels that map arrays element by element.
 *
 * A tail goes through the same vector code as the body (vload_n), so that an element's
 * result does not depend on where an array was cut. */
#include "kernels/activation.h"

/* ---- one operand ---- */

WEFT_INLINE void map(real *y, const real *x, size_t n, forward_fn *f, vec alpha, vec beta)
{
    size_t i = 0;
    for (; i + WEFT_LANES <= n; i += WEFT_LANES)
        vstore(y + i, f(vload(x + i), alpha, beta));
    if (i < n) {
        int rest = (int)(n - i);
        vstore_n(y + i, f(vload_n(x + i, rest), alpha, beta), rest);
    }
}

WEFT_INLINE void map_back(real *dx, const real *dy, const real *x, const real *y,
                          size_t n, derivative_fn *f, vec alpha, vec beta)
{
    size_t i = 0;
    for (; i + WEFT_LANES <= n; i += WEFT_LANES) {
        vec d = vload(dy + i);
        vstore(dx + i, f(d, vload(x + i), vload(y + i), alpha, beta));
    }
    if (i < n) {
        int rest = (int)(n - i);
        vec d = vload_n(dy + i, rest);
        d = f(d, vload_n(x + i, rest), vload_n(y + i, rest), alpha, beta);
        vstore_n(dx + i, d, rest);
    }
}

void KERNEL(activate)(real *y, const real *x, size_t n, const weft__epilogue *e)
{
    const vec alpha = vset1((real)e->alpha), beta = vset1((real)e->beta);
    switch (e->act) {
#define CASE(number, name) \
    case number: \
        map(y, x, n, name##_forward, alpha, beta); \
        break;
        WEFT_ACTIVATIONS(CASE)
#undef CASE
    case WEFT_ACT_COUNT:
        break;
    }
}

void KERNEL(activate_backward)(real *dx, const real *dy, const real *x, const real *y,
                               size_t n, const weft__epilogue *e)
{
    const vec alpha = vset1((real)e->alpha), beta = vset1((real)e->beta);
    switch (e->act) {
#define CASE(number, name) \
    case number: \
        map_back(dx, dy, x, y, n, name##_derivative, alpha, beta); \
        break;
        WEFT_ACTIVATIONS(CASE)
#undef CASE
    case WEFT_ACT_COUNT:
        break;
    }
}

#define UNUSED __attribute__((unused))
#define WORD(name, expression) \
    WEFT_INLINE vec name##_word(vec x, UNUSED vec a, UNUSED vec b) \
    { \
        return expression; \
    }
WORD(exp, vexp(x))
WORD(log, vlog(x))
WORD(sqrt, vsqrt(x))
WORD(erf, verf(x))
WORD(scale, vfma(x, a, b))
WORD(clamp, vclip(x, a, b))
#undef WORD

void KERNEL(exp)(real *y, const real *x, size_t n)
{
    map(y, x, n, exp_word, vzero(), vzero());
}

void KERNEL(log)(real *y, const real *x, size_t n)
{
    map(y, x, n, log_word, vzero(), vzero());
}

void KERNEL(sqrt)(real *y, const real *x, size_t n)
{
    map(y, x, n, sqrt_word, vzero(), vzero());
}

void KERNEL(erf)(real *y, const real *x, size_t n)
{
    map(y, x, n, erf_word, vzero(), vzero());
}

void KERNEL(scale)(real *y, const real *x, size_t n, real a, real b)
{
    map(y, x, n, scale_word, vset1(a), vset1(b));
}

void KERNEL(clamp)(real *x, size_t n, real low, real high)
{
    map(x, x, n, clamp_word, vset1(low), vset1(high));
}

/* ---- two operands ---- */

typedef vec pair_fn(vec a, vec b);

/* fixed_a, fixed_b: the operand is one number for all i. Constant at every call. */
WEFT_INLINE void map_pair_as(real *y, const real *a, const real *b, size_t n,
                             bool fixed_a, bool fixed_b, pair_fn *f)
{
    const vec va = fixed_a ? vset1(*a) : vzero(), vb = fixed_b ? vset1(*b) : vzero();
    size_t i = 0;
    for (; i + WEFT_LANES <= n; i += WEFT_LANES) {
        vec left = fixed_a ? va : vload(a + i), right = fixed_b ? vb : vload(b + i);
        vstore(y + i, f(left, right));
    }
    if (i < n) {
        int rest = (int)(n - i);
        vec left = fixed_a ? va : vload_n(a + i, rest);
        vec right = fixed_b ? vb : vload_n(b + i, rest);
        vstore_n(y + i, f(left, right), rest);
    }
}

WEFT_INLINE void map_pair(real *y, const real *a, const real *b, size_t n, int sa, int sb,
                          pair_fn *f)
{
    if (!n) return;
    if (sa && sb)
        map_pair_as(y, a, b, n, false, false, f);
    else if (sa)
        map_pair_as(y, a, b, n, false, true, f);
    else if (sb)
        map_pair_as(y, a, b, n, true, false, f);
    else
        map_pair_as(y, a, b, n, true, true, f);
}

/* vmax gives b when either is NaN; a NaN in a must win too. */
WEFT_INLINE vec max_or_nan(vec a, vec b)
{
    return vselect(veq(a, a), vmax(a, b), a);
}
WEFT_INLINE vec min_or_nan(vec a, vec b)
{
    return vselect(veq(a, a), vmin(a, b), a);
}

#define PAIR(name, word) \
    void KERNEL(name)(real * y, const real *a, const real *b, size_t n, int sa, int sb) \
    { \
        map_pair(y, a, b, n, sa, sb, word); \
    }
PAIR(add, vadd)
PAIR(sub, vsub)
PAIR(mul, vmul)
PAIR(div, vdiv)
PAIR(max, max_or_nan)
PAIR(min, min_or_nan)
#undef PAIR

/* ---- accumulation into y ---- */

/* y = f(x, z, y) */
typedef vec update_fn(vec x, vec z, vec y, vec a, vec b);

WEFT_INLINE void update(real *y, const real *x, const real *z, size_t n, update_fn *f,
                        vec a, vec b)
{
    size_t i = 0;
    for (; i + WEFT_LANES <= n; i += WEFT_LANES)
        vstore(y + i, f(vload(x + i), vload(z + i), vload(y + i), a, b));
    if (i < n) {
        int rest = (int)(n - i);
        vec left = vload_n(x + i, rest), right = vload_n(z + i, rest);
        vstore_n(y + i, f(left, right, vload_n(y + i, rest), a, b), rest);
    }
}

#define UPDATE(name, expression) \
    WEFT_INLINE vec name##_word(vec x, UNUSED vec z, vec y, UNUSED vec a, UNUSED vec b) \
    { \
        return expression; \
    }
UPDATE(axpy, vfma(a, x, y))
UPDATE(axpby, vfma(a, x, vmul(b, y)))
UPDATE(mul_acc, vfma(x, z, y))
#undef UPDATE

void KERNEL(axpy)(real *y, const real *x, size_t n, real a)
{
    update(y, x, x, n, axpy_word, vset1(a), vzero());
}

void KERNEL(axpby)(real *y, const real *x, size_t n, real a, real b)
{
    update(y, x, x, n, axpby_word, vset1(a), vset1(b));
}

void KERNEL(mul_acc)(real *y, const real *a, const real *b, size_t n)
{
    update(y, a, b, n, mul_acc_word, vzero(), vzero());
}

/* ---- bytes ---- */

void KERNEL(from_u8)(real *y, const unsigned char *x, size_t n, real a, real b)
{
    const vec va = vset1(a), vb = vset1(b);
    size_t i = 0;
    for (; i + WEFT_LANES <= n; i += WEFT_LANES)
        vstore(y + i, vfma(vload_u8(x + i), va, vb));
    if (i < n) {
        int rest = (int)(n - i);
        vstore_n(y + i, vfma(vload_u8_n(x + i, rest), va, vb), rest);
    }
}

/* ---- dropout ---- */

enum { BLOCKS = 64, BITS = 4 * BLOCKS };

/* Philox4x32-10 (as weft__philox) of the counters {block low, block high, stream
 * low, stream high} for BLOCKS blocks from `first`. Plain C over short arrays, which
 * compilers turn into vector code; the k-th number of a block stands at bits[4 *
 * block + k]. */
static void philox_blocks(uint32_t *bits, uint64_t first, uint64_t stream, uint64_t key)
{
    uint32_t c0[BLOCKS], c1[BLOCKS], c2[BLOCKS], c3[BLOCKS];
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int j = 0; j < BLOCKS; j++) {
        c0[j] = (uint32_t)(first + (uint64_t)j);
        c1[j] = (uint32_t)((first + (uint64_t)j) >> 32);
        c2[j] = (uint32_t)stream;
        c3[j] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
        for (int j = 0; j < BLOCKS; j++) {
            const uint64_t left = (uint64_t)c0[j] * 0xD2511F53u;
            const uint64_t right = (uint64_t)c2[j] * 0xCD9E8D57u;
            c0[j] = (uint32_t)(right >> 32) ^ c1[j] ^ k0;
            c2[j] = (uint32_t)(left >> 32) ^ c3[j] ^ k1;
            c1[j] = (uint32_t)right;
            c3[j] = (uint32_t)left;
        }
    }
    for (int j = 0; j < BLOCKS; j++) {
        bits[4 * j] = c0[j];
        bits[4 * j + 1] = c1[j];
        bits[4 * j + 2] = c2[j];
        bits[4 * j + 3] = c3[j];
    }
}

/* A dropped element is 0 even where x is not finite. */
WEFT_INLINE vec keep_or_zero(vec factor, vec x)
{
    return vselect(vgt(factor, vzero()), vmul(factor, x), vzero());
}

void KERNEL(dropout)(real *y, const real *x, size_t n, real p, uint64_t key,
                     uint64_t stream, uint64_t first)
{
    if (!(p > 0)) { /* nothing is dropped */
        if (y != x && n) memmove(y, x, n * sizeof *y);
        return;
    }
    if (p >= 1) {
        for (size_t i = 0; i < n; i++) y[i] = 0;
        return;
    }
    const uint32_t threshold = (uint32_t)((double)p * 4294967296.0);
    const real scale = 1 / (1 - p);
    uint32_t bits[BITS];
    real factor[BITS];
    for (size_t done = 0; done < n;) {
        const uint64_t at = first + done;
        const size_t skip = (size_t)(at % 4);
        const size_t some = n - done < BITS - skip ? n - done : BITS - skip;
        philox_blocks(bits, at / 4, stream, key);
        for (int i = 0; i < BITS; i++) factor[i] = bits[i] >= threshold ? scale : 0;
        map_pair_as(y + done, factor + skip, x + done, some, false, false, keep_or_zero);
        done += some;
    }
}
