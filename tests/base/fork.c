/* Tests of base/thread.h after fork(), which sanitizers cannot follow. */
/* labels: native */
/* (neither qemu 7.2 nor ASan's allocator survives a fork among threads) */
/* timeout: 60 */
#include "test.h"

#include "base/thread.h"

#include <stdatomic.h>
#include <sys/wait.h>

static void count(void *arg, size_t begin, size_t end, int worker)
{
    _Atomic unsigned char *visits = arg;
    (void)worker;
    for (size_t i = begin; i < end; i++) visits[i]++;
}

static bool every_item_once(void)
{
    static _Atomic unsigned char visits[1000];
    bool right = true;
    for (int i = 0; i < 1000; i++) visits[i] = 0;
    weft__parallel(1000, 3, count, visits);
    for (int i = 0; i < 1000; i++) right = right && visits[i] == 1;
    return right;
}

static void a_child_of_fork_has_a_pool_of_its_own(void **state)
{
    (void)state;
    CHECK(weft_set_threads(3) == WEFT_OK);
    for (int i = 0; i < 10; i++) {
        int status = -1;
        pid_t child;
        CHECK(every_item_once());
        child = fork();
        if (!child) {
            bool right = every_item_once();
            weft__pool_stop(); /* would hang on the parent's threads */
            _exit(right && every_item_once() ? 0 : 1);
        }
        CHECK(child > 0);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(every_item_once());
}

RUN_TESTS(TEST(a_child_of_fork_has_a_pool_of_its_own))
