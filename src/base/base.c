/* base.c: version and exit codes. */
#include "weft/base.h"

const char *weft_version(void)
{
    return WEFT_VERSION;
}

int weft_exit_code(weft_status s)
{
    switch (s) {
    case WEFT_OK:
    case WEFT_ESTOPPED: /* the command adds 128 + signal itself */
        return 0;
    case WEFT_ESHAPE:
        return WEFT_EUSAGE;
    default:
        return s >= WEFT_EBUG && s <= WEFT_EPEER ? (int)s : WEFT_EBUG;
    }
}
