/* path.c: tests of paths put together. */
#include "test.h"

#include "base/path.h"

static const char *const row[][3] = {
    {"a", "b", "a/b"}, {"a/", "b", "a/b"},   {"/", "b", "/b"},
    {"", "b", "b"},    {"a//", "b", "a//b"}, {"a/b", "c/d", "a/b/c/d"},
    {"a", "", "a/"},   {"", "", ""},         {".", "%s", "./%s"}};
enum { ROWS = sizeof row / sizeof *row };

static void paths_are_joined_with_one_slash(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        weft__path p = {"before"};
        char *fresh = weft__path_join(row[i][0], row[i][1]);
        CHECK(weft__path_put(&p, row[i][0], row[i][1]) == WEFT_OK);
        CHECK_TEXT(p.text, row[i][2]);
        CHECK_TEXT(fresh, row[i][2]);
        free(fresh);
    }
}

static void a_path_grows_in_its_place(void **state)
{
    weft__path p = {""};
    (void)state;
    CHECK(weft__path_put(&p, p.text, "runs") == WEFT_OK);
    CHECK(weft__path_put(&p, p.text, "first") == WEFT_OK);
    CHECK_TEXT(p.text, "runs/first");
    CHECK(weft__path_put(&p, p.text, p.text) == WEFT_OK);
    CHECK_TEXT(p.text, "runs/first/runs/first");
    CHECK(weft__path_put(&p, "/", p.text + 5) == WEFT_OK);
    CHECK_TEXT(p.text, "/first/runs/first");
    CHECK(weft__path_format(&p, "%s-%d", p.text, 7) == WEFT_OK);
    CHECK_TEXT(p.text, "/first/runs/first-7");
}

/* n bytes of 'd', with a NUL. */
static char *long_name(size_t n)
{
    char *name = malloc(n + 1);
    CHECK(name != NULL);
    memset(name, 'd', n);
    name[n] = '\0';
    return name;
}

static void the_longest_path_fits_and_one_more_byte_is_refused(void **state)
{
    char *dir = long_name(WEFT_PATH_BYTES - 3);
    weft__path p = {"before"};
    (void)state;
    CHECK(weft__path_put(&p, dir, "ab") == WEFT_EUSAGE);
    CHECK_TEXT(p.text, "before");
    CHECK(weft__path_put(&p, dir, "a") == WEFT_OK);
    CHECK(strlen(p.text) == WEFT_PATH_BYTES - 1);
    CHECK(!strncmp(p.text, dir, strlen(dir)));
    CHECK_TEXT(p.text + strlen(dir), "/a");
    CHECK(weft__path_put(&p, p.text, "") == WEFT_EUSAGE); /* the slash has no room */
    free(dir);
}

static void the_message_shows_the_beginning_and_the_limit(void **state)
{
    char *name = long_name(5000), *shown = long_name(60), want[200];
    weft__path p = {"before"};
    (void)state;
    snprintf(want, sizeof want,
             "path is too long: %s... has 5000 bytes, at most 4095 are possible", shown);
    CHECK(weft__path_put(&p, "", name) == WEFT_EUSAGE);
    CHECK_TEXT(weft_last_error(), want);
    CHECK(weft__path_format(&p, "%s", name) == WEFT_EUSAGE);
    CHECK_TEXT(weft_last_error(), want);
    CHECK(weft__path_put(&p, "run", name) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "path is too long: run... has 5004 bytes");
    CHECK(weft__path_in_run(&p, name, "best.onnx") == WEFT_EUSAGE);
    CHECK_TEXT(p.text, "before");
    free(name);
    free(shown);
}

static void a_format_is_printed_whole(void **state)
{
    char *name = long_name(WEFT_PATH_BYTES - 5);
    weft__path p = {"before"};
    (void)state;
    CHECK(weft__path_format(&p, "%s%04d", name, 12) == WEFT_OK);
    CHECK_TEXT(p.text + WEFT_PATH_BYTES - 5, "0012");
    CHECK(weft__path_format(&p, "%s%05d", name, 12) == WEFT_EUSAGE);
    CHECK_TEXT(p.text + WEFT_PATH_BYTES - 5, "0012");
    CHECK(weft__path_format(&p, "%s/%d.png", "shown", 3) == WEFT_OK);
    CHECK_TEXT(p.text, "shown/3.png");
    free(name);
}

static void a_run_is_named_by_its_folder_or_by_the_file(void **state)
{
    weft__path model, found;
    (void)state;
    CHECK(weft__make_folders(test_path("run")) == WEFT_OK);
    CHECK(weft__path_put(&model, test_path("run"), "best.onnx") == WEFT_OK);
    CHECK(weft__path_in_run(&found, test_path("run"), "best.onnx") == WEFT_OK);
    CHECK_TEXT(found.text, model.text);
    CHECK(weft__path_in_run(&found, model.text, "best.onnx") == WEFT_OK);
    CHECK_TEXT(found.text, model.text); /* not there: as it stands */
    test_write(model.text, "x", 1);
    CHECK(weft__path_in_run(&found, model.text, "last.ckpt") == WEFT_OK);
    CHECK_TEXT(found.text, model.text);
}

RUN_TESTS(TEST(paths_are_joined_with_one_slash), TEST(a_path_grows_in_its_place),
          TEST(the_longest_path_fits_and_one_more_byte_is_refused),
          TEST(the_message_shows_the_beginning_and_the_limit),
          TEST(a_format_is_printed_whole),
          TEST(a_run_is_named_by_its_folder_or_by_the_file))
