/* Tests of base/arena.h and base/checked.h. */
#include "test.h"

#include "base/arena.h"
#include "base/checked.h"
#include "base/rng.h"

static void arena_memory_is_zeroed_aligned_and_apart(void **state)
{
    weft__rng r = weft__rng_at(test_seed(), WEFT_RNG_TEST, 0);
    weft__arena a = {0};
    unsigned char *piece[500];
    size_t size[500], asked = 0;
    (void)state;
    for (int i = 0; i < 500; i++) {
        size[i] = weft__rng_below(&r, i % 50 ? 300 : 3000000);
        asked += size[i];
        piece[i] = weft__arena_alloc(&a, size[i]);
        CHECK(piece[i] != NULL);
        CHECK((uintptr_t)piece[i] % _Alignof(max_align_t) == 0);
        for (size_t k = 0; k < size[i]; k++) CHECK(piece[i][k] == 0);
        memset(piece[i], i % 255 + 1, size[i]);
    }
    CHECK(a.bytes >= asked);
    for (int i = 0; i < 500; i++)
        for (size_t k = 0; k < size[i]; k++) CHECK(piece[i][k] == i % 255 + 1);
    weft__arena_free(&a);
    CHECK(a.first == NULL && a.bytes == 0);
}

static void arena_copies_text_and_can_be_used_again(void **state)
{
    weft__arena a = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char text[] = "cloth";
        char *copy = weft__arena_text(&a, text);
        text[0] = 'x';
        CHECK_TEXT(copy, "cloth");
        CHECK_TEXT(weft__arena_text(&a, ""), "");
        weft__arena_free(&a);
    }
}

static void arena_refuses_what_cannot_be(void **state)
{
    weft__arena a = {0};
    (void)state;
    CHECK(weft__arena_alloc(&a, SIZE_MAX) == NULL);
    CHECK(weft__arena_alloc(&a, SIZE_MAX - 64) == NULL);
    CHECK(weft__arena_alloc(&a, 10) != NULL);
    CHECK(weft__arena_alloc(&a, SIZE_MAX - 4096) == NULL);
    weft__arena_free(&a);
}

static void products_that_do_not_fit_are_refused(void **state)
{
    size_t out = 77;
    (void)state;
    CHECK(!weft__mul(SIZE_MAX, 2, &out) && out == 77);
    CHECK(!weft__add(SIZE_MAX, 1, &out) && out == 77);
    CHECK(weft__mul(SIZE_MAX, 1, &out) && out == SIZE_MAX);
    CHECK(weft__add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
}

static void dimensions_are_counted_or_refused(void **state)
{
    size_t out = 77;
    (void)state;
    CHECK(!weft__count((int[]){3, -1, 2}, 3, &out) && out == 77);
    CHECK(!weft__count((int[]){0, -1}, 2, &out) && out == 77);
    CHECK(weft__count((int[]){3, 4, 5}, 3, &out) && out == 60);
    CHECK(weft__count(NULL, 0, &out) && out == 1);
    CHECK(weft__count((int[]){INT32_MAX, INT32_MAX, INT32_MAX, 0}, 4, &out) && out == 0);
    out = 77;
    CHECK(!weft__count((int[]){INT32_MAX, INT32_MAX, INT32_MAX}, 3, &out) && out == 77);
    CHECK(!weft__count64((int64_t[]){INT64_MAX, 3}, 2, &out) && out == 77);
    CHECK(!weft__count64((int64_t[]){2, INT64_MIN}, 2, &out) && out == 77);
    CHECK(weft__count64((int64_t[]){INT64_MAX, INT64_MAX, 0}, 3, &out) && out == 0);
    CHECK(weft__count64((int64_t[]){INT64_C(1) << 20, INT64_C(1) << 10}, 2, &out) &&
          out == (size_t)1 << 30);
}

static void allocations_stay_within_the_limit(void **state)
{
    size_t before = weft__max_memory();
    unsigned char *p;
    (void)state;
    weft__set_max_memory(1000);
    CHECK(weft__max_memory() == 1000);
    CHECK(weft__alloc(1001, 1) == NULL);
    CHECK(weft__alloc(SIZE_MAX / 2, 3) == NULL);
    p = weft__alloc(250, 4);
    CHECK(p != NULL);
    for (int i = 0; i < 1000; i++) CHECK(p[i] == 0);
    free(p);
    p = weft__alloc(0, 4);
    CHECK(p != NULL);
    free(p);
    weft__set_max_memory(before);
}

RUN_TESTS(TEST(arena_memory_is_zeroed_aligned_and_apart),
          TEST(arena_copies_text_and_can_be_used_again),
          TEST(arena_refuses_what_cannot_be), TEST(products_that_do_not_fit_are_refused),
          TEST(dimensions_are_counted_or_refused),
          TEST(allocations_stay_within_the_limit))
