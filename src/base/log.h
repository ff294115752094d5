/* log.h: talk to the person, on stderr. */
#ifndef WEFT_SRC_BASE_LOG_H
#define WEFT_SRC_BASE_LOG_H

/* "weft: warning: ..." and "weft: ...": one line each, without the newline, control
 * bytes escaped. They survive a closed stderr. */
void weft__warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void weft__note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 1: notes are dropped, warnings stay; 2: both are dropped; 0: neither. */
void weft__log_quiet(int quiet);

#endif
