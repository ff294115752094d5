/* decimal.c: a decimal number from a text, whatever the locale. */
#include "data/text/embeddings/vectors.h"

#include <math.h>

/* m * 10^e. Exact where m < 2^53 and |e| <= 22, else within a few units of the last
 * place of a double: vectors are floats. */
static double scaled(double m, int e)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (e < -400) return 0;
    for (; e < -22; e += 22) m /= ten[22];
    for (; e > 22 && m < HUGE_VAL; e -= 22) m *= ten[22];
    if (e > 22) return m;
    return e < 0 ? m / ten[-e] : m * ten[e];
}

bool weft__decimal(const char *text, size_t n, double *out)
{
    const char *p = text, *end = text + n;
    uint64_t m = 0;
    int digits = 0, e = 0, power = 0;
    bool minus = p < end && *p == '-', point = false;
    if (p < end && (*p == '-' || *p == '+')) p++;
    for (; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point)); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        digits++;
        if (m < UINT64_C(100000000000000000))
            m = m * 10 + (uint64_t)(*p - '0'), e -= point;
        else
            e += !point;
    }
    if (!digits) return false;
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool down = ++p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        if (p == end) return false;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            if (power < 100000) power = power * 10 + (*p - '0');
        e += down ? -power : power;
    }
    if (p != end) return false;
    *out = m ? scaled((double)m, e) : 0;
    if (minus) *out = -*out;
    return isfinite(*out);
}
