/* A program of somebody who has weft installed; also built as C++. */
#include <weft/base.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    printf("weft %s, %d threads\n", weft_version(), weft_threads());
    return strcmp(weft_version(), WEFT_VERSION) != 0 ||
           weft_set_threads(-1) != WEFT_EUSAGE;
}
