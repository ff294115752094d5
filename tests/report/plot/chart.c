/* Tests of charts, matrices, terminal tables and pictures in files. */
#include "test.h"

#include "report/plot/chart.h"
#include "report/table.h"

/* fontconfig hides its pointers, which a leak checker takes for lost. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

static void ticks_are_round_and_inside(void **state)
{
    (void)state;
    double at[12];
    CHECK(weft__ticks(0, 1, 5, at, 12) == 6);
    CHECK_NEAR(at[1], 0.2, 1e-12);
    CHECK(weft__ticks(1, 24, 6, at, 12) == 4); /* 5 10 15 20 */
    CHECK(at[0] == 5 && at[3] == 20);
    CHECK(weft__ticks(-3, 3, 6, at, 12) == 7);
    CHECK(at[3] == 0);
    CHECK(weft__ticks(1, 1, 5, at, 12) == 0);
    CHECK(weft__ticks(0, INFINITY, 5, at, 12) == 0);
    CHECK(weft__ticks(NAN, 1, 5, at, 12) == 0);
    for (double size = 1e-25; size < 1e25; size *= 7) {
        int n = weft__ticks(0.3 * size, 1.1 * size, 5, at, 12);
        CHECK(n >= 2 && n <= 9);
        CHECK(at[0] >= 0.3 * size * (1 - 1e-9) && at[n - 1] <= 1.1 * size * (1 + 1e-6));
    }
}

static char *drawn(const weft__chart *chart)
{
    weft__text t = {0};
    weft__canvas c = weft__svg_begin(&t, 520, 300, 1, "t", "d");
    weft__draw_chart(&c, chart, 0, 0, 520, 300);
    weft__svg_end(&c);
    CHECK(!t.failed);
    return t.data;
}

static void every_point_lies_on_the_paper(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3}, y[] = {-1e29, 0, 1e29}, tiny[] = {1e-28, 2e-28, 3e-28};
    const double same[] = {5, 5, 5};
    const double *const all[] = {y, tiny, same};
    for (int log = 0; log < 2; log++)
        for (int i = 0; i < 3; i++) {
            const weft__series s = {"s", 3, x, all[i]};
            char *svg =
                drawn(&(weft__chart){.title = "t", .n = 1, .series = &s, .log = log});
            for (char *at = svg; (at = strpbrk(at, "ML")); at++) {
                double px, py;
                if (sscanf(at + 1, "%lf %lf", &px, &py) != 2) continue;
                CHECK(px >= 0 && px <= 520 && py >= 0 && py <= 300);
            }
            free(svg);
        }
}

static void larger_values_lie_higher_later_ones_further_right(void **state)
{
    (void)state;
    const double x[] = {1, 2, 4}, y[] = {10, 20, 40};
    const weft__series s = {"s", 3, x, y};
    char *svg = drawn(&(weft__chart){.title = "t", .n = 1, .series = &s});
    double at[6];
    int found = 0;
    for (char *p = svg; (p = strstr(p, "<path d=\"M")); p++)
        found += sscanf(p, "<path d=\"M%lf %lfL%lf %lfL%lf %lf\" ", at, at + 1, at + 2,
                        at + 3, at + 4, at + 5) == 6;
    CHECK(found == 1);
    CHECK(at[0] < at[2] && at[1] > at[3] && at[3] > at[5]);
    CHECK_NEAR(at[4] - at[2], 2 * (at[2] - at[0]), 0.3); /* a tenth of a pixel each */
    CHECK_NEAR(at[3] - at[5], 2 * (at[1] - at[3]), 0.3);
    free(svg);
}

static void one_point_is_a_dot_and_holes_stay_holes(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5}, y[] = {1, 2, NAN, 2, 1};
    const weft__series one = {"s", 1, x, y}, holed = {"s", 5, x, y};
    char *svg = drawn(&(weft__chart){.title = "t", .n = 1, .series = &one});
    CHECK_HAS(svg, "<circle");
    free(svg);
    svg = drawn(&(weft__chart){.title = "t", .n = 1, .series = &holed});
    int lines = 0;
    for (char *at = svg; (at = strstr(at, "stroke-width=\"2\"")); at++) lines++;
    CHECK(lines == 3); /* two runs and the stroke in the legend */
    free(svg);
}

static void a_long_series_is_thinned_but_keeps_its_extremes(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    CHECK(x && y);
    for (int i = 0; i < N; i++) x[i] = i, y[i] = 0.5;
    y[77777] = 1;
    const weft__series s = {"s", N, x, y};
    char *svg = drawn(&(weft__chart){.title = "t", .n = 1, .series = &s});
    CHECK(strlen(svg) < 40000);
    double top = 300;
    for (char *at = svg; (at = strchr(at, 'L')); at++) {
        double px, py;
        if (sscanf(at + 1, "%lf %lf", &px, &py) == 2 && px > 52 && px < 500 && py < top)
            top = py;
    }
    CHECK(top < 90); /* the one peak reaches up there; the rest lies lower */
    free(svg);
    free(x);
    free(y);
}

static void bars_are_as_long_as_their_values(void **state)
{
    (void)state;
    const char *names[] = {"a", "<b>", "c"};
    const double values[] = {4, 2, NAN};
    weft__text t = {0};
    weft__canvas c = weft__svg_begin(&t, 400, weft__bars_height(3), 1, "t", "d");
    weft__draw_bars(&c, "bars", names, values, 3, 0, 0, 400);
    weft__svg_end(&c);
    CHECK_HAS(t.data, "h250v18"); /* 400 - 60 for names - 90 */
    CHECK_HAS(t.data, "h125v18");
    CHECK_HAS(t.data, "&lt;b&gt;");
    CHECK(!strstr(t.data, "nan"));
    weft__text_free(&t);
}

static void mix_ups_come_commonest_first(void **state)
{
    (void)state;
    const int64_t count[] = {5, 1, 4, 9, 0, 2, 0, 3, 7};
    weft__confusion m = {3, NULL, count};
    weft__mix_up out[3];
    CHECK(weft__mix_ups(&m, out, 3) == 3);
    CHECK(out[0].truth == 1 && out[0].predicted == 0 && out[0].count == 9);
    CHECK_NEAR(out[0].share, 9 / 11.0, 1e-12);
    CHECK(out[1].truth == 0 && out[1].predicted == 2 && out[1].count == 4);
    CHECK(out[2].truth == 2 && out[2].predicted == 1 && out[2].count == 3);
    const int64_t right[] = {5, 0, 0, 5};
    CHECK(weft__mix_ups(&(weft__confusion){2, NULL, right}, out, 3) == 0);
}

/* Where the label is drawn. */
static void place_of(const char *svg, const char *text, double *x, double *y)
{
    char ends[32];
    snprintf(ends, sizeof ends, ">%s</text>", text);
    const char *at = strstr(svg, ends);
    CHECK(at != NULL && !strstr(at + 1, ends));
    while (strncmp(at, "<text ", 6)) at--;
    CHECK(sscanf(at, "<text x=\"%lf\" y=\"%lf\"", x, y) == 2);
}

/* A row for each true class, a column for each predicted one. */
static void a_true_class_is_a_row(void **state)
{
    (void)state;
    const int64_t count[] = {51, 52, 53, 61, 62, 63, 71, 72, 73};
    weft__text t = {0};
    weft__canvas c = weft__svg_begin(&t, 600, 600, 1, "t", "d");
    double x[9], y[9];
    weft__draw_confusion(&c, &(weft__confusion){3, NULL, count});
    weft__svg_end(&c);
    for (int i = 0; i < 9; i++) {
        char text[8];
        snprintf(text, sizeof text, "%d", (int)count[i]);
        place_of(t.data, text, &x[i], &y[i]);
    }
    for (int i = 0; i < 9; i++) {
        CHECK(y[i] == y[i / 3 * 3] && x[i] == x[i % 3]);
        if (i >= 3) CHECK(y[i] > y[i - 3]);
        if (i % 3) CHECK(x[i] > x[i - 1]);
    }
    weft__text_free(&t);
}

/* ---- terminal ---- */

static void tables_align_by_what_letters_take(void **state)
{
    (void)state;
    const weft__column column[] = {{"name", false, 8}, {"n", true, 0}};
    const char *cell[] = {"\xe7\x8c\xab", "1",  "\x1b[1mx",    "22", NULL, NULL,
                          "abcdefghijk",  NULL, "caf\xc3\xa9", "333"};
    char *text = weft__table(column, 2, cell, 5);
    CHECK_TEXT(text,
               "name        n\n"
               "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
               "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
               "\xe2\x94\x80\n"
               "\xe7\x8c\xab          1\n"
               "\\x1b[1mx   22\n"
               "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
               "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"
               "\xe2\x94\x80\n"
               "abcdefg\xe2\x80\xa6\n"
               "caf\xc3\xa9      333\n");
    free(text);
    text = weft__table(column, 2, NULL, 0);
    CHECK_HAS(text, "name  n\n");
    free(text);
    CHECK(weft__table(column, 0, NULL, 0) == NULL);
}

static void the_matrix_fits_a_terminal(void **state)
{
    (void)state;
    const char *names[] = {"cat", "-"};
    const int64_t count[] = {3, 0, 1, 12};
    char *text = weft__confusion_text(&(weft__confusion){2, names, count});
    CHECK_HAS(text, "true \\ predicted  cat   -\n");
    CHECK_HAS(text, "\ncat                 3   \xc2\xb7\n");
    CHECK_HAS(text, "\n-                   1  12\n");
    free(text);
    int64_t many[30 * 30] = {[1] = 7};
    text = weft__confusion_text(&(weft__confusion){30, NULL, many});
    CHECK_HAS(text, "\n0           1                7  100.0 %\n");
    free(text);
}

/* ---- pictures ---- */

static void check_png(const char *path, weft_status s)
{
    unsigned char *data;
    size_t size;
    if (!weft__report_has_png()) {
        CHECK(s == WEFT_EUSAGE);
        CHECK_HAS(weft_last_error(), "without cairo");
        return;
    }
    CHECK(s == WEFT_OK);
    CHECK(weft__file_read(path, 16 << 20, &data, &size) == WEFT_OK);
    CHECK(size > 500 && !memcmp(data, "\x89PNG\r\n\x1a\n", 8));
    free(data);
}

static void pictures_are_png_files(void **state)
{
    (void)state;
    const char *names[] = {"\xe7\x8c\xab", "\xff\x1b[<&"};
    const int64_t count[] = {3, 1, 0, 5};
    const double x[] = {1, 2}, y[] = {0.5, NAN};
    const weft__series series = {names[1], 2, x, y};
    const weft__chart charts[] = {{.title = names[0], .n = 1, .series = &series},
                                  {.title = "empty"}};
    weft__report r = {.charts = 2, .chart = charts, .confusion = {2, names, count}};
    const char *path = test_path("a.png");
    check_png(path, weft__report_charts_png(&r, path));
    check_png(path, weft__report_confusion_png(&r, path));
    CHECK(weft__report_charts_png(&(weft__report){0}, path) == WEFT_EUSAGE);
    CHECK(weft__report_confusion_png(&(weft__report){0}, path) == WEFT_EUSAGE);
    if (weft__report_has_png())
        CHECK(weft__report_charts_png(&r, test_path("no/such/a.png")) == WEFT_EIO);
}

RUN_TESTS(TEST(ticks_are_round_and_inside), TEST(every_point_lies_on_the_paper),
          TEST(larger_values_lie_higher_later_ones_further_right),
          TEST(one_point_is_a_dot_and_holes_stay_holes),
          TEST(a_long_series_is_thinned_but_keeps_its_extremes),
          TEST(bars_are_as_long_as_their_values), TEST(mix_ups_come_commonest_first),
          TEST(a_true_class_is_a_row), TEST(tables_align_by_what_letters_take),
          TEST(the_matrix_fits_a_terminal), TEST(pictures_are_png_files))
