/* checkpoint.c: training state on disk: every damage is noticed, and the last good
 * generation survives whatever happens while a new one is written. */
#include "test.h"

#include "base/hash.h"
#include "base/log.h"
#include "store/checkpoint.h"
#include "store/safetensors.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static const float moments[] = {1, -2, 3.5f, 0, 1e-30f, 4};
static const float rates[] = {0.1f, 0.01f};

static weft__checkpoint *state_of(const char *epoch)
{
    weft__checkpoint *c = weft__checkpoint_new();
    CHECK(!weft_meta_set(weft__checkpoint_meta(c), "epoch", epoch));
    CHECK(!weft_meta_set(weft__checkpoint_meta(c), "note",
                         "a \"quoted\" line\nand a second, ü"));
    CHECK(!weft__checkpoint_put(c, "adam.m", WEFT_SHAPE(2, 3), moments, 6));
    CHECK(!weft__checkpoint_put(c, "rates", WEFT_SHAPE(2), rates, 2));
    CHECK(!weft__checkpoint_put(c, "nothing", (weft_shape){1, {0}}, rates, 0));
    CHECK(!weft__checkpoint_put(c, "scalar", (weft_shape){0}, rates, 1));
    return c;
}

static void write_state(const char *path, const char *epoch)
{
    weft__checkpoint *c = state_of(epoch);
    CHECK(!weft__checkpoint_write(c, path));
    weft__checkpoint_free(c);
}

/* The epoch that path holds, or "" when it cannot be read. */
static const char *epoch_of(const char *path)
{
    static char text[32];
    weft__checkpoint *c = NULL;
    *text = 0;
    if (!weft__checkpoint_read(path, &c))
        snprintf(text, sizeof text, "%s",
                 weft_meta_get(weft__checkpoint_meta(c), "epoch"));
    weft__checkpoint_free(c);
    return text;
}

static unsigned char *bytes_of(const char *path, size_t *n)
{
    unsigned char *data;
    CHECK(!weft__file_read(path, SIZE_MAX, &data, n));
    return data;
}

static void all_comes_back(void **state)
{
    const char *path = test_path("a.ckpt");
    weft__checkpoint *c = NULL;
    weft_shape shape;
    (void)state;
    write_state(path, "3");
    CHECK(!weft__checkpoint_read(path, &c));
    CHECK(weft__checkpoint_count(c) == 4);
    CHECK_TEXT(weft__checkpoint_name(c, 0, &shape), "adam.m");
    CHECK(shape.rank == 2 && shape.dim[0] == 2 && shape.dim[1] == 3);
    CHECK(!memcmp(weft__checkpoint_get(c, "adam.m", 6), moments, sizeof moments));
    CHECK(weft__checkpoint_get(c, "adam.m", 5) == NULL);
    CHECK(weft__checkpoint_get(c, "other", 6) == NULL);
    CHECK(weft__checkpoint_get(c, "scalar", 1)[0] == 0.1f);
    CHECK(weft__checkpoint_name(c, 4, NULL) == NULL);
    CHECK(weft_meta_count(weft__checkpoint_meta(c)) == 2);
    CHECK_TEXT(weft_meta_get(weft__checkpoint_meta(c), "note"),
               "a \"quoted\" line\nand a second, ü");
    weft__checkpoint_free(c);
}

static void the_same_state_gives_the_same_bytes(void **state)
{
    size_t n, m;
    (void)state;
    write_state(test_path("b1.ckpt"), "3");
    write_state(test_path("b2.ckpt"), "3");
    unsigned char *a = bytes_of(test_path("b1.ckpt"), &n);
    unsigned char *b = bytes_of(test_path("b2.ckpt"), &m);
    CHECK(n == m && !memcmp(a, b, n));
    free(a);
    free(b);
}

static void a_checkpoint_cut_off_anywhere_is_refused(void **state)
{
    size_t n;
    (void)state;
    write_state(test_path("c.ckpt"), "3");
    unsigned char *data = bytes_of(test_path("c.ckpt"), &n);
    for (size_t cut = 0; cut < n; cut++) {
        weft__checkpoint *c = NULL;
        unsigned char *part =
            malloc(cut + 1); /* so that a sanitizer sees reads behind it */
        memcpy(part, data, cut);
        CHECK(weft__checkpoint_parse(part, cut, &c) == WEFT_EMODEL);
        CHECK(c == NULL);
        free(part);
    }
    free(data);
}

static void every_flipped_bit_is_a_checksum_mismatch(void **state)
{
    size_t n;
    (void)state;
    write_state(test_path("d.ckpt"), "3");
    unsigned char *data = bytes_of(test_path("d.ckpt"), &n);
    for (size_t bit = 0; bit < n * 8; bit++) {
        weft__checkpoint *c = NULL;
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        CHECK(weft__checkpoint_parse(data, n, &c) == WEFT_EMODEL);
        CHECK_HAS(weft_last_error(), "checksum mismatch in section ");
        CHECK(c == NULL);
        data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    size_t at = n - 32 - 4; /* in the last tensor, by name */
    weft__checkpoint *c = NULL;
    data[at] ^= 1;
    CHECK(weft__checkpoint_parse(data, n, &c) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "section scalar");
    free(data);
}

/* A header as given with right checksums around it, over `bytes` of zeros as data. */
static weft_status parse_made(const char *json, size_t bytes)
{
    weft__sha256 h;
    size_t length = strlen(json), padded = (length + 8 + 63) / 64 * 64;
    size_t n = padded + bytes;
    unsigned char *data = calloc(n + 32, 1);
    weft__checkpoint *c = NULL;
    memset(data + 8, ' ', padded - 8);
    for (int i = 0; i < 8; i++) data[i] = (unsigned char)((padded - 8) >> 8 * i);
    memcpy(data + 8, json, length);
    weft__sha256_start(&h);
    weft__sha256_add(&h, data, padded);
    weft__sha256_end(&h, data + n);
    weft_status s = weft__checkpoint_parse(data, n + 32, &c);
    weft__checkpoint_free(c);
    free(data);
    return s;
}

#define META(version) \
    "\"__metadata__\":{\"weft.checkpoint\":\"" version "\",\"weft.crc32\":\""
#define SEAL_AT(begin, end) \
    "\"weft.header.sha256\":{\"dtype\":\"U8\",\"shape\":[32],\"data_offsets\":[" begin \
    "," end "]}}"
#define ZERO8 "6522df69" /* CRC-32 of eight zeros */

static void headers_that_lie_are_refused(void **state)
{
    static const struct {
        const char *json;
        const char *says;
    } lies[] = {
        {"{" META("2") "\"}," SEAL_AT("0", "32"), "written by version 2"},
        {"{" META("0.9") "\"}," SEAL_AT("0", "32"), "written by version 0.9"},
        {"{\"__metadata__\":{\"x\":\"y\"}," SEAL_AT("0", "32"),
         "not a checkpoint of weft"},
        {"[]", "not an object"},
        {"{\"a\":", "section header"},
        {"{\"__metadata__\":3," SEAL_AT("0", "32"), "__metadata__"},
        {"{\"__metadata__\":{\"a\":1}," SEAL_AT("0", "32"), "not text"},
        {"{\"a\":1,\"a\":2}", "duplicate"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}," SEAL_AT(
             "12", "44"),
         "section t: begins at 4"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}," SEAL_AT(
             "4", "36"),
         "begins at 4"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}," SEAL_AT(
             "12", "44"),
         "begins at 12"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}," SEAL_AT(
             "8", "40"),
         "section t: 8 bytes, its shape needs 12"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}," SEAL_AT(
             "8", "40"),
         "data_offsets"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}," SEAL_AT(
             "8", "40"),
         "natural"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],"
         "\"data_offsets\":[0,8]}," SEAL_AT("8", "40"),
         "too many elements"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],"
         "\"data_offsets\":[0,8]}," SEAL_AT("8", "40"),
         "section header"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F77\",\"shape\":[2],\"data_offsets\":[0,8]}," SEAL_AT(
             "8", "40"),
         "unknown data type"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}," SEAL_AT(
             "8", "40"),
         "must be F32"},
        {"{" META("1") "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"
                       "}," SEAL_AT("8", "40"),
         "checksums do not fit"},
        {"{" META(
             "1") "00000000\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":"
                  "[0,8]}," SEAL_AT("8", "40"),
         "checksum mismatch in section t"},
        {"{" META("1") ZERO8
         "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "belong to no section"},
    };
    (void)state;
    CHECK(!parse_made("{" META("1") ZERO8 "\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2],"
                                          "\"data_offsets\":[0,8]}," SEAL_AT("8", "40"),
                      8));
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        size_t data = strstr(lies[i].json, "\"t\"") ? 8 : 0;
        CHECK(parse_made(lies[i].json, data) == WEFT_EMODEL);
        CHECK_HAS(weft_last_error(), lies[i].says);
    }
}

static void a_header_length_in_another_byte_order_is_refused(void **state)
{
    size_t n;
    weft__checkpoint *c = NULL;
    (void)state;
    write_state(test_path("e.ckpt"), "3");
    unsigned char *data = bytes_of(test_path("e.ckpt"), &n);
    for (int i = 0; i < 4; i++) {
        unsigned char t = data[i];
        data[i] = data[7 - i];
        data[7 - i] = t;
    }
    CHECK(weft__checkpoint_parse(data, n, &c) == WEFT_EMODEL);
    free(data);
}

static void the_generation_before_is_kept_and_used(void **state)
{
    const char *path = test_path("f.ckpt"), *previous = test_path("f.ckpt.previous");
    (void)state;
    write_state(path, "1");
    CHECK(!weft__is_file(previous));
    write_state(path, "2");
    write_state(path, "3");
    CHECK_TEXT(epoch_of(path), "3");
    CHECK_TEXT(epoch_of(previous), "2");
    weft_set_quiet(2);
    test_write(path, "", 0); /* damaged, and empty */
    CHECK_TEXT(epoch_of(path), "2");
    CHECK(unlink(path) == 0); /* gone */
    CHECK_TEXT(epoch_of(path), "2");
    test_write(path, "", 0);
    write_state(path, "4"); /* does not push the good one out */
    CHECK_TEXT(epoch_of(previous), "2");
    CHECK_TEXT(epoch_of(path), "4");
    weft_set_quiet(0);
}

static void without_any_good_generation_the_first_damage_is_told(void **state)
{
    const char *path = test_path("g.ckpt");
    weft__checkpoint *c = NULL;
    (void)state;
    CHECK(weft__checkpoint_read(path, &c) == WEFT_EIO);
    test_write(path, "", 0);
    CHECK(weft__checkpoint_read(path, &c) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "g.ckpt: the file is empty");
    test_write(test_path("g.ckpt.previous"), "rubbish", 7);
    CHECK(weft__checkpoint_read(path, &c) == WEFT_EMODEL);
    CHECK_HAS(weft_last_error(), "g.ckpt: the file is empty");
    CHECK(c == NULL);
}

static void left_over_temporaries_do_not_matter(void **state)
{
    const char *path = test_path("h.ckpt");
    (void)state;
    write_state(path, "1");
    test_write(test_path("h.ckpt.new"), "half a checkpoint", 17);
    test_write(test_path("h.ckpt.previous.new"), "", 0);
    CHECK_TEXT(epoch_of(path), "1");
    write_state(path, "2");
    CHECK_TEXT(epoch_of(path), "2");
    CHECK_TEXT(epoch_of(test_path("h.ckpt.previous")), "1");
    CHECK(!weft__is_file(test_path("h.ckpt.new")));
    CHECK(!weft__is_file(test_path("h.ckpt.previous.new")));
}

/* A disk that is full after `bytes` bytes. */
static void a_full_disk_changes_nothing(void **state)
{
    const char *path = test_path("i.ckpt");
    size_t n;
    (void)state;
    write_state(path, "1");
    write_state(path, "2");
    free(bytes_of(path, &n));
    for (size_t bytes = 0; bytes < n; bytes += 97) {
        struct rlimit full, before;
        weft__checkpoint *c = state_of("3");
        CHECK(!getrlimit(RLIMIT_FSIZE, &before));
        full = before;
        full.rlim_cur = bytes;
        CHECK(!setrlimit(RLIMIT_FSIZE, &full));
        weft_status s = weft__checkpoint_write(c, path);
        CHECK(!setrlimit(RLIMIT_FSIZE, &before));
        CHECK(s == WEFT_EIO);
        weft__checkpoint_free(c);
        CHECK(!weft__is_file(test_path("i.ckpt.new")));
    }
    CHECK_TEXT(epoch_of(path), "2");
    CHECK_TEXT(epoch_of(test_path("i.ckpt.previous")), "1");
}

/* kill -9 again and again while checkpoints are written: one is always there, and never
 * an older one than was finished. */
static void a_killed_writer_leaves_a_good_checkpoint(void **state)
{
    const char *path = test_path("j.ckpt");
    (void)state;
    write_state(path, "0");
    weft_set_quiet(2);
    for (int round = 0; round < 30; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            for (int epoch = 1;; epoch++) {
                char text[16];
                snprintf(text, sizeof text, "%d", epoch);
                weft__checkpoint *c = state_of(text);
                if (weft__checkpoint_write(c, path)) _exit(1);
                weft__checkpoint_free(c);
            }
        }
        struct timespec wait = {.tv_nsec = 1000000 + round * 700000};
        nanosleep(&wait, NULL);
        CHECK(!kill(child, SIGKILL));
        CHECK(waitpid(child, NULL, 0) == child);
        CHECK(*epoch_of(path));
    }
    weft_set_quiet(0);
}

static void what_cannot_be_put_or_written_is_refused(void **state)
{
    (void)state;
    weft__checkpoint *c = weft__checkpoint_new();
    CHECK(weft__checkpoint_put(c, "t", WEFT_SHAPE(2), rates, 3) == WEFT_EBUG);
    CHECK(weft__checkpoint_put(c, "__metadata__", WEFT_SHAPE(2), rates, 2) == WEFT_EBUG);
    CHECK(!weft__checkpoint_put(c, "t", WEFT_SHAPE(2), rates, 2));
    CHECK(!weft__checkpoint_put(c, "t", WEFT_SHAPE(2), rates, 2));
    CHECK(weft__checkpoint_write(c, test_path("k.ckpt")) == WEFT_EUSAGE);
    CHECK_HAS(weft_last_error(), "comes twice");
    CHECK(weft__checkpoint_write(c, test_folder()) == WEFT_EIO);
    CHECK(weft__checkpoint_write(c, "/dev/null") == WEFT_EIO);
    weft__checkpoint_free(c);
}

RUN_TESTS(TEST(all_comes_back), TEST(the_same_state_gives_the_same_bytes),
          TEST(a_checkpoint_cut_off_anywhere_is_refused),
          TEST(every_flipped_bit_is_a_checksum_mismatch),
          TEST(headers_that_lie_are_refused),
          TEST(a_header_length_in_another_byte_order_is_refused),
          TEST(the_generation_before_is_kept_and_used),
          TEST(without_any_good_generation_the_first_damage_is_told),
          TEST(left_over_temporaries_do_not_matter), TEST(a_full_disk_changes_nothing),
          TEST(a_killed_writer_leaves_a_good_checkpoint),
          TEST(what_cannot_be_put_or_written_is_refused))
