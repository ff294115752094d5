/* params.c: metadata, and parameters copied from one graph into another. */
#include "test.h"

#include "weft/ops.h"
#include "weft/store.h"

static void metadata_keep_their_order_and_replace_by_key(void **state)
{
    (void)state;
    weft_meta *m = weft_meta_new();
    CHECK(!weft_meta_set(m, "b", "1"));
    CHECK(!weft_meta_set(m, "a", "2"));
    CHECK(!weft_meta_set(m, "b", ""));
    CHECK(weft_meta_count(m) == 2);
    CHECK_TEXT(weft_meta_key(m, 0), "b");
    CHECK_TEXT(weft_meta_key(m, 1), "a");
    CHECK_TEXT(weft_meta_get(m, "b"), "");
    CHECK(weft_meta_get(m, "c") == NULL && weft_meta_key(m, 2) == NULL);
    CHECK(weft_meta_key(m, -1) == NULL);
    weft_meta_free(m);
    weft_meta_free(NULL);
}

static void metadata_are_text(void **state)
{
    static const char *const bad[] = {"\xff",         "a\xc0\xaf",
                                      "\xed\xa0\x80", "\xf5\x80\x80\x80",
                                      "\xe2\x82",     "\xf4\x90\x80\x80"};
    (void)state;
    weft_meta *m = weft_meta_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(weft_meta_set(m, "k", bad[i]) == WEFT_EUSAGE);
        CHECK(weft_meta_set(m, bad[i], "v") == WEFT_EUSAGE);
    }
    CHECK(weft_meta_set(m, "", "v") == WEFT_EUSAGE);
    CHECK(!weft_meta_set(m, "ключ", "值 \xf0\x9f\x90\x88"));
    CHECK(weft_meta_count(m) == 1);
    weft_meta_free(m);
}

static void parameters_are_copied_by_name_and_shape(void **state)
{
    float x[6] = {1, 2, 3, 4, 5, 6}, y[6];
    int copied = -1, left = -1;
    (void)state;
    weft_graph *a = weft_graph_new(), *b = weft_graph_new();
    weft_value aw = weft_param(a, "w", WEFT_SHAPE(2, 3)),
               ah = weft_param(a, "head", WEFT_SHAPE(6));
    weft_value am = weft_buffer(a, "mean", WEFT_SHAPE(3));
    weft_value bh = weft_param(b, "head", WEFT_SHAPE(2, 3)),
               bm = weft_buffer(b, "mean", WEFT_SHAPE(3));
    weft_value bw = weft_param(b, "w", WEFT_SHAPE(2, 3));
    weft_param(b, "fresh", WEFT_SHAPE(1));
    CHECK(!weft_param_set(a, aw, x, 6) && !weft_param_set(a, ah, x, 6));
    CHECK(!weft_param_set(a, am, x + 3, 3));
    CHECK(!weft_params_copy(b, a, &copied, &left));
    CHECK(copied == 2 && left == 2);
    CHECK(!weft_param_get(b, bw, y, 6));
    CHECK(!memcmp(x, y, sizeof x));
    CHECK(!weft_param_get(b, bm, y, 3));
    CHECK(y[0] == 4 && y[2] == 6);
    CHECK(!weft_param_get(b, bh, y, 6));
    CHECK(y[0] == 0 && y[5] == 0); /* of another shape: left alone */
    CHECK(!weft_params_copy(b, a, NULL, NULL));
    weft_graph_free(a);
    weft_graph_free(b);
}

RUN_TESTS(TEST(metadata_keep_their_order_and_replace_by_key), TEST(metadata_are_text),
          TEST(parameters_are_copied_by_name_and_shape))
