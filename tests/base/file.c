/* Tests of base/file.h: limits when reading, wholeness when writing. */
/* link: -Wl,--wrap=fsync,--wrap=write */
/* labels: threads */
#define _GNU_SOURCE
#include "test.h"

#include "base/checked.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Faults: the linker sends the library's calls here (-Wl,--wrap). */
static struct {
    int fsync_errno, fsync_fails_at; /* 1: the file's, 2: the folder's */
    _Atomic int fsyncs;
    bool short_writes;
    int interrupts;  /* that many write calls end in EINTR first */
    int write_errno; /* then all fail */
} fault;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (++fault.fsyncs == fault.fsync_fails_at) {
        errno = fault.fsync_errno;
        return -1;
    }
    return __real_fsync(fd);
}

ssize_t __real_write(int fd, const void *data, size_t bytes);
ssize_t __wrap_write(int fd, const void *data, size_t bytes);
ssize_t __wrap_write(int fd, const void *data, size_t bytes)
{
    if (fault.interrupts > 0) {
        fault.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (fault.write_errno) {
        errno = fault.write_errno;
        return -1;
    }
    return __real_write(fd, data, fault.short_writes && bytes > 3 ? 3 : bytes);
}

static int clear_faults(void **state)
{
    (void)state;
    memset(&fault, 0, sizeof fault);
    return 0;
}

/* The content of a file as a string (static). */
static const char *content(const char *path)
{
    static char text[256];
    unsigned char *data;
    size_t size;
    CHECK(weft__file_read(path, sizeof text - 1, &data, &size) == WEFT_OK);
    memcpy(text, data, size + 1);
    free(data);
    return text;
}

static size_t names_in(const char *folder)
{
    weft__names names;
    size_t n;
    CHECK(weft__folder_list(folder, 1000, &names) == WEFT_OK);
    n = names.count;
    weft__names_free(&names);
    return n;
}

/* An empty folder and a path in it. */
static const char *fresh(const char *name)
{
    char path[64];
    CHECK(weft__make_folders(test_path(name)) == WEFT_OK);
    snprintf(path, sizeof path, "%s/f", name);
    return test_path(path);
}

static void whole_files_are_read(void **state)
{
    const char *path = test_path("whole");
    static char big[100000];
    unsigned char *data;
    size_t size;
    (void)state;
    for (size_t i = 0; i < sizeof big; i++) big[i] = (char)(i * 7 % 251);
    for (size_t n = 0; n <= sizeof big; n = n * 3 + 1) {
        test_write(path, big, n);
        CHECK(weft__file_read(path, n, &data, &size) == WEFT_OK);
        CHECK(size == n && !memcmp(data, big, n) && data[n] == 0);
        free(data);
    }
    CHECK(weft__file_read("/proc/self/status", SIZE_MAX, &data, &size) == WEFT_OK);
    CHECK(size > 100 && data[size] == 0); /* fstat said 0 */
    CHECK_HAS((char *)data, "Threads:");
    free(data);
}

static void larger_than_allowed_is_refused(void **state)
{
    const char *path = test_path("larger");
    unsigned char *data = (unsigned char *)"kept";
    size_t size = 77, before = weft__max_memory();
    (void)state;
    test_write(path, "0123456789", 10);
    CHECK(weft__file_read(path, 9, &data, &size) == WEFT_ENOMEM);
    CHECK_HAS(weft_last_error(), "larger: larger than the 9 bytes allowed");
    CHECK(weft__file_read("/proc/self/status", 20, &data, &size) == WEFT_ENOMEM);
    weft__set_max_memory(5);
    CHECK(weft__file_read(path, 100, &data, &size) == WEFT_ENOMEM);
    weft__set_max_memory(before);
    CHECK(size == 77);
    CHECK_TEXT((char *)data, "kept");
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
    const char *fifo = test_path("fifo");
    const char *path[] = {fifo, "/dev/zero", test_folder(), test_path("absent"), ""};
    const char *why[] = {"is a device or pipe", "is a device or pipe", "is a folder",
                         "cannot open: No such file", "cannot open: No such file"};
    unsigned char *data;
    size_t size;
    FILE *f;
    (void)state;
    CHECK(!mkfifo(fifo, 0600));
    for (int i = 0; i < 5; i++) {
        CHECK(weft__file_read(path[i], 100, &data, &size) == WEFT_EIO);
        CHECK_HAS(weft_last_error(), why[i]);
        CHECK(weft__file_open(path[i], &f, NULL) == WEFT_EIO);
        CHECK_HAS(weft_last_error(), why[i]);
    }
}

static void an_opened_file_tells_its_size_and_blocks_as_usual(void **state)
{
    const char *path = test_path("opened");
    uint64_t size;
    FILE *f;
    (void)state;
    test_write(path, "12345", 5);
    CHECK(weft__file_open(path, &f, &size) == WEFT_OK);
    CHECK(size == 5 && fgetc(f) == '1');
    CHECK(!(fcntl(fileno(f), F_GETFL) & O_NONBLOCK));
    CHECK(fcntl(fileno(f), F_GETFD) & FD_CLOEXEC);
    fclose(f);
}

static void a_file_is_replaced_whole(void **state)
{
    const char *path = fresh("replace");
    static char big[700001];
    weft__writer w;
    unsigned char *data;
    size_t size;
    (void)state;
    CHECK(weft__file_replace(path, "old", 3) == WEFT_OK);
    memset(big, 'b', sizeof big);
    CHECK(weft__writer_open(&w, path) == WEFT_OK);
    weft__writer_printf(&w, "%s-%d ", "head", 7);
    weft__writer_put(&w, big, sizeof big);
    weft__writer_printf(&w, "%0600d", 5); /* longer than the buffer on its stack */
    weft__writer_put(&w, NULL, 0);
    CHECK(w.written == 7 + sizeof big + 600);
    CHECK_TEXT(content(path), "old"); /* until it is committed */
    CHECK(weft__writer_commit(&w) == WEFT_OK);
    CHECK(weft__file_read(path, 1 << 20, &data, &size) == WEFT_OK);
    CHECK(size == 7 + sizeof big + 600);
    CHECK(!memcmp(data, "head-7 ", 7) && !memcmp(data + 7, big, sizeof big));
    CHECK(data[size - 1] == '5' && data[size - 2] == '0');
    free(data);
    CHECK(names_in(test_path("replace")) == 1);
}

static void an_abandoned_file_leaves_the_old_one(void **state)
{
    const char *path = fresh("abandon");
    weft__writer w = {0};
    (void)state;
    weft__writer_abandon(&w); /* of nothing */
    CHECK(weft__file_replace(path, "old", 3) == WEFT_OK);
    CHECK(weft__writer_open(&w, path) == WEFT_OK);
    weft__writer_put(&w, "new", 3);
    weft__writer_abandon(&w);
    weft__writer_abandon(&w); /* twice is fine */
    CHECK_TEXT(content(path), "old");
    CHECK(names_in(test_path("abandon")) == 1);
    CHECK(fcntl(0, F_GETFD) >= 0);
}

static void short_and_interrupted_writes_go_on(void **state)
{
    const char *path = fresh("short");
    (void)state;
    fault.short_writes = true;
    fault.interrupts = 3;
    CHECK(weft__file_replace(path, "the whole of it", 15) == WEFT_OK);
    CHECK(fault.interrupts == 0);
    CHECK_TEXT(content(path), "the whole of it");
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    const char *path = fresh("full");
    static char big[1 << 20];
    weft__writer w;
    (void)state;
    CHECK(weft__file_replace(path, "old", 3) == WEFT_OK);
    fault.write_errno = ENOSPC;
    CHECK(weft__file_replace(path, "new", 3) == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "full/f: cannot write: No space left on device");
    CHECK(weft__writer_open(&w, path) == WEFT_OK);
    weft__writer_put(&w, big, sizeof big);
    CHECK(w.status == WEFT_EIO);
    fault.write_errno = 0;
    weft__writer_put(&w, "more", 4); /* a hole in the file would be worse than none */
    weft__writer_printf(&w, "more");
    CHECK(weft__writer_commit(&w) == WEFT_EIO);
    CHECK_TEXT(content(path), "old");
    CHECK(names_in(test_path("full")) == 1);
}

static void a_size_limit_is_an_error_not_a_signal(void **state)
{
    const char *path = fresh("limit");
    static char big[600000];
    struct rlimit before, small;
    weft_status s;
    (void)state;
    CHECK(weft__file_replace(path, "old", 3) == WEFT_OK);
    signal(SIGXFSZ, SIG_DFL);
    CHECK(!getrlimit(RLIMIT_FSIZE, &before));
    small = before;
    small.rlim_cur = 300000;
    CHECK(!setrlimit(RLIMIT_FSIZE, &small));
    s = weft__file_replace(path, big, sizeof big);
    CHECK(!setrlimit(RLIMIT_FSIZE, &before));
    CHECK(s == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "limit/f: cannot write: File too large");
    CHECK_TEXT(content(path), "old");
    CHECK(names_in(test_path("limit")) == 1);
}

static void a_failed_fsync_is_not_saved_and_not_tried_again(void **state)
{
    const char *path = fresh("fsync");
    (void)state;
    CHECK(weft__file_replace(path, "old", 3) == WEFT_OK);
    CHECK(fault.fsyncs == 2); /* the file and its folder */
    fault.fsyncs = 0;
    fault.fsync_fails_at = 1;
    fault.fsync_errno = EIO;
    CHECK(weft__file_replace(path, "new", 3) == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "fsync/f: cannot save: Input/output error");
    CHECK(fault.fsyncs == 1);
    CHECK_TEXT(content(path), "old");
    CHECK(names_in(test_path("fsync")) == 1);
}

static void a_failed_fsync_of_the_folder_is_told(void **state)
{
    const char *path = fresh("fsyncdir");
    (void)state;
    fault.fsync_fails_at = 2;
    fault.fsync_errno = EIO;
    CHECK(weft__file_replace(path, "new", 3) == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "cannot save its folder");
    fault.fsyncs = 0;
    fault.fsync_errno = EINVAL; /* some file systems cannot, and say so */
    CHECK(weft__file_replace(path, "newer", 5) == WEFT_OK);
    CHECK_TEXT(content(path), "newer");
}

static void only_regular_files_are_replaced(void **state)
{
    const char *fifo = test_path("outfifo"), *link = test_path("outlink");
    const char *path[] = {"/dev/null", fifo, link, test_folder(), "", "/nowhere/at/all"};
    struct stat st;
    (void)state;
    CHECK(!mkfifo(fifo, 0600) && !symlink("/dev/null", link));
    for (int i = 0; i < 6; i++) CHECK(weft__file_replace(path[i], "x", 1) == WEFT_EIO);
    CHECK(!stat("/dev/null", &st) && S_ISCHR(st.st_mode));
    CHECK(!stat(fifo, &st) && S_ISFIFO(st.st_mode));
}

static void permissions_of_the_old_file_are_kept(void **state)
{
    const char *path = fresh("mode");
    struct stat st;
    (void)state;
    CHECK(weft__file_replace(path, "old", 3) == WEFT_OK);
    CHECK(!chmod(path, 0640));
    CHECK(weft__file_replace(path, "new", 3) == WEFT_OK);
    CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0640);
}

static void a_killed_writer_leaves_nothing_that_stays(void **state)
{
    const char *path = fresh("killed");
    weft__writer w;
    int status;
    (void)state;
    CHECK(weft__file_replace(path, "old", 3) == WEFT_OK);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (!child) {
            weft__writer_open(&w, path);
            weft__writer_put(&w, "half of it and mo", 17);
            raise(SIGKILL);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        CHECK_TEXT(content(path), "old");
    }
    CHECK(names_in(test_path("killed")) == 2); /* one left-over, not five */
    CHECK(weft__file_replace(path, "new", 3) == WEFT_OK);
    CHECK_TEXT(content(path), "new");
    CHECK(names_in(test_path("killed")) == 1); /* and it was taken over */
}

static void writers_of_one_file_do_not_mix(void **state)
{
    const char *path = fresh("two");
    weft__writer a, b;
    (void)state;
    CHECK(weft__writer_open(&a, path) == WEFT_OK &&
          weft__writer_open(&b, path) == WEFT_OK);
    weft__writer_put(&a, "aaaa", 4);
    weft__writer_put(&b, "bb", 2);
    CHECK(weft__writer_commit(&a) == WEFT_OK);
    CHECK_TEXT(content(path), "aaaa");
    CHECK(weft__writer_commit(&b) == WEFT_OK);
    CHECK_TEXT(content(path), "bb");
    CHECK(names_in(test_path("two")) == 1);
}

static void a_planted_temporary_is_not_written_through(void **state)
{
    const char *path = fresh("planted"), *victim = test_path("victim");
    (void)state;
    test_write(victim, "mine", 4);
    CHECK(!symlink(victim, test_path("planted/.f.weft-0")));
    CHECK(!link(victim, test_path("planted/.f.weft-1")));
    CHECK(!mkfifo(test_path("planted/.f.weft-2"), 0600));
    CHECK(weft__file_replace(path, "new", 3) == WEFT_OK);
    CHECK_TEXT(content(path), "new");
    CHECK_TEXT(content(victim), "mine");
}

typedef struct race {
    const char *path;
    _Atomic bool done;
    _Atomic int wrong;
} race;

static void *replace_often(void *arg)
{
    race *r = arg;
    char text[200];
    for (int i = 0; i < 200; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        if (weft__file_replace(r->path, text, 1 + (size_t)i % 26 * 7)) r->wrong++;
    }
    return NULL;
}

static void readers_see_the_old_file_or_the_new_one(void **state)
{
    race r = {.path = fresh("race")};
    pthread_t writer[2];
    (void)state;
    CHECK(weft__file_replace(r.path, "a", 1) == WEFT_OK);
    for (int i = 0; i < 2; i++)
        CHECK(!pthread_create(&writer[i], NULL, replace_often, &r));
    for (int i = 0; i < 500; i++) {
        const char *text = content(r.path);
        size_t n = strlen(text);
        CHECK(n == 1 + (size_t)(*text - 'a') * 7 &&
              strspn(text, (char[]){*text, 0}) == n);
    }
    for (int i = 0; i < 2; i++) pthread_join(writer[i], NULL);
    CHECK(r.wrong == 0 && names_in(test_path("race")) == 1);
}

static void folders_are_made_with_those_above_them(void **state)
{
    (void)state;
    CHECK(weft__make_folders(test_path("p/q//r/")) == WEFT_OK);
    CHECK(weft__make_folders(test_path("p/q/r")) == WEFT_OK);
    CHECK(weft__is_folder(test_path("p/q/r")) && !weft__is_file(test_path("p/q/r")));
    CHECK(weft__make_folders("/") == WEFT_OK);
    CHECK(weft__make_folders("") == WEFT_EIO);
    test_write(test_path("p/file"), "x", 1);
    CHECK(weft__is_file(test_path("p/file")) && !weft__is_folder(test_path("p/file")));
    CHECK(weft__make_folders(test_path("p/file")) == WEFT_EIO);
    CHECK_HAS(weft_last_error(), "p/file: is there and is not a folder");
    CHECK(weft__make_folders(test_path("p/file/deeper")) == WEFT_EIO);
    CHECK(weft__make_folders("/proc/cannot/be") == WEFT_EIO);
}

static void names_are_sorted_bytewise(void **state)
{
    static const char *const name[] = {"b",        "B",  "a", ".hidden",
                                       "\xc3\xa4", "10", "9", "a b\n"};
    static const char *const sorted[] = {".hidden", "10",    "9", "B",
                                         "a",       "a b\n", "b", "\xc3\xa4"};
    weft__names names;
    char path[64];
    (void)state;
    fresh("names");
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof path, "names/%s", name[i]);
        test_write(test_path(path), "", 0);
    }
    CHECK(weft__folder_list(test_path("names"), 8, &names) == WEFT_OK);
    CHECK(names.count == 8);
    for (int i = 0; i < 8; i++) CHECK_TEXT(names.name[i], sorted[i]);
    weft__names_free(&names);
    weft__names_free(&names);
    CHECK(weft__folder_list(test_path("names"), 7, &names) == WEFT_ENOMEM);
    CHECK_HAS(weft_last_error(), "names: more than the 7 names allowed");
    CHECK(weft__folder_list(test_path("nowhere"), 7, &names) == WEFT_EIO);
}

#define CLEAN(function) cmocka_unit_test_setup(function, clear_faults)

RUN_TESTS(CLEAN(whole_files_are_read), CLEAN(larger_than_allowed_is_refused),
          CLEAN(what_is_no_regular_file_is_refused_at_once),
          CLEAN(an_opened_file_tells_its_size_and_blocks_as_usual),
          CLEAN(a_file_is_replaced_whole), CLEAN(an_abandoned_file_leaves_the_old_one),
          CLEAN(short_and_interrupted_writes_go_on),
          CLEAN(a_full_disk_leaves_the_old_file),
          CLEAN(a_size_limit_is_an_error_not_a_signal),
          CLEAN(a_failed_fsync_is_not_saved_and_not_tried_again),
          CLEAN(a_failed_fsync_of_the_folder_is_told),
          CLEAN(only_regular_files_are_replaced),
          CLEAN(permissions_of_the_old_file_are_kept),
          CLEAN(a_killed_writer_leaves_nothing_that_stays),
          CLEAN(writers_of_one_file_do_not_mix),
          CLEAN(a_planted_temporary_is_not_written_through),
          CLEAN(readers_see_the_old_file_or_the_new_one),
          CLEAN(folders_are_made_with_those_above_them), CLEAN(names_are_sorted_bytewise))
