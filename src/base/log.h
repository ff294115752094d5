/* log.h: talk to the person, on stderr, through one replaceable hook. */
#ifndef WEFT_SRC_LOG_H
#define WEFT_SRC_LOG_H

/* One line each, without the newline. Survive a closed stderr. */
void weft__warn(const char *format, ...) __attribute__((format(printf, 1, 2))); /* "weft: warning: ..." */
void weft__note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void weft__log_quiet(int quiet); /* 1: notes are dropped, warnings stay; 2: both are dropped */

#endif
