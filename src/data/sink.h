/* sink.h: where findings about a data set go while it is opened. */
#ifndef WEFT_SRC_DATA_SINK_H
#define WEFT_SRC_DATA_SINK_H

#include "weft/dataset.h"

/* weft_dataset_open turns warnings into weft__warn and stops at the first error;
 * weft_dataset_check passes all on and goes on. */
typedef struct weft__sink {
    void (*found)(void *user, const weft_finding *f);
    void *user;
    bool lint; /* weft_dataset_check: every finding, and go on past errors */
} weft__sink;

enum { WEFT_NOTE, WEFT_WARNING, WEFT_ERROR }; /* weft_finding.severity */

/* The sink of weft_dataset_open: warnings to stderr, no notes. */
weft__sink weft__sink_warn(void);

void weft__found(const weft__sink *sink, int severity, const char *code,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The set breaks a rule. In a lint: a finding and WEFT_OK; otherwise WEFT_EDATA with
 * this message. */
weft_status weft__reject(const weft__sink *sink, const char *code, const char *format,
                         ...) __attribute__((format(printf, 3, 4)));

#endif
