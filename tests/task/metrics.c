/* Tests of the classification metrics on tables small enough to count by hand. */
#include "test.h"

#include "weft/train.h"

/* One sample whose scores single out `predicted`. */
static void add(weft_metrics *m, int classes, int truth, int predicted)
{
    float score[16] = {0};
    CHECK(classes <= 16);
    score[predicted] = 1;
    weft_metrics_add(m, score, &(int32_t){truth}, NULL, 1);
}

/* scikit-learn's own example: y_true 0 1 2 2 2, y_pred 0 0 2 2 1. */
static weft_metrics *example(void)
{
    const int truth[] = {0, 1, 2, 2, 2}, predicted[] = {0, 0, 2, 2, 1};
    weft_metrics *m = weft_metrics_new(3);
    CHECK(m != NULL);
    for (int i = 0; i < 5; i++) add(m, 3, truth[i], predicted[i]);
    return m;
}

static void precision_recall_and_f1_are_counted_right(void **state)
{
    (void)state;
    weft_metrics *m = example();
    const double wanted[3][3] = {{0.5, 1, 2 / 3.0}, {0, 0, 0}, {1, 2 / 3.0, 0.8}};
    const int64_t support[] = {1, 1, 3}, predicted[] = {2, 1, 2};
    for (int c = 0; c < 3; c++) {
        weft_class_metrics r = weft_metrics_class(m, c);
        CHECK_NEAR(r.precision, wanted[c][0], 1e-12);
        CHECK_NEAR(r.recall, wanted[c][1], 1e-12);
        CHECK_NEAR(r.f1, wanted[c][2], 1e-12);
        CHECK(r.support == support[c] && r.predicted == predicted[c]);
    }
    CHECK_NEAR(weft_metrics_top1(m), 0.6, 1e-12);
    CHECK_NEAR(weft_metrics_top5(m), 1, 0); /* of three classes */
    CHECK_NEAR(weft_metrics_macro(m).f1, (2 / 3.0 + 0.8) / 3, 1e-12);
    CHECK_NEAR(weft_metrics_macro(m).precision, 0.5, 1e-12);
    CHECK_NEAR(weft_metrics_weighted(m).recall, 0.6, 1e-12);
    CHECK_NEAR(weft_metrics_weighted(m).precision, 0.7, 1e-12);
    CHECK(weft_metrics_count(m) == 5);
    CHECK(weft_metrics_confusion(m, 2, 1) == 1 && weft_metrics_confusion(m, 2, 2) == 2);
    CHECK(weft_metrics_confusion(m, 1, 1) == 0 && weft_metrics_confusion(m, 1, 0) == 1);
    CHECK(weft_metrics_confusion(m, 3, 0) == 0 && weft_metrics_confusion(m, 0, -1) == 0);
    weft_metrics_free(m);
}

static void the_report_is_scikit_learns(void **state)
{
    (void)state;
    const char *names[] = {"class 0", "class 1", "class 2"};
    weft_metrics *m = example();
    char *text = weft_metrics_report(m, names);
    CHECK_TEXT(text, "              precision    recall  f1-score   support\n"
                     "\n"
                     "     class 0       0.50      1.00      0.67         1\n"
                     "     class 1       0.00      0.00      0.00         1\n"
                     "     class 2       1.00      0.67      0.80         3\n"
                     "\n"
                     "    accuracy                           0.60         5\n"
                     "   macro avg       0.50      0.56      0.49         5\n"
                     "weighted avg       0.70      0.60      0.61         5\n");
    free(text);
    weft_metrics_free(m);
}

/* y_true 0 1 1 3 3 3, y_pred 0 1 4 3 3 1: class 2 never occurs and is in no mean,
 * class 4 is predicted only and is. */
static void means_are_over_the_classes_that_occur(void **state)
{
    (void)state;
    const int truth[] = {0, 1, 1, 3, 3, 3}, predicted[] = {0, 1, 4, 3, 3, 1};
    weft_metrics *m = weft_metrics_new(5);
    for (int i = 0; i < 6; i++) add(m, 5, truth[i], predicted[i]);
    weft_class_metrics macro = weft_metrics_macro(m), weighted = weft_metrics_weighted(m);
    CHECK_NEAR(macro.precision, 0.625, 1e-12); /* scikit-learn 1.2.1 */
    CHECK_NEAR(macro.recall, 0.5416666666666666, 1e-12);
    CHECK_NEAR(macro.f1, 0.575, 1e-12);
    CHECK_NEAR(weighted.precision, 0.8333333333333334, 1e-12);
    CHECK_NEAR(weighted.recall, 0.6666666666666666, 1e-12);
    CHECK_NEAR(weighted.f1, 0.7333333333333334, 1e-12);
    weft_metrics_free(m);
}

static void names_in_the_report_are_escaped_and_aligned(void **state)
{
    (void)state;
    const char *names[] = {"\x1b[31mred\xff", "\xe7\x8c\xab\xe7\x8c\xab", NULL};
    weft_metrics *m = example();
    char *text = weft_metrics_report(m, names);
    CHECK_HAS(text, "\n\\x1b[31mred\\xff       0.50");
    CHECK_HAS(text,
              "\n           \xe7\x8c\xab\xe7\x8c\xab       0.00"); /* two columns each */
    CHECK_HAS(text, "\n              2       1.00");
    CHECK(!strchr(text, 0x1b));
    free(text);
    weft_metrics_free(m);
}

static void a_long_name_is_cut_between_letters(void **state)
{
    (void)state;
    char name[2000];
    const char *names[] = {name, "b"};
    for (int i = 0; i + 2 < (int)sizeof name; i += 2) memcpy(name + i, "\xc3\xa9", 3);
    weft_metrics *m = weft_metrics_new(2);
    add(m, 2, 0, 0);
    char *text = weft_metrics_report(m, names);
    const char *line = strchr(strchr(text, '\n') + 1, '\n') + 1;
    const char *space = strchr(line, ' ');
    CHECK(space - line == 96); /* 48 letters of two bytes */
    free(text);
    weft_metrics_free(m);
}

static void of_equal_scores_the_lower_class_wins(void **state)
{
    (void)state;
    const float scores[] = {1, 1, 1, 1, 1, 1, 0};
    weft_metrics *m = weft_metrics_new(7);
    for (int32_t truth = 0; truth < 7; truth++)
        weft_metrics_add(m, scores, &truth, NULL, 1);
    CHECK_NEAR(weft_metrics_top1(m), 1 / 7.0, 1e-12);
    CHECK_NEAR(weft_metrics_top5(m), 5 / 7.0, 1e-12);
    for (int truth = 0; truth < 7; truth++)
        CHECK(weft_metrics_confusion(m, truth, 0) == 1);
    weft_metrics_free(m);
}

static void a_sample_with_nan_is_wrong_and_predicts_nothing(void **state)
{
    (void)state;
    const float scores[] = {NAN, 1, 0, 5, NAN, 0, INFINITY, 0, -INFINITY};
    const int32_t labels[] = {0, 0, 0};
    weft_metrics *m = weft_metrics_new(3);
    weft_metrics_add(m, scores, labels, NULL, 3);
    CHECK_NEAR(weft_metrics_top1(m), 1 / 3.0, 1e-12);
    CHECK_NEAR(weft_metrics_top5(m), 1 / 3.0, 1e-12);
    weft_class_metrics r = weft_metrics_class(m, 0);
    CHECK(r.support == 3 && r.predicted == 1);
    CHECK_NEAR(r.recall, 1 / 3.0, 1e-12);
    CHECK_NEAR(r.precision, 1, 1e-12);
    weft_metrics_free(m);
}

static void ignored_labels_do_not_count(void **state)
{
    (void)state;
    const float scores[] = {1, 0, 1, 0, 1, 0}, losses[] = {9, 0.5f, 9};
    const int32_t labels[] = {-1, 0, 2};
    weft_metrics *m = weft_metrics_new(2);
    weft_metrics_add(m, scores, labels, losses, 3);
    CHECK(weft_metrics_count(m) == 1);
    CHECK_NEAR(weft_metrics_top1(m), 1, 0);
    CHECK_NEAR(weft_metrics_loss(m), 0.5, 0);
    weft_metrics_free(m);
}

static void losses_are_averaged_over_batches_of_any_size(void **state)
{
    (void)state;
    const float scores[] = {1, 0, 1, 0, 1, 0}, losses[] = {1, 2, 6};
    const int32_t labels[] = {0, 1, 0};
    weft_metrics *whole = weft_metrics_new(2), *parts = weft_metrics_new(2);
    CHECK(isnan(weft_metrics_loss(whole)));
    weft_metrics_add(whole, scores, labels, losses, 3);
    weft_metrics_add(parts, scores, labels, losses, 1);
    weft_metrics_add(parts, scores + 2, labels + 1, losses + 1, 2);
    CHECK_NEAR(weft_metrics_loss(whole), 3, 0);
    CHECK(weft_metrics_loss(parts) == weft_metrics_loss(whole));
    weft_metrics_clear(whole);
    CHECK(weft_metrics_count(whole) == 0 && weft_metrics_confusion(whole, 0, 0) == 0);
    CHECK(weft_metrics_class(whole, 0).support == 0 && isnan(weft_metrics_loss(whole)));
    weft_metrics_free(whole);
    weft_metrics_free(parts);
}

static void nothing_added_gives_zeros_not_nan(void **state)
{
    (void)state;
    weft_metrics *m = weft_metrics_new(4);
    CHECK(weft_metrics_top1(m) == 0 && weft_metrics_top5(m) == 0);
    CHECK(weft_metrics_macro(m).f1 == 0 && weft_metrics_weighted(m).precision == 0);
    CHECK(weft_metrics_class(m, 9).support == 0);
    char *text = weft_metrics_report(m, NULL);
    CHECK_HAS(text, "    accuracy                           0.00         0\n");
    free(text);
    weft_metrics_free(m);
    weft_metrics_free(NULL);
    CHECK(weft_metrics_new(0) == NULL && weft_metrics_new(-3) == NULL);
    CHECK(weft_metrics_new(INT32_MAX) == NULL); /* more cells than memory */
}

RUN_TESTS(TEST(precision_recall_and_f1_are_counted_right),
          TEST(the_report_is_scikit_learns), TEST(means_are_over_the_classes_that_occur),
          TEST(names_in_the_report_are_escaped_and_aligned),
          TEST(a_long_name_is_cut_between_letters),
          TEST(of_equal_scores_the_lower_class_wins),
          TEST(a_sample_with_nan_is_wrong_and_predicts_nothing),
          TEST(ignored_labels_do_not_count),
          TEST(losses_are_averaged_over_batches_of_any_size),
          TEST(nothing_added_gives_zeros_not_nan))
