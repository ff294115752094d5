/* rng.c: counter-based random numbers, Philox4x32-10 (Salmon et al., SC 2011). */
#include "base/rng.h"

#include <math.h>

static uint32_t low(uint64_t v)
{
    return (uint32_t)v;
}

static uint32_t high(uint64_t v)
{
    return (uint32_t)(v >> 32);
}

void weft__philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)0xd2511f53u * c0, q = (uint64_t)0xcd9e8d57u * c2;
        c0 = high(q) ^ c1 ^ k0;
        c1 = low(q);
        c2 = high(p) ^ c3 ^ k1;
        c3 = low(p);
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* (seed, a, b, block) are 224 bits and Philox takes 192: one Philox call keyed by
 * the seed turns `a` into 96 bits, 64 of them the stream's key, 32 a word of its
 * counter; b and the block number are the rest of the counter. Two streams of one
 * (seed, a) so never share a block. */
weft__rng weft__rng_at(uint64_t seed, uint64_t a, uint64_t b)
{
    const uint32_t of_seed[2] = {low(seed), high(seed)};
    const uint32_t of_a[4] = {low(a), high(a), 0x77656674u, 0}; /* "weft" */
    uint32_t mixed[4];
    weft__rng r = {.used = 4};
    weft__philox(mixed, of_a, of_seed);
    r.key[0] = mixed[0];
    r.key[1] = mixed[1];
    r.counter[1] = mixed[2];
    r.counter[2] = low(b);
    r.counter[3] = high(b);
    return r;
}

uint32_t weft__rng_u32(weft__rng *r)
{
    if (r->used >= 4) {
        weft__philox(r->out, r->counter, r->key);
        r->counter[0]++;
        r->used = 0;
    }
    return r->out[r->used++];
}

uint64_t weft__rng_u64(weft__rng *r)
{
    uint64_t first = weft__rng_u32(r);
    return first | (uint64_t)weft__rng_u32(r) << 32;
}

/* Lemire, "Fast random integer generation in an interval" (2019): the multiply maps
 * 2^32 values onto n; the few that would make some results likelier are drawn again. */
uint32_t weft__rng_below(weft__rng *r, uint32_t n)
{
    uint64_t product = (uint64_t)weft__rng_u32(r) * n;
    if (low(product) < n) {
        uint32_t surplus = (uint32_t)(-n) % n;
        while (low(product) < surplus) product = (uint64_t)weft__rng_u32(r) * n;
    }
    return high(product);
}

int weft__rng_between(weft__rng *r, int from, int to)
{
    uint32_t span = (uint32_t)to - (uint32_t)from + 1;
    uint32_t step = span ? weft__rng_below(r, span) : weft__rng_u32(r);
    return (int)((int64_t)from + step);
}

double weft__rng_uniform(weft__rng *r)
{
    return (double)(weft__rng_u64(r) >> 11) * 0x1p-53;
}

double weft__rng_range(weft__rng *r, double from, double to)
{
    return from + (to - from) * weft__rng_uniform(r);
}

double weft__rng_normal(weft__rng *r)
{
    double u = 1.0 - weft__rng_uniform(r); /* (0, 1]: its logarithm is finite */
    double v = weft__rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

void weft__rng_shuffle(weft__rng *r, uint32_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = weft__rng_below(r, (uint32_t)i);
        uint32_t swap = items[i - 1];
        items[i - 1] = items[j];
        items[j] = swap;
    }
}
