/* model_source.h: a model by file, run folder, or the name of a ready network. */
#ifndef WEFT_CLI_MODEL_SOURCE_H
#define WEFT_CLI_MODEL_SOURCE_H

#include "option.h"

typedef struct model_source {
    weft_graph *g;
    weft_meta *meta;   /* NULL for a ready network */
    weft_value output; /* the first */
    bool fresh;        /* a ready network with initial parameters */
} model_source;

/* name is a file, a folder, or a ready network's name, then built with these options.
 * f64: in double precision. */
weft_status model_source_load(const char *name, const weft_zoo_opts *opts, bool f64,
                              model_source *out);
bool model_source_is_ready(const char *name); /* a ready network's name */
bool any_model_is_fresh(const char *name);    /* and there is no file of that name */
/* A ready network; *m is empty before, and the caller's to free whatever comes back. */
weft_status model_source_build(const char *name, const weft_zoo_opts *opts, bool f64,
                               model_source *m);
/* Of the options given, those that say how a ready network is built must mean something
 * to one of these n models; otherwise WEFT_EUSAGE names option and model. */
weft_status model_source_options(const command *c, const char *const *name, int n);
void model_source_free(model_source *m);

#endif
