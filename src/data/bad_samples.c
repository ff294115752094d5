/* bad_samples.c: what becomes of a set with samples that cannot be read. */
#include "base/error.h"
#include "base/file.h"
#include "data/checks.h"

enum { LISTED = 20 };

static weft_status write_list(const weft__bad_samples *b, const char *path)
{
    weft__writer w;
    weft_status s = weft__writer_open(&w, path);
    if (s) return s;
    weft__writer_printf(&w, "sample\tproblem\n");
    for (size_t i = 0; i < b->bad; i++) {
        char name[1024], safe[2048];
        b->name_of(b->set, i, name, sizeof name);
        weft__writer_printf(&w, "%s\t%s\n", weft__escape(safe, sizeof safe, name),
                            b->why(b->set, i));
    }
    return weft__writer_commit(&w);
}

weft_status weft__check_bad_samples(const weft__bad_samples *b,
                                    const weft_dataset_opts *o, const weft__sink *sink)
{
    double share, most = o->skip_bad_max > 0 ? o->skip_bad_max : 100;
    weft_status s = WEFT_OK;
    if (o->bad_list && o->skip_bad) s = write_list(b, o->bad_list);
    if (s || !b->bad) return s;
    for (size_t i = 0; i < b->bad && (sink->lint || i < LISTED); i++)
        weft__found(sink, WEFT_ERROR, "unreadable", "%s", b->why(b->set, i));
    if (sink->lint) return WEFT_OK;
    share = 100.0 * (double)b->bad / (double)b->all;
    if (!o->skip_bad)
        return weft__fail(WEFT_EDATA,
                          "%s: %zu of %zu samples cannot be read%s; the first: %s. "
                          "--skip-bad leaves them out",
                          b->path, b->bad, b->all,
                          b->bad > LISTED ? " (20 are listed above)" : "",
                          b->why(b->set, 0));
    if (share > most)
        return weft__fail(
            WEFT_EDATA,
            "%s: %zu of %zu samples (%.3g %%) cannot be read, %.3g %% may be "
            "left out; the first: %s",
            b->path, b->bad, b->all, share, most, b->why(b->set, 0));
    weft__found(sink, WEFT_WARNING, "skipped",
                "%s: %zu of %zu samples left out (%.3g %%)", b->path, b->bad, b->all,
                share);
    return WEFT_OK;
}
