/* Tests of the page: hostile names, numbers that are none, nothing, far too much. */
#include "test.h"

#include "report/report.h"
#include "report/text.h"

/* Writes the page and returns its text; free() it. */
static char *page(const weft__report *r)
{
    unsigned char *data = NULL;
    size_t size;
    const char *path = test_path("report.html");
    CHECK(weft__report_write(r, path) == WEFT_OK);
    CHECK(weft__file_read(path, WEFT_REPORT_BYTES, &data, &size) == WEFT_OK);
    CHECK(strlen((char *)data) == size); /* no NUL inside */
    return (char *)data;
}

/* What must hold of every page, whatever was in it. */
static void check_page(const char *text)
{
    CHECK_HAS(text, "<!DOCTYPE html>");
    CHECK_HAS(text, "</html>");
    CHECK_HAS(text, "Content-Security-Policy");
    CHECK(!strstr(text, "<script"));
    CHECK(!strstr(text, "http://") || strstr(text, "http://www.w3.org/2000/svg"));
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        CHECK((*c >= 0x20 && *c != 0x7f) || *c == '\n');
}

/* A PNG's first bytes are all that the page looks at. */
static const unsigned char png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                    0,    0,   0,   13,  'I',  'H',  'D',  'R',
                                    0,    0,   0,   28,  0,    0,    0,    28};

/* Every text is hostile. */
static void markup_and_control_bytes_become_text(void **state)
{
    (void)state;
    const char *evil =
        "<script>alert(1)</script>\"' onload='x\x1b[2J\x07\xff\xc3(\xe2\x80\xae";
    const char *names[] = {evil, evil};
    const int64_t count[] = {3, 1, 2, 4};
    const double x[] = {1, 2}, y[] = {0.5, 0.25};
    const weft__series series = {evil, 2, x, y};
    const weft__chart chart = {.title = evil,
                               .x_title = evil,
                               .n = 1,
                               .series = &series,
                               .mark = 1,
                               .mark_text = evil};
    const weft__class_row rows[2] = {{1, 1, 1, 4}, {1, 1, 1, 4}};
    const weft__fact fact = {evil, evil};
    const weft__fact_group group = {evil, 1, &fact};
    const weft__layer_row layer = {evil, evil, evil, 1, 1};
    const weft__picture picture = {png, sizeof png, evil, evil, evil, 0.9, NAN};
    weft__report r = {.title = evil,
                      .subtitle = evil,
                      .headlines = 1,
                      .headline = &fact,
                      .summary = evil,
                      .charts = 1,
                      .chart = &chart,
                      .confusion_title = evil,
                      .confusion = {2, names, count},
                      .class_row = rows,
                      .pictures = 1,
                      .picture = &picture,
                      .layers = 1,
                      .layer = &layer,
                      .groups = 1,
                      .group = &group,
                      .usage = {.model = evil,
                                .input = evil,
                                .channels = 3,
                                .height = 8,
                                .width = 8,
                                .fit = "CROP",
                                .mean = {0.5f},
                                .std = {0.25f}}};
    char *text = page(&r);
    check_page(text);
    CHECK_HAS(text,
              "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=&#39;x\\x1b[2J");
    CHECK_HAS(text, "\\x07\\xff\\xc3(\\u{202e}");
    CHECK(!strstr(text, "onload='"));
    free(text);
}

static void nothing_at_all_is_a_page_without_sections(void **state)
{
    (void)state;
    char *text = page(&(weft__report){0});
    check_page(text);
    CHECK_HAS(text, "<h1>Training report</h1>");
    CHECK(!strstr(text, "<section"));
    free(text);
}

static void numbers_that_are_none_are_left_out(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, NAN}, good[] = {1, NAN, INFINITY, 0.5, 0.25, 1};
    const double bad[] = {NAN, -INFINITY, INFINITY, 1e300, -1e300, NAN};
    const weft__series series[] = {
        {"good", 6, x, good}, {"bad", 6, x, bad}, {"none", 0, NULL, NULL}};
    const weft__chart charts[] = {{.title = "some", .n = 3, .series = series},
                                  {.title = "log", .n = 3, .series = series, .log = true},
                                  {.title = "no", .n = 1, .series = series + 1},
                                  {.title = "empty"}};
    const weft__class_row rows[] = {{NAN, INFINITY, -NAN, -5}};
    const weft__layer_row layer = {NULL, NULL, NULL, -1, NAN};
    const weft__picture picture = {png, sizeof png, NULL, NULL, NULL, NAN, INFINITY};
    const int64_t count[] = {-3};
    weft__report r = {.charts = 4,
                      .chart = charts,
                      .confusion = {1, NULL, count},
                      .class_row = rows,
                      .macro = {NAN, NAN, NAN, 0},
                      .layers = 1,
                      .layer = &layer,
                      .pictures = 1,
                      .picture = &picture};
    char *text = page(&r);
    check_page(text);
    CHECK(!strstr(text, "nan") && !strstr(text, "inf\"") && !strstr(text, "e+300"));
    CHECK_HAS(text, "no finite values to draw");
    CHECK_HAS(text, "good: from 1 to 0.25.");
    free(text);
}

/* n classes, all right but for one mistake in each. */
static char *classes_page(int n)
{
    size_t cells = (size_t)n * (size_t)n;
    int64_t *count = calloc(cells, sizeof *count);
    char(*name)[400] = calloc((size_t)n, sizeof *name);
    const char **names = calloc((size_t)n, sizeof *names);
    weft__class_row *rows = calloc((size_t)n, sizeof *rows);
    CHECK(count && name && names && rows);
    for (int c = 0; c < n; c++) {
        for (int p = 0; p < n; p++)
            count[(size_t)c * (size_t)n + (size_t)p] = 1 + (c * p) % 3;
        count[(size_t)c * (size_t)n + (size_t)c] = 900;
        memset(name[c], 'a' + c % 26, sizeof name[c] - 1);
        names[c] = name[c];
        rows[c] = (weft__class_row){0.5, 0.5, 1 - c / (double)n, 900};
    }
    weft__report r = {.confusion = {n, names, count},
                      .class_row = rows,
                      .usage = {.model = "m.onnx",
                                .input = "x",
                                .channels = 1,
                                .height = 8,
                                .width = 8,
                                .std = {1}}};
    char *text = page(&r);
    free(count);
    free(name);
    free(names);
    free(rows);
    return text;
}

static int occurrences(const char *text, const char *part)
{
    int n = 0;
    while ((text = strstr(text, part))) text += strlen(part), n++;
    return n;
}

static void the_matrix_is_there_for_any_number_of_classes(void **state)
{
    (void)state;
    const int some[] = {1, 2, 10, 13, 33, 100, 120, 121};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        char *text = classes_page(some[i]);
        check_page(text);
        CHECK(occurrences(text, "role=\"img\"") == 1);
        CHECK(strlen(text) < 1500000);
        /* up to 32 classes each field says what it counts */
        CHECK(occurrences(text, "class=\"tip\"") ==
              (some[i] <= 32 ? some[i] * some[i] : 0));
        free(text);
    }
}

static void a_thousand_classes_stay_a_small_page(void **state)
{
    (void)state;
    char *text = classes_page(1000);
    check_page(text);
    CHECK(strlen(text) < 1500000);
    CHECK_HAS(text, "A field stands for 10 classes each way");
    CHECK_HAS(text, "The 200 of 1000 classes with the lowest F1");
    CHECK(occurrences(text, "<th scope=\"row\">") == 200 + 2 + 8);
    free(text);
}

static void what_is_too_much_is_left_out_and_said(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    double *x = calloc(MANY, sizeof *x);
    weft__picture *pictures = calloc(MANY, sizeof *pictures);
    weft__layer_row *layers = calloc(MANY, sizeof *layers);
    CHECK(x && pictures && layers);
    for (int i = 0; i < MANY; i++) {
        x[i] = i;
        pictures[i] = (weft__picture){png, i % 2 ? sizeof png : 10, "f", "a", "b", 1, 0};
        layers[i] = (weft__layer_row){"conv", "conv", "[1]", i, i};
    }
    const weft__series series = {"x", MANY, x, x};
    weft__chart *charts = calloc(MANY, sizeof *charts);
    CHECK(charts != NULL);
    for (int i = 0; i < MANY; i++)
        charts[i] = (weft__chart){.title = "t", .n = 1, .series = &series};
    weft__report r = {.charts = MANY,
                      .chart = charts,
                      .pictures = MANY,
                      .picture = pictures,
                      .layers = MANY,
                      .layer = layers};
    char *text = page(&r);
    check_page(text);
    CHECK(strlen(text) < 1500000);
    CHECK(occurrences(text, "data:image/png;base64,") == 48);
    CHECK_HAS(text, "4952 more pictures are left out");
    CHECK_HAS(text, "4600 more layers are left out");
    CHECK_HAS(text, "4976 more charts are left out");
    free(text);
    free(x);
    free(pictures);
    free(layers);
    free(charts);
}

static void what_is_no_png_is_not_shown(void **state)
{
    (void)state;
    const weft__picture pictures[] = {
        {NULL, 0, "a", "b", "c", 1, 0},
        {(const unsigned char *)"<svg onload=1>         x", 24, "a", "b", "c", 1, 0}};
    weft__report r = {.pictures = 2, .picture = pictures};
    char *text = page(&r);
    CHECK(!strstr(text, "data:image"));
    CHECK_HAS(text, "2 more pictures are left out");
    free(text);
}

static void the_samples_say_this_models_numbers(void **state)
{
    (void)state;
    const char *names[] = {"cat", "a \"dog\"\\"};
    const int64_t count[] = {1, 0, 0, 1};
    weft__report r = {.confusion = {2, names, count},
                      .usage = {.model = "best.onnx",
                                .input = "pixels",
                                .channels = 3,
                                .height = 32,
                                .width = 48,
                                .fit = "LETTERBOX",
                                .mean = {0.5f, 0.25f, 1},
                                .std = {0.1f, 0.2f, 2}}};
    char *text = page(&r);
    CHECK_HAS(text, "np.float32([0.5, 0.25, 1.0])) / np.float32([0.1, 0.2, 2.0])");
    CHECK_HAS(text, "weft_predictor_open(&quot;best.onnx&quot;, &amp;p)");
    CHECK_HAS(text, "&quot;cat&quot;, &quot;a \\&quot;dog\\&quot;\\\\&quot;");
    CHECK_HAS(text, "session.run(None, {&quot;pixels&quot;: x})");
    CHECK_HAS(text, "ImageOps.pad(picture, (48, 32), Image.BILINEAR, "
                    "color=(114, 114, 114))");
    free(text);
}

static void a_folder_that_is_not_there_is_an_io_error(void **state)
{
    (void)state;
    CHECK(weft__report_write(&(weft__report){0}, test_path("no/such/report.html")) ==
          WEFT_EIO);
    CHECK_HAS(weft_last_error(), "report.html");
}

static void base64_and_counts_are_right(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } row[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"\xff\xfe\xfd!", "//79IQ=="}};
    weft__text t = {0};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        weft__text_base64(&t, (const unsigned char *)row[i].in, strlen(row[i].in));
        CHECK_TEXT(t.data ? t.data : "", row[i].out);
        weft__text_free(&t);
    }
    weft__text_count(&t, 1234567);
    weft__text_add(&t, "|");
    weft__text_count(&t, 1234);
    weft__text_add(&t, "|");
    weft__text_count(&t, NAN);
    CHECK_TEXT(t.data, "1\xe2\x80\xaf"
                       "234\xe2\x80\xaf"
                       "567|1234|\xe2\x80\x93");
    weft__text_free(&t);
}

static void a_long_text_is_cut_between_letters(void **state)
{
    (void)state;
    weft__text t = {0};
    weft__text_escaped(&t, "\xc3\xa9<\xc3\xa9\xc3\xa9", 2);
    CHECK_TEXT(t.data, "\xc3\xa9&lt;\xe2\x80\xa6");
    weft__text_free(&t);
    weft__text_escaped(&t, "ab", 2); /* fits: no ellipsis */
    CHECK_TEXT(t.data, "ab");
    weft__text_free(&t);
}

RUN_TESTS(TEST(markup_and_control_bytes_become_text),
          TEST(nothing_at_all_is_a_page_without_sections),
          TEST(numbers_that_are_none_are_left_out),
          TEST(the_matrix_is_there_for_any_number_of_classes),
          TEST(a_thousand_classes_stay_a_small_page),
          TEST(what_is_too_much_is_left_out_and_said), TEST(what_is_no_png_is_not_shown),
          TEST(the_samples_say_this_models_numbers),
          TEST(a_folder_that_is_not_there_is_an_io_error),
          TEST(base64_and_counts_are_right), TEST(a_long_text_is_cut_between_letters))
