/* without_cairo.c: stands in for cairo.c where the library is missing. */
#include "report/plot/canvas.h"

bool weft__png_available(void)
{
    return false;
}

weft_status weft__png_draw(const char *path, double width, double height,
                           void (*draw)(weft__canvas *c, void *what), void *what)
{
    (void)width, (void)height, (void)draw, (void)what;
    return weft__fail(WEFT_EUSAGE,
                      "%s: this build draws no pictures (it is without cairo)", path);
}
