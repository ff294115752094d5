/* dropout.c: tests of the dropout kernel, on every instruction set. */
#include "every_isa.h"

enum { N = 100003 };
static const uint64_t key = 0x123456789abcdef0u, stream = 0xfedcba9876543210u;

static float *ones(size_t n)
{
    float *x = malloc(n * sizeof *x);
    CHECK(x != NULL);
    for (size_t i = 0; i < n; i++) x[i] = 1;
    return x;
}

static void dropout_keeps_the_asked_share_and_scales_it(void **state)
{
    (void)state;
    const float shares[] = {0.1f, 0.25f, 0.5f, 0.9f};
    float *x = ones(N), *y = ones(N);
    for (const weft__kernels *const *k = every_set(); *k; k++)
        for (int s = 0; s < 4; s++) {
            const float p = shares[s], prepacked = 1 / (1 - p);
            double count = 0, neighbours = 0;
            (*k)->dropout(y, x, N, p, key, stream, 0);
            for (size_t i = 0; i < N; i++) {
                CHECK(y[i] == 0 || y[i] == prepacked);
                count += y[i] != 0;
                neighbours += i && y[i] != 0 && y[i - 1] != 0;
            }
            const double q = 1 - (double)p, std = sqrt(N * q * (1 - q));
            CHECK_NEAR(count, N * q, 5 * std);
            CHECK_NEAR(neighbours, N * q * q, 10 * std);
        }
    free(x);
    free(y);
}

static void dropout_decides_by_philox_of_the_element_alone(void **state)
{
    (void)state;
    enum { SOME = 1000 };
    const uint64_t first =
        0xfffffffffu * 4 - 501; /* the low counter word wraps in between */
    float x[SOME], y[SOME];
    for (size_t i = 0; i < SOME; i++) x[i] = (float)i + 1;
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        (*k)->dropout(y, x, SOME, 0.3f, key, stream, first);
        for (size_t i = 0; i < SOME; i++) {
            const uint64_t at = first + i, block = at / 4;
            const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32),
                                         (uint32_t)stream, (uint32_t)(stream >> 32)};
            const uint32_t keys[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
            uint32_t out[4];
            weft__philox(out, counter, keys);
            const bool keep = out[at % 4] >= (uint32_t)((double)0.3f * 4294967296.0);
            CHECK(y[i] == (keep ? x[i] * (1 / (1 - 0.3f)) : 0));
        }
    }
}

static void dropout_does_not_depend_on_where_an_array_is_cut(void **state)
{
    (void)state;
    float *x = ones(N), *whole = ones(N), *cut = ones(N);
    every_set()[0]->dropout(whole, x, N, 0.4f, key, stream, 11);
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        for (size_t i = 0, some = 1; i < N; i += some, some = some * 3 % 1009 + 1) {
            const size_t n = N - i < some ? N - i : some;
            (*k)->dropout(cut + i, x + i, n, 0.4f, key, stream, 11 + i);
        }
        CHECK(!memcmp(whole, cut, N * sizeof *cut));
        memcpy(cut, x, N * sizeof *cut); /* in place */
        (*k)->dropout(cut, cut, N, 0.4f, key, stream, 11);
        CHECK(!memcmp(whole, cut, N * sizeof *cut));
    }
    free(x);
    free(whole);
    free(cut);
}

static void dropout_of_none_copies_and_of_all_clears(void **state)
{
    (void)state;
    const float x[5] = {1, NAN, -3, INFINITY, 5};
    float y[5];
    for (const weft__kernels *const *k = every_set(); *k; k++) {
        (*k)->dropout(y, x, 5, 0, key, stream, 0);
        CHECK(!memcmp(x, y, sizeof x));
        (*k)->dropout(y, x, 5, 1, key, stream, 0);
        for (int i = 0; i < 5; i++) CHECK(y[i] == 0);
        (*k)->dropout(y, x, 0, 0.5f, key, stream, 0);
    }
}

static void other_keys_and_streams_drop_other_elements(void **state)
{
    (void)state;
    float *x = ones(N), *y = ones(N), *z = ones(N);
    const weft__kernels *k = every_set()[0];
    k->dropout(y, x, N, 0.5f, key, stream, 0);
    for (int other = 0; other < 3; other++) {
        double both = 0;
        k->dropout(z, x, N, 0.5f, key + (other == 0), stream + (other == 1),
                   other == 2 ? N : 0);
        for (size_t i = 0; i < N; i++) both += y[i] != 0 && z[i] != 0;
        CHECK_NEAR(both, N / 4.0, 5 * sqrt(N * 0.25 * 0.75));
    }
    free(x);
    free(y);
    free(z);
}

RUN_TESTS(TEST(dropout_keeps_the_asked_share_and_scales_it),
          TEST(dropout_decides_by_philox_of_the_element_alone),
          TEST(dropout_does_not_depend_on_where_an_array_is_cut),
          TEST(dropout_of_none_copies_and_of_all_clears),
          TEST(other_keys_and_streams_drop_other_elements))
