/* json_number.h: JSON has no NaN and no infinity: null stands for them. */
#ifndef WEFT_CLI_JSON_NUMBER_H
#define WEFT_CLI_JSON_NUMBER_H

#include <jansson.h>
#include <math.h>

static inline json_t *json_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

#endif
