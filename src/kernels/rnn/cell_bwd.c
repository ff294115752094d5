/* cell_bwd.c: the way back through a step of a recurrent cell, for one row.
 *
 * Gates lie one after another, n elements each, in ONNX's order. */
#include "kernels/simd/lanes.h"

/* Runs `body` over 0 .. n-1 with i the place and m the number of lanes. */
#define EACH(i, m, n) for (size_t i = 0, m; i < (n) && (m = lanes((n)-i), true); i += m)

/* d s'(x), from y = s(x), the sigmoid */
WEFT_INLINE vec through_sigmoid(vec d, vec y)
{
    return vmul(d, vmul(y, vsub(vset1(1), y)));
}

/* d tanh'(x), from y = tanh(x) */
WEFT_INLINE vec through_tanh(vec d, vec y)
{
    return vmul(d, vfnma(y, y, vset1(1)));
}

/* ---- GRU, gates z r h ---- */

void KERNEL(gru_step_bwd)(real *gate, real *inner, real *dh, const real *h, size_t n)
{
    EACH(i, m, n)
    {
        vec z = load(gate + i, m), r = load(gate + n + i, m);
        vec new = load(gate + 2 * n + i, m), d = load(dh + i, m);
        vec a = through_tanh(vmul(d, vsub(vset1(1), z)), new);
        vec ar = through_sigmoid(vmul(a, load(inner + i, m)), r);
        store(dh + i, vmul(d, z), m);
        store(gate + i, through_sigmoid(vmul(d, vsub(load(h + i, m), new)), z), m);
        store(gate + n + i, ar, m);
        store(gate + 2 * n + i, a, m);
        store(inner + i, vmul(a, r), m);
    }
}

void KERNEL(gru_candidate_bwd)(real *gate, real *dh, const real *h, size_t n)
{
    EACH(i, m, n)
    {
        vec z = load(gate + i, m), new = load(gate + 2 * n + i, m), d = load(dh + i, m);
        store(dh + i, vmul(d, z), m);
        store(gate + i, through_sigmoid(vmul(d, vsub(load(h + i, m), new)), z), m);
        store(gate + 2 * n + i, through_tanh(vmul(d, vsub(vset1(1), z)), new), m);
    }
}

void KERNEL(gru_reset_gate_bwd)(real *gate, real *dh, const real *inner, const real *h,
                                size_t n)
{
    EACH(i, m, n)
    {
        vec r = load(gate + n + i, m), d = load(inner + i, m);
        store(dh + i, vfma(d, r, load(dh + i, m)), m);
        store(gate + n + i, through_sigmoid(vmul(d, load(h + i, m)), r), m);
    }
}

/* ---- LSTM, gates i o f c, peepholes i o f ---- */

WEFT_INLINE void add_product(real *to, vec a, vec b, size_t m)
{
    store(to, vfma(a, b, load(to, m)), m);
}

void KERNEL(lstm_step_bwd)(real *gate, const real *peep, real *dpeep, const real *c,
                           const real *dh, real *dc, size_t n)
{
    EACH(k, m, n)
    {
        vec i = load(gate + k, m), o = load(gate + n + k, m);
        vec f = load(gate + 2 * n + k, m), g = load(gate + 3 * n + k, m);
        vec old = load(c + k, m), d = load(dh + k, m);
        vec new = vfma(f, old, vmul(i, g)), t = vtanh(new);
        vec ao = through_sigmoid(vmul(d, t), o);
        vec dn = vadd(load(dc + k, m), through_tanh(vmul(d, o), t));
        dn = peeped(dn, peep, n + k, ao, m);
        vec ai = through_sigmoid(vmul(dn, g), i);
        vec af = through_sigmoid(vmul(dn, old), f);
        vec before = peeped(vmul(dn, f), peep, k, ai, m);
        store(dc + k, peeped(before, peep, 2 * n + k, af, m), m);
        store(gate + k, ai, m);
        store(gate + n + k, ao, m);
        store(gate + 2 * n + k, af, m);
        store(gate + 3 * n + k, through_tanh(vmul(dn, i), g), m);
        if (!dpeep) continue;
        add_product(dpeep + k, ai, old, m);
        add_product(dpeep + n + k, ao, new, m);
        add_product(dpeep + 2 * n + k, af, old, m);
    }
}
