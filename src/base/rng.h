/* rng.h: counter-based random numbers (Philox4x32-10, Salmon et al. 2011). The n-th
 * number is a function of (key, counter) alone, so any thread can make any number. */
#ifndef WEFT_SRC_BASE_RNG_H
#define WEFT_SRC_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* One block of four 32-bit numbers. */
void weft__philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* A stream: a cursor over the blocks of (seed, a, b). Streams with other (seed, a,
 * b) are independent. By convention seed is the run's, a names the purpose (an enum
 * below shifted left by 32 with the epoch in the low half), b the sample, layer or
 * step. It begins again after 2^34 numbers. */
typedef struct weft__rng {
    uint32_t key[2], counter[4]; /* counter[0] is the number of the next block */
    uint32_t used;               /* how many of out are taken; 4: make the next block */
    uint32_t out[4];
} weft__rng;

enum weft__rng_purpose {
    WEFT_RNG_INIT = 1,
    WEFT_RNG_SHUFFLE,
    WEFT_RNG_AUGMENT,
    WEFT_RNG_DROPOUT,
    WEFT_RNG_SPLIT,
    WEFT_RNG_MIX,
    WEFT_RNG_TEST
};

#define WEFT_RNG_KEY(purpose, epoch) ((uint64_t)(purpose) << 32 | (uint32_t)(epoch))

weft__rng weft__rng_at(uint64_t seed, uint64_t a, uint64_t b);
uint32_t weft__rng_u32(weft__rng *r);
uint64_t weft__rng_u64(weft__rng *r);
uint32_t weft__rng_below(weft__rng *r, uint32_t n);     /* 0 .. n-1, unbiased; n > 0 */
int weft__rng_between(weft__rng *r, int low, int high); /* low .. high, both included */
double weft__rng_uniform(weft__rng *r);                 /* [0, 1) */
double weft__rng_range(weft__rng *r, double low, double high);
double weft__rng_normal(weft__rng *r); /* mean 0, standard deviation 1 (Box-Muller) */
void weft__rng_shuffle(weft__rng *r, uint32_t *items, size_t n); /* Fisher-Yates */

#endif
