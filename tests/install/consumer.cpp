/* A C++ program of somebody who has weft installed. */
#include <weft/base.h>

#include <cstdio>
#include <cstring>

int main()
{
    std::printf("weft %s, %d threads\n", weft_version(), weft_threads());
    return std::strcmp(weft_version(), WEFT_VERSION) != 0 || weft_set_threads(-1) != WEFT_EUSAGE;
}
