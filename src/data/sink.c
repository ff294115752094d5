/* sink.c: findings about a data set on their way. */
#include "data/sink.h"

#include "base/error.h"
#include "base/log.h"

#include <stdio.h>

void weft__found(const weft__sink *sink, int severity, const char *code,
                 const char *format, ...)
{
    char raw[1024], text[1536];
    weft_finding f = {severity, code, text};
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    weft__escape(text, sizeof text, raw);
    sink->found(sink->user, &f);
}

weft_status weft__reject(const weft__sink *sink, const char *code, const char *format,
                         ...)
{
    weft_finding f = {WEFT_ERROR, code, NULL};
    va_list args;
    va_start(args, format);
    weft__vfail(WEFT_EDATA, format, args);
    va_end(args);
    if (!sink->lint) return WEFT_EDATA;
    f.text = weft_last_error();
    sink->found(sink->user, &f);
    return WEFT_OK;
}

static void warn(void *user, const weft_finding *f)
{
    (void)user;
    if (f->severity >= WEFT_WARNING) weft__warn("%s", f->text);
}

weft__sink weft__sink_warn(void)
{
    return (weft__sink){warn, NULL, false};
}
