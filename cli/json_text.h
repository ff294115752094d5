/* json_text.h: texts as JSON strings. */
#ifndef WEFT_CLI_JSON_TEXT_H
#define WEFT_CLI_JSON_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* text, which is printable UTF-8 (weft_escape), between quotes. What does not fit is
 * left out. */
static inline void json_quote(char *to, size_t size, const char *text)
{
    size_t at = 0;
    to[at++] = '"';
    for (; *text && at + 4 < size; text++) {
        if (*text == '"' || *text == '\\') to[at++] = '\\';
        to[at++] = *text;
    }
    to[at++] = '"';
    to[at] = '\0';
}

#endif
