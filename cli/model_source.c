/* model_source.c: a model by file, run folder, or the name of a ready network. */
#include "model_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool model_source_is_ready(const char *name)
{
    for (int i = 0; i < weft_zoo_total(); i++)
        if (!strcmp(weft_zoo_info_at(i).name, name)) return true;
    return false;
}

bool any_model_is_fresh(const char *name)
{
    return model_source_is_ready(name) && access(name, F_OK) != 0;
}

weft_status model_source_build(const char *name, const weft_zoo_opts *opts, bool f64,
                               model_source *m)
{
    m->g = weft_graph_new();
    if (!m->g) return weft_fail(WEFT_ENOMEM, "%s: out of memory", name);
    if (f64) weft_graph_use_double(m->g);
    m->fresh = true;
    weft_status s = weft_zoo_build(m->g, name, opts, &m->output);
    return s ? s : weft_params_init(m->g, 0);
}

/* Options of ready networks: of those for texts, and of both kinds. */
static const char *const for_texts[] = {
    "embedding", "vocabulary", "filters",          "kernel",
    "pool",      "hidden",     "layers",           "gate-bias",
    "readout",   "max-length", "embedding-dropout"};
static const char *const for_both[] = {"input", "classes", "dropout"};

/* A command may have a flag of the same name. */
static bool is_flag(const command *c, const char *option)
{
    for (const option_row *o = c->options; o->name || o->help; o++)
        if (o->name && !strcmp(o->name, option)) return o->kind == WEFT_OPTION_FLAG;
    return false;
}

static bool is_text(const char *name)
{
    const char *modality = weft_zoo_modality(name);
    return modality && !strcmp(modality, "text");
}

/* Does an option that was given mean nothing to these models? */
static weft_status hold(const command *c, const char *option, bool texts,
                        const char *const *name, int n)
{
    char shown[200];
    const char *of_kind = NULL; /* one whose kind has such options */
    if (!option_given(option) || is_flag(c, option)) return WEFT_OK;
    for (int i = 0; i < n; i++) {
        bool text = is_text(name[i]);
        if (!any_model_is_fresh(name[i]) || (texts && !text)) continue;
        if (!text || weft_zoo_takes(name[i], option)) return WEFT_OK;
        of_kind = name[i];
    }
    if (of_kind)
        return weft_fail(WEFT_EUSAGE, "%s: %s has no option %s", c->name, of_kind,
                         option);
    return weft_fail(WEFT_EUSAGE, "%s: --%s is for ready networks%s, %s is none", c->name,
                     option, texts ? " for texts" : "",
                     weft_escape(shown, sizeof shown, name[0]));
}

weft_status model_source_options(const command *c, const char *const *name, int n)
{
    weft_status s = WEFT_OK;
    for (size_t i = 0; i < sizeof for_texts / sizeof *for_texts && !s; i++)
        s = hold(c, for_texts[i], true, name, n);
    for (size_t i = 0; i < sizeof for_both / sizeof *for_both && !s; i++)
        s = hold(c, for_both[i], false, name, n);
    return s;
}

static weft_status load(const char *path, bool f64, model_source *m)
{
    struct stat info;
    size_t size = strlen(path) + sizeof "/best.onnx";
    char *file = malloc(size);
    if (!file) return weft_fail(WEFT_ENOMEM, "%s: out of memory", path);
    bool folder = !stat(path, &info) && S_ISDIR(info.st_mode);
    snprintf(file, size, "%s%s", path, folder ? "/best.onnx" : "");
    weft_onnx_load_opts o = {.use_double = f64};
    weft_status s = weft_onnx_load(file, &o, &m->g, &m->meta);
    free(file);
    if (!s) m->output = weft_output_at(m->g, 0);
    return s;
}

enum { MOST_NAMES = 64 };

/* Neither a file nor a network's name, and it looks like the latter. */
static weft_status unknown(const char *name)
{
    const char *names[MOST_NAMES];
    int n = 0;
    for (; n < weft_zoo_total() && n < MOST_NAMES; n++)
        names[n] = weft_zoo_info_at(n).name;
    const char *near = weft_nearest(name, names, n);
    return weft_fail(WEFT_EUSAGE,
                     "%.200s: no such file, and no network of that name. %s%s", name,
                     near ? "Did you mean " : "See weft help models", near ? near : "");
}

weft_status model_source_load(const char *name, const weft_zoo_opts *opts, bool f64,
                              model_source *out)
{
    model_source m = {0};
    weft_zoo_opts o = opts ? *opts : (weft_zoo_opts){0};
    /* small for a check: finite differences go through the network many times */
    if (f64) o.length = 9, o.vocabulary[0] = 40;
    bool file = access(name, F_OK) == 0;
    weft_status s = file || strpbrk(name, "./")   ? load(name, f64, &m)
                    : model_source_is_ready(name) ? model_source_build(name, &o, f64, &m)
                                                  : unknown(name);
    if (s)
        model_source_free(&m);
    else
        *out = m;
    return s;
}

void model_source_free(model_source *m)
{
    weft_meta_free(m->meta);
    weft_graph_free(m->g);
    *m = (model_source){0};
}
