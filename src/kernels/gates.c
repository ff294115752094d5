/* gates.c: one step of a recurrent cell for one row: what the gates make of the sums, and
 * the way back.
 *
 * s is sigmoid. Gates lie one behind the other, n elements each, in ONNX's order. A tail
 * goes through the same vector code as the body. */
#include "kernels/vec_math.h"

/* Runs `body` over 0 .. n-1 with i the place and m the number of lanes. */
#define EACH(i, m, n) for (size_t i = 0, m; i < (n) && (m = lanes((n)-i), true); i += m)

WEFT_INLINE size_t lanes(size_t left)
{
    return left < WEFT_LANES ? left : WEFT_LANES;
}

WEFT_INLINE vec load(const real *p, size_t m)
{
    return m == WEFT_LANES ? vload(p) : vload_n(p, (int)m);
}

WEFT_INLINE void store(real *p, vec v, size_t m)
{
    if (m == WEFT_LANES)
        vstore(p, v);
    else
        vstore_n(p, v, (int)m);
}

/* d s'(x), from y = s(x) */
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

WEFT_INLINE vec blend(vec z, vec new, vec h)
{
    return vfma(z, vsub(h, new), new);
}

void KERNEL(gru_step)(real *gate, const real *rec, const real *h, real *out, real *inner,
                      size_t n)
{
    EACH(i, m, n)
    {
        vec z = vsigmoid(vadd(load(gate + i, m), load(rec + i, m)));
        vec r = vsigmoid(vadd(load(gate + n + i, m), load(rec + n + i, m)));
        vec u = load(rec + 2 * n + i, m);
        vec new = vtanh(vfma(r, u, load(gate + 2 * n + i, m)));
        store(out + i, blend(z, new, load(h + i, m)), m);
        if (!inner) continue;
        store(gate + i, z, m);
        store(gate + n + i, r, m);
        store(gate + 2 * n + i, new, m);
        store(inner + i, u, m);
    }
}

void KERNEL(gru_step_back)(real *gate, real *rec, real *inner, real *dh, const real *h,
                           size_t n)
{
    EACH(i, m, n)
    {
        vec z = load(gate + i, m), r = load(gate + n + i, m);
        vec new = load(gate + 2 * n + i, m), d = load(dh + i, m);
        vec a = through_tanh(vmul(d, vsub(vset1(1), z)), new);
        vec az = through_sigmoid(vmul(d, vsub(load(h + i, m), new)), z);
        vec ar = through_sigmoid(vmul(a, load(inner + i, m)), r);
        vec au = vmul(a, r);
        store(dh + i, vmul(d, z), m);
        store(gate + i, az, m);
        store(gate + n + i, ar, m);
        store(gate + 2 * n + i, a, m);
        store(rec + i, az, m);
        store(rec + n + i, ar, m);
        store(rec + 2 * n + i, au, m);
        store(inner + i, au, m);
    }
}

void KERNEL(gru_reset)(real *gate, const real *rec, const real *h, real *inner, size_t n)
{
    EACH(i, m, n)
    {
        vec r = vsigmoid(vadd(load(gate + n + i, m), load(rec + n + i, m)));
        store(gate + i, vsigmoid(vadd(load(gate + i, m), load(rec + i, m))), m);
        store(gate + n + i, r, m);
        store(inner + i, vmul(r, load(h + i, m)), m);
    }
}

void KERNEL(gru_renew)(real *gate, const real *rec, const real *h, real *out, size_t n)
{
    EACH(i, m, n)
    {
        vec new = vtanh(vadd(load(gate + 2 * n + i, m), load(rec + i, m)));
        vec y = blend(load(gate + i, m), new, load(h + i, m));
        store(gate + 2 * n + i, new, m);
        store(out + i, y, m);
    }
}

void KERNEL(gru_renew_back)(real *gate, real *rec, real *dh, const real *h, size_t n)
{
    EACH(i, m, n)
    {
        vec z = load(gate + i, m), new = load(gate + 2 * n + i, m), d = load(dh + i, m);
        vec a = through_tanh(vmul(d, vsub(vset1(1), z)), new);
        vec az = through_sigmoid(vmul(d, vsub(load(h + i, m), new)), z);
        store(dh + i, vmul(d, z), m);
        store(gate + i, az, m);
        store(gate + 2 * n + i, a, m);
        store(rec + i, az, m);
        store(rec + 2 * n + i, a, m);
    }
}

void KERNEL(gru_reset_back)(real *gate, real *rec, real *dh, const real *inner,
                            const real *h, size_t n)
{
    EACH(i, m, n)
    {
        vec r = load(gate + n + i, m), d = load(inner + i, m);
        vec ar = through_sigmoid(vmul(d, load(h + i, m)), r);
        store(dh + i, vfma(d, r, load(dh + i, m)), m);
        store(gate + n + i, ar, m);
        store(rec + n + i, ar, m);
    }
}

/* ---- LSTM, gates i o f c, peepholes i o f ---- */

WEFT_INLINE vec peeped(vec sum, const real *peep, size_t at, vec c, size_t m)
{
    return peep ? vfma(load(peep + at, m), c, sum) : sum;
}

void KERNEL(lstm_step)(real *gate, const real *rec, const real *peep, const real *c,
                       real *out_c, real *out_h, size_t n)
{
    EACH(k, m, n)
    {
        vec old = load(c + k, m), sum[4];
        WEFT_UNROLL
        for (int j = 0; j < 4; j++) {
            size_t at = (size_t)j * n + k;
            sum[j] = vadd(load(gate + at, m), load(rec + at, m));
        }
        vec i = vsigmoid(peeped(sum[0], peep, k, old, m));
        vec f = vsigmoid(peeped(sum[2], peep, 2 * n + k, old, m));
        vec g = vtanh(sum[3]);
        vec new = vfma(f, old, vmul(i, g));
        vec o = vsigmoid(peeped(sum[1], peep, n + k, new, m));
        store(gate + k, i, m);
        store(gate + n + k, o, m);
        store(gate + 2 * n + k, f, m);
        store(gate + 3 * n + k, g, m);
        store(out_c + k, new, m);
        store(out_h + k, vmul(o, vtanh(new)), m);
    }
}

void KERNEL(lstm_step_back)(real *gate, const real *peep, const real *c_before,
                            const real *c_after, const real *dh, real *dc, size_t n)
{
    EACH(k, m, n)
    {
        vec i = load(gate + k, m), o = load(gate + n + k, m);
        vec f = load(gate + 2 * n + k, m), g = load(gate + 3 * n + k, m);
        vec old = load(c_before + k, m), d = load(dh + k, m);
        vec t = vtanh(load(c_after + k, m));
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
    }
}
