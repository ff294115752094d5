/* Tests of base/error.h, base/log.h, and of weft/base.h's versions and exit codes. */
#include "test.h"

#include "base/error.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

static void exit_codes_are_those_of_the_table(void **state)
{
    static const int code[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0};
    (void)state;
    for (int s = 0; s <= WEFT_ESTOPPED; s++)
        CHECK(weft_exit_code((weft_status)s) == code[s]);
    CHECK(weft_exit_code((weft_status)99) == 1);
    CHECK(weft_exit_code((weft_status)-1) == 1);
}

static void the_version_is_the_headers(void **state)
{
    char text[32];
    (void)state;
    CHECK_TEXT(weft_version(), WEFT_VERSION);
    snprintf(text, sizeof text, "%d.%d.%d", WEFT_VERSION_MAJOR, WEFT_VERSION_MINOR,
             WEFT_VERSION_PATCH);
    CHECK_TEXT(weft_version(), text);
}

static void a_message_is_one_line_without_control_bytes(void **state)
{
    (void)state;
    CHECK(weft__fail(WEFT_EDATA, "%s:%d: bad\n\x1b[31mred\x7f", "a\tb", 7) == WEFT_EDATA);
    CHECK_TEXT(weft_last_error(), "a\\x09b:7: bad\\x0a\\x1b[31mred\\x7f");
}

static void bytes_that_are_not_utf8_are_escaped(void **state)
{
    static const struct {
        const char *in, *out;
    } text[] = {
        {"Stra\xc3\x9f"
         "e \xe7\xbb\x87 \xf0\x9f\xa7\xb5",
         "Stra\xc3\x9f"
         "e \xe7\xbb\x87 \xf0\x9f\xa7\xb5"},
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong */
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* above U+10FFFF */
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b31m"},            /* CSI as one character */
        {"a\xe7\xbb", "a\\xe7\\xbb"}, /* cut short */
        {"\xff\xfe", "\\xff\\xfe"},
    };
    char out[64];
    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        CHECK_TEXT(weft__escape(out, sizeof out, text[i].in), text[i].out);
}

static void escaping_never_leaves_half_a_sequence(void **state)
{
    char out[8];
    (void)state;
    for (size_t size = 1; size <= sizeof out; size++) {
        memset(out, 'x', sizeof out);
        weft__escape(out, size, "\xe7\xbb\x87\n\xe7\xbb\x87");
        CHECK(strlen(out) == (size < 4 ? 0u : size < 8 ? 3u : 7u));
    }
    out[0] = 'x';
    weft__escape(out, 0, "abc");
    CHECK(out[0] == 'x');
}

static void a_long_message_is_cut_at_one_kibibyte(void **state)
{
    char huge[5000];
    (void)state;
    memset(huge, '\n', sizeof huge - 1);
    huge[sizeof huge - 1] = 0;
    weft__fail(WEFT_EIO, "%s", huge);
    CHECK(strlen(weft_last_error()) <= 1023);
    CHECK(strlen(weft_last_error()) > 1000);
    weft__prefix(WEFT_EIO, "%s", huge);
    CHECK(strlen(weft_last_error()) <= 1023);
}

static void prefixes_go_before_the_message_that_stands(void **state)
{
    (void)state;
    weft__fail(WEFT_EMODEL, "no such tensor");
    CHECK(weft__prefix(WEFT_EMODEL, "%s", "a.onnx") == WEFT_EMODEL);
    CHECK_TEXT(weft_last_error(), "a.onnx: no such tensor");
    weft__fail(WEFT_EIO, "again: %s", weft_last_error());
    CHECK_TEXT(weft_last_error(), "again: a.onnx: no such tensor");
}

static void errno_becomes_words(void **state)
{
    (void)state;
    CHECK(weft__fail_errno(WEFT_EIO, ENOSPC, "%s: cannot write", "a") == WEFT_EIO);
    CHECK_TEXT(weft_last_error(), "a: cannot write: No space left on device");
    weft__fail_errno(WEFT_EIO, 987654, "b");
    CHECK_HAS(weft_last_error(), "b: ");
}

static void *fail_elsewhere(void *seen)
{
    *(bool *)seen = *weft_last_error() == 0;
    weft__fail(WEFT_EIO, "of the other thread");
    return NULL;
}

static void each_thread_has_its_own_message(void **state)
{
    pthread_t other;
    bool empty_at_first = false;
    (void)state;
    weft__fail(WEFT_EIO, "of this thread");
    CHECK(!pthread_create(&other, NULL, fail_elsewhere, &empty_at_first));
    pthread_join(other, NULL);
    CHECK(empty_at_first);
    CHECK_TEXT(weft_last_error(), "of this thread");
}

/* What weft__warn and weft__note put on stderr, read back through a pipe. */
static const char *said(int quiet)
{
    static char text[4096];
    int pipe_end[2], kept = dup(2);
    ssize_t n;
    CHECK(!pipe(pipe_end));
    dup2(pipe_end[1], 2);
    close(pipe_end[1]);
    weft_set_quiet(quiet);
    weft__warn("%d odd\nnames", 3);
    weft__note("epoch %d", 1);
    weft_set_quiet(0);
    dup2(kept, 2);
    close(kept);
    n = read(pipe_end[0], text, sizeof text - 1);
    close(pipe_end[0]);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void talk_is_whole_lines_and_can_be_hushed(void **state)
{
    (void)state;
    CHECK_TEXT(said(0), "weft: warning: 3 odd\\x0anames\nweft: epoch 1\n");
    CHECK_TEXT(said(1), "weft: warning: 3 odd\\x0anames\n");
    CHECK_TEXT(said(2), "");
}

static void talk_survives_a_closed_stderr(void **state)
{
    int pipe_end[2], kept = dup(2);
    (void)state;
    CHECK(!pipe(pipe_end));
    close(pipe_end[0]);
    dup2(pipe_end[1], 2); /* nobody reads: SIGPIPE would end us */
    signal(SIGPIPE, SIG_DFL);
    weft__warn("into the void");
    close(2);
    weft__warn("into nothing at all");
    dup2(kept, 2);
    close(kept);
    close(pipe_end[1]);
    CHECK(fcntl(2, F_GETFD) >= 0);
}

RUN_TESTS(TEST(exit_codes_are_those_of_the_table), TEST(the_version_is_the_headers),
          TEST(a_message_is_one_line_without_control_bytes),
          TEST(bytes_that_are_not_utf8_are_escaped),
          TEST(escaping_never_leaves_half_a_sequence),
          TEST(a_long_message_is_cut_at_one_kibibyte),
          TEST(prefixes_go_before_the_message_that_stands), TEST(errno_becomes_words),
          TEST(each_thread_has_its_own_message),
          TEST(talk_is_whole_lines_and_can_be_hushed),
          TEST(talk_survives_a_closed_stderr))
